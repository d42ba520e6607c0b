"""Watch a new champion: go back when it is clearly worse than its predecessor was. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sutdol.metrics.paired import Z95

MARGIN = 0.02


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

    `before` and `after` hold one number per case, higher is better; one-sided 95 %.
    """
    losses = np.asarray(before, dtype=np.float64) - np.asarray(after, dtype=np.float64)
    if len(losses) < 2:
        return None
    loss = float(losses.mean())
    lower = loss - Z95 * float(losses.std(ddof=1)) / math.sqrt(len(losses))
    if lower <= margin:
        return None
    return Alarm(measure=measure, loss=loss, lower=lower, n=len(losses))
