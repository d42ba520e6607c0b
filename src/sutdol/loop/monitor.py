"""Watch a new champion: go back when it is clearly worse than its predecessor was. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sutdol.metrics.paired import Z95

MARGIN = 0.02
FEWEST_LOST = 3.0  # with no spread at all, 3 in n may still be chance (the rule of three)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A measure that fell: by how much, and how surely."""

    measure: str
    loss: float
    lower: float
    n: int

    def __str__(self) -> str:
        return (
            f"{self.measure} fell by {100 * self.loss:.1f} points"
            f" (surely by {100 * self.lower:.1f}, n {self.n})"
        )


def watch(
    measure: str, before: Sequence[float], after: Sequence[float], *, margin: float = MARGIN
) -> Alarm | None:
    """An alarm when the mean over the same cases surely fell by more than the margin.

    `before` and `after` hold one number per case, higher is better; one-sided 95 %. Few cases or
    scores that are no numbers prove nothing.
    """
    losses = np.array([old - new for old, new in zip(before, after, strict=True)])
    n = len(losses)
    if n < 2 or not np.isfinite(losses).all():
        return None
    loss, error = float(losses.mean()), float(losses.std(ddof=1)) / math.sqrt(n)
    lower = loss - max(Z95 * error, FEWEST_LOST / n)
    if lower <= margin:
        return None
    return Alarm(measure=measure, loss=loss, lower=lower, n=n)
