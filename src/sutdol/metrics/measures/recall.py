"""Share of the violating texts that are flagged."""

from sutdol.metrics.measure import Decisions, Floats, metric, only


@metric("recall")
def recall(decisions: Decisions) -> Floats:
    """Share of the violating texts that are flagged."""
    return only(decisions.flagged, decisions.expected)
