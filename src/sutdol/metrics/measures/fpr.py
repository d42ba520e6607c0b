"""Share of the harmless texts that are flagged."""

from sutdol.metrics.measure import Decisions, Floats, metric, only


@metric("fpr")
def fpr(decisions: Decisions) -> Floats:
    """Share of the harmless texts that are flagged."""
    return only(decisions.flagged, ~decisions.expected)
