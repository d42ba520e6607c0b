"""How often a violating text scores above a harmless one: the area under the ROC curve."""

import numpy as np

from sutdol.metrics.measure import Decisions, Floats, metric, only


@metric("auroc")
def auroc(decisions: Decisions) -> Floats:
    """Per violating text, the share of harmless texts below it, ties half (Hanley, McNeil 1982)."""
    harmless = np.sort(decisions.scores[~decisions.expected])
    if len(harmless) == 0:
        return np.full(len(decisions.scores), np.nan)
    below = np.searchsorted(harmless, decisions.scores, side="left")
    reached = np.searchsorted(harmless, decisions.scores, side="right")
    return only((below + reached) / (2 * len(harmless)), decisions.expected)
