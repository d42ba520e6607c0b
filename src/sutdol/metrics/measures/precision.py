"""Share of the flagged texts that are violating."""

from sutdol.metrics.measure import Decisions, Floats, metric, only


@metric("precision")
def precision(decisions: Decisions) -> Floats:
    """Share of the flagged texts that are violating."""
    return only(decisions.expected, decisions.flagged)
