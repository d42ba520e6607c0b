"""What a flow is made of: a plan yields what it wants next, and is sent what came of it."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = Mapping[str, Any]
Queue = Literal["flows", "cycles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A deed to do once. `name` is unique within the flow: the deed's effects are keyed by it."""

    name: str
    deed: str
    args: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A flow of its own that this one waits for; what it ends with is the answer."""

    name: str
    kind: str
    args: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event for those who follow; it is told once, however often the flow is taken over."""

    event: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait for so many seconds; a flow that is taken over waits only for what is left."""

    seconds: float


Want = Step | Child | Told | Pause
Plan = Generator[Want, Any, Json]
Planner = Callable[[str, Json], Plan]
"""Makes the plan of a flow from its id and arguments. It must be a pure function of them and of
the answers: a flow that is taken over runs its plan again from the start, with known answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of flow: its plan, and the queue whose limit counts it."""

    plan: Planner
    queue: Queue = "flows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Which step of which flow a deed is done for."""

    flow: str
    step: str


Tell = Callable[[Json], None]
Deed = Callable[[Key, Json, Tell], Json]
"""Does the work of a step: for whom, with what, and whom to tell how it goes."""
