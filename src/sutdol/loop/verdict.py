"""What the gate decided, with every number that led there."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

Decision = Literal["promote", "reject", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The primary measure: is the challenger better, by how much, how sure?"""

    name: str
    champion: float
    challenger: float
    effect: float
    low: float  # 95 % interval of the effect
    high: float
    p: float
    alpha: float
    n: int
    test: str
    detectable: float  # smallest gain this look finds with 80 % power
    wanted: int  # cases needed to find the gain the rules call worth having


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One guard-rail or alarm: the loss, its bound, and whether it passed.

    `state` breached: proven worse than allowed; unproven: not shown to be within the margin;
    not judged: too few cases.
    """

    name: str
    kind: Literal["proven", "alarm", "suite", "leak"]
    against: str
    champion: float
    challenger: float
    loss: float
    bound: float
    margin: float
    n: int
    state: Literal["passed", "unproven", "breached", "not judged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Which look this is since the last gate promotion, and the error it may spend."""

    position: int
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    decision: Decision
    reason: str
    primary: Gain
    guard_rails: tuple[Check, ...]
    budget: Budget

    @property
    def promote(self) -> bool:
        return self.decision == "promote"

    def json(self) -> dict[str, Any]:
        """Plain values; what is no number is None, as JSON has no NaN."""
        plain: dict[str, Any] = _finite(asdict(self))
        return plain


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
