"""What the routes work with while the server runs, and who may see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from threading import Lock

from starlette.requests import Request

from sutdol.api.checking import Checking
from sutdol.api.door import Door
from sutdol.api.events import Hub, Reader
from sutdol.app import Sutdol
from sutdol.chat.exchange import Tools
from sutdol.chat.gateway import Gateway, Visit
from sutdol.chat.pool import Pool
from sutdol.chat.quota import Quota
from sutdol.checkup import checkup
from sutdol.core.caller import Caller
from sutdol.flow.desk import Desk
from sutdol.loop.live import Held
from sutdol.roles.classifier import Classifier
from sutdol.roles.decisions import Decision
from sutdol.storage.limits import Limits, Room
from sutdol.storage.writer import Writer

FLUSH = 2.0  # seconds for what just ended to be written


@dataclass(kw_only=True)
class Hall:
    """Made once a process; `is_open` where no key is asked for, `local` where only this machine
    reaches it; `stopping` tells long answers to end.
    """

    sutdol: Sutdol
    writer: Writer
    limits: Limits
    quota: Quota
    pool: Pool
    gateway: Gateway
    tools: Tools
    door: Door
    guard: Held[Classifier]
    judge: Callable[[Sequence[str]], list[Decision]]
    pepper: bytes
    now: Callable[[], datetime]
    is_open: bool
    local: bool
    stopping: Callable[[], bool]
    _desk: Desk | None = None
    _lock: Lock = field(default_factory=Lock)

    def desk(self) -> Desk:
        """The desk of flows, opened when it is needed first; call it in a thread."""
        with self._lock:
            if self._desk is None:
                self._desk = Desk(self.sutdol.place).__enter__()
            return self._desk

    @cached_property
    def hub(self) -> Hub:
        """Where those listen who follow flows."""
        read = Reader(self.desk, self.sutdol.db)
        return Hub(read, self.sutdol.bus.subscribe, self.stopping)

    @cached_property
    def checking(self) -> Checking:
        """What looks over the whole installation."""
        return Checking(lambda: checkup(self.sutdol))

    def close(self) -> None:
        if "hub" in vars(self):
            self.hub.close()
        if self._desk is not None:
            self._desk.__exit__(None, None, None)


@dataclass(slots=True, kw_only=True)
class Ask:
    """One request on its way: its id, when it began, who asks."""

    id: str
    start: float
    caller: Caller | None = None
    room: Room | None = None


def hall(request: Request) -> Hall:
    found = request.app.state.hall
    assert isinstance(found, Hall)
    return found


def up_to_date(request: Request) -> Hall:
    """With all on record that was asked, said and decided before; call it in a thread."""
    here = hall(request)
    here.writer.flush(FLUSH)
    return here


def ask(request: Request) -> Ask:
    found = request.scope["sutdol"]
    assert isinstance(found, Ask)
    return found


def caller(request: Request) -> Caller:
    """Who asks; known on every route that is not open."""
    found = ask(request).caller
    assert found is not None
    return found


def visit(request: Request) -> Visit:
    """The request as the gateway sees it."""
    return Visit(
        id=ask(request).id,
        caller=caller(request),
        conversation=request.headers.get("x-sutdol-conversation"),
    )
