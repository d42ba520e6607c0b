"""What the loop asks of a kind of model; a new role is one file that answers, nothing here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sutdol.core.types import Example
from sutdol.loop.evidence import Floats, Row
from sutdol.loop.rules import Rules

M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One input to score, and the row its score goes to."""

    row: Row
    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one training run may see; `dev` sets thresholds and is never trained on."""

    train: Sequence[Example]
    dev: Sequence[Example]
    seed: int


class Role(Protocol[M]):
    """A kind of model. Scores: one number per input, higher is better or more certain."""

    @property
    def name(self) -> str: ...

    @property
    def rules(self) -> Rules: ...

    def key(self, text: str) -> str:
        """What near-copies of an input share; groups and leak checks go by it."""

    def train(self, lesson: Lesson, folder: Path) -> Mapping[str, Any]:
        """Write a model into the empty folder; its manifest."""

    def load(self, folder: Path, version: str) -> M:
        """The model of a folder; `Corrupted` when it is not what was written."""

    def probes(self, cases: Sequence[Example]) -> list[Probe]:
        """All rows of an exam over these texts: clean, under fixed attacks, twins."""

    def suite(self, item: Example, *, pinned: bool) -> Probe:
        """The row of one regression item."""

    def score(self, model: M, inputs: Sequence[str]) -> Floats:
        """One number per input."""

    def thresholds(self, model: M) -> Mapping[str, float]:
        """The thresholds the model serves with, per calibration; empty for roles without."""
