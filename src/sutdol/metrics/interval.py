"""Intervals around a share."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A share with its 95 % interval and the number of texts behind it; NaN where n is 0."""

    value: float
    low: float
    high: float
    n: int

    def json(self) -> dict[str, float | int | None]:
        if self.n == 0:
            return {"value": None, "low": None, "high": None, "n": 0}
        return {
            "value": round(self.value, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "n": self.n,
        }


def wilson(hits: float, n: int, z: float = 1.959963984540054) -> Interval:
    """Wilson's score interval (Wilson 1927); `hits` may be a sum of per-text means."""
    if n == 0:
        return Interval(value=math.nan, low=math.nan, high=math.nan, n=0)
    share, square = hits / n, z * z
    centre = (share + square / (2 * n)) / (1 + square / n)
    spread = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    # rounding must not push a bound past the share itself, as with all of n
    low, high = min(share, centre - spread), max(share, centre + spread)
    return Interval(value=share, low=max(0.0, low), high=min(1.0, high), n=n)
