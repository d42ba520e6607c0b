"""The usual measures of a fight, with intervals: texts are drawn again, not attacks.

Attacks on one text lean together: as cases of their own they would make intervals too narrow.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sutdol.metrics.draws import Draws, seed_from
from sutdol.metrics.interval import Interval

Floats = NDArray[np.float64]
Tally = tuple[int, int]
"""How often a text was attacked, and how often it was flagged then."""

RESAMPLES = 1_000


def intervals(malicious: Sequence[Tally], harmless: Sequence[Tally]) -> dict[str, Interval]:
    """Accuracy, precision, recall and F1: percentile bootstrap over texts (Efron 1979), 95 %."""
    bad, good = _array(malicious), _array(harmless)
    whole = _measures(bad.sum(axis=0)[None], good.sum(axis=0)[None])
    draws = Draws(seed_from("fight", str(malicious), str(harmless)))
    drawn = _measures(
        draws.weights(len(bad), RESAMPLES) @ bad, draws.weights(len(good), RESAMPLES) @ good
    )
    count = {"recall": len(bad)}
    return {
        name: _interval(float(value[0]), drawn[name], count.get(name, len(bad) + len(good)))
        for name, value in whole.items()
    }


def _measures(bad: Floats, good: Floats) -> dict[str, Floats]:
    """Each measure of each resample; `bad` and `good` (resamples, 2) hold attacks and flags."""
    caught, missed, flagged = bad[:, 1], bad[:, 0] - bad[:, 1], good[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "accuracy": (caught + good[:, 0] - flagged) / (bad[:, 0] + good[:, 0]),
            "precision": caught / (caught + flagged),
            "recall": caught / (caught + missed),
            "f1": 2 * caught / (2 * caught + missed + flagged),
        }


def _interval(value: float, drawn: Floats, n: int) -> Interval:
    sure = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(sure):
        return Interval(value=np.nan, low=np.nan, high=np.nan, n=0)
    low, high = np.sort(sure)[[int(0.025 * len(sure)), int(0.975 * len(sure))]]
    return Interval(value=value, low=min(value, float(low)), high=max(value, float(high)), n=n)


def _array(tallies: Sequence[Tally]) -> Floats:
    return np.array(tallies, dtype=np.float64).reshape(-1, 2)
