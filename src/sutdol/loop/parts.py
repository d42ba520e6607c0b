"""Which part of the data a group belongs to: decided by its hash, the first time it is seen.

train     learned from
dev       sets thresholds, or shows the curves (two fifths of it: the panel), never both
hold_out  only the gate's verdict comes back from it
sealed    never decides anything; at most five logged readings
"""

from sutdol.core.types import Part
from sutdol.metrics.draws import seed_from

SHARES: dict[Part, float] = {"train": 0.50, "dev": 0.20, "hold_out": 0.25, "sealed": 0.05}
PANEL = 0.4  # of dev


def part_of(role: str, group: str) -> Part:
    """The part a group gets when it is first seen; later sightings keep it."""
    place, passed = _share("part", role, group), 0.0
    for part, share in SHARES.items():
        passed += share
        if place < passed:
            return part
    return "sealed"


def on_panel(role: str, group: str) -> bool:
    """Whether a dev group is shown in curves; thresholds are set on the others alone."""
    return _share("panel", role, group) < PANEL


def _share(*parts: str) -> float:
    return seed_from(*parts) / 2**64
