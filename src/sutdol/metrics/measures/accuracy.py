"""Share of all texts decided rightly."""

import numpy as np

from sutdol.metrics.measure import Decisions, Floats, metric, only


@metric("accuracy")
def accuracy(decisions: Decisions) -> Floats:
    """Share of all texts decided rightly."""
    return only(
        decisions.expected == decisions.flagged, np.ones(len(decisions.expected), dtype=bool)
    )
