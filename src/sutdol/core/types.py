"""The values that cross layers."""

from dataclasses import dataclass, field
from typing import Literal

Language = Literal["en", "ko"]
Part = Literal["train", "dev", "hold_out", "sealed"]
"""What a text may be used for, fixed when its group is first seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One input with its target: the unit of training, evaluation and lineage."""

    input: str
    target: str  # guard: "" when harmless, else the category
    lang: str
    source: str  # "import:beep", "battle:3/2", "feedback:web": where it came from
    group: str  # texts of one group never stand on two sides of a split
    part: Part
    meta: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disguised:
    """A text under one attack; `seed` and the attack's name make it again."""

    text: str
    attack: str
    family: str
    seed: int
