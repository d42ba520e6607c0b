"""What an outside registry can be told, and what it must be able to do to be a mirror."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

Use = Literal["training", "battle"]
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One point of a curve. Its time is ours: the same point told twice is one point."""

    name: str
    value: float
    step: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A snapshot that went into a run, and what for."""

    name: str
    hash: str
    rows: int
    use: Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training or a battle. By its `subject` it is found again when it was told before."""

    subject: str
    name: str
    status: Status
    started: datetime
    ended: datetime | None
    params: Mapping[str, str]
    figures: tuple[Figure, ...]
    tags: Mapping[str, str]
    dataset: Dataset | None
    texts: Mapping[str, str] = field(default_factory=dict)  # files by name
    folder: Path | None = None  # the model


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A version of a role's model, made by a run the registry knows."""

    subject: str
    run: str
    tags: Mapping[str, str]
    about: str


class Registry(Protocol):
    """`EngineError` means that it is away, `Refused` that it will not take this one thing.

    Whatever is told, a second telling changes nothing and makes nothing twice.
    """

    def answers(self) -> None:
        """Return if it is there, and lets us in."""
        ...

    def place(self, role: str) -> str:
        """Where the role's runs and versions go, made if missing: another place, another name."""
        ...

    def run(self, place: str, run: Run) -> str:
        """Tell a run; its name there."""
        ...

    def version(self, role: str, version: ModelVersion) -> str:
        """Tell a version of the role's model; its name there."""
        ...

    def alias(self, role: str, name: str, version: str | None) -> None:
        """Let an alias point to a version by the registry's name for it, or to none."""
        ...
