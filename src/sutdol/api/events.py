"""What a flow tells as server-sent events: one reader for all listeners of a flow in a process."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, aclosing, suppress
from dataclasses import dataclass
from functools import cached_property

import orjson
import structlog
from starlette.responses import Response

from sutdol.api.going import Streaming
from sutdol.core.errors import SutdolError
from sutdol.flow.desk import Desk, Flow
from sutdol.flow.plan import Json
from sutdol.storage import battles
from sutdol.storage.database import Database

EVERY = 0.5  # seconds between two looks where no bus says that there is news
BEAT = 15.0  # seconds of silence that no proxy takes for the end
READERS = 2  # threads that look, however many flows are followed: a look takes a few milliseconds
RETRY, ALIVE = b"retry: 1000\n\n", b": still here\n\n"
HEAD = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx would keep events back
}
SHORT = ("id", "champion", "challenger", "decision", "reason")
"""What is told of a verdict where its numbers are not wanted."""
log = structlog.get_logger("sutdol.events")


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Something that a flow told, or as the last of all how it ended, under the number before."""

    number: int
    kind: str
    body: Json

    @cached_property
    def piece(self) -> bytes:
        """As it is sent, to all who listen."""
        return self._written(self.body)

    @cached_property
    def short_piece(self) -> bytes:
        """The same with nothing of its verdict but what was decided."""
        return self._written(with_short_verdict(self.body))

    def _written(self, body: Json) -> bytes:
        head = f"id: {self.number}\nevent: {self.kind}\ndata: "
        return head.encode() + orjson.dumps(body) + b"\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that was told since, one number after the other; `end` when no more will come."""

    told: Sequence[Heard]
    end: Heard | None = None


Read = Callable[[str, int], Page]
Subscribe = Callable[[Collection[str], Callable[[], None]], AbstractContextManager[object]]


class _Tale:
    """What one flow has told so far; whoever listens keeps his own place in it."""

    def __init__(self) -> None:
        self.told: list[Heard] = []
        self.end: Heard | None = None
        self.error: Exception | None = None
        self.closed = False
        self.listeners = 0
        self.news = asyncio.Event()
        self.reader: asyncio.Task[None] | None = None

    def add(self, page: Page) -> None:
        self.told += page.told
        self.end = page.end
        if page.told or page.end:
            self.ring()

    def ring(self) -> None:
        """Wake all listeners; from now on they wait for the next time."""
        news, self.news = self.news, asyncio.Event()
        news.set()


class Hub:
    """Follows the flows that somebody listens to. `read` looks into the database, in a thread."""

    def __init__(
        self,
        read: Read,
        subscribe: Subscribe,
        stopping: Callable[[], bool],
        *,
        every: float = EVERY,
        beat: float = BEAT,
    ) -> None:
        self._read, self._subscribe, self._stopping = read, subscribe, stopping
        self._every, self._beat = every, beat
        self._tales: dict[str, _Tale] = {}
        # Its own: a database that is away must not keep the threads from all other work.
        self._threads = ThreadPoolExecutor(READERS, "flow-reader")

    @property
    def followed(self) -> Collection[str]:
        """The flows that somebody listens to."""
        return self._tales.keys()

    async def follow(self, flow: str, after: int = 0) -> AsyncGenerator[Heard | None, None]:
        """What the flow told after that number, as it comes, and how it ended.

        None whenever nothing came for a while. It ends early when the server stops.
        """
        tale = self._joined(flow)
        try:
            async for heard in self._heard(tale, after):
                yield heard
        finally:
            self._leave(flow, tale)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _heard(self, tale: _Tale, after: int) -> AsyncIterator[Heard | None]:
        while True:
            news = tale.news  # taken before the look, so that nothing comes unheard in between
            for heard in tale.told[after:]:
                yield heard
                after = heard.number
            if tale.error is not None:
                raise tale.error
            if len(tale.told) > after:
                continue
            if tale.closed:
                if tale.end is not None:
                    yield tale.end
                return
            try:
                async with asyncio.timeout(self._beat):
                    await news.wait()
            except TimeoutError:
                yield None

    def _joined(self, flow: str) -> _Tale:
        tale = self._tales.get(flow)
        if tale is None or tale.closed:  # one that is over may have been resumed since
            tale = self._tales[flow] = _Tale()
            tale.reader = asyncio.create_task(self._followed(flow, tale))
        tale.listeners += 1
        return tale

    def _leave(self, flow: str, tale: _Tale) -> None:
        tale.listeners -= 1
        if tale.listeners or tale.reader is None:
            return
        tale.reader.cancel()
        if self._tales.get(flow) is tale:
            del self._tales[flow]

    async def _followed(self, flow: str, tale: _Tale) -> None:
        """Read until the flow is over, or the server stops."""
        loop, bell = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(bell.set)

        try:
            with self._subscribe([f"flow:{flow}"], wake):
                while tale.end is None and not self._stopping():
                    bell.clear()
                    tale.add(await self._page(flow, len(tale.told)))
                    if tale.end is None:
                        with suppress(TimeoutError):
                            async with asyncio.timeout(self._every):
                                await bell.wait()
        except Exception as error:  # noqa: BLE001  it is raised where somebody listens
            tale.error = error
        finally:
            tale.closed = True
            tale.ring()

    async def _page(self, flow: str, after: int) -> Page:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._read, flow, after)
        except SutdolError as error:  # a database that is away comes back, and nothing is lost
            log.warning("cannot read what a flow tells", flow=flow, error=str(error))
            return Page(told=())


class Reader:
    """Reads what flows told; a round is told with all its figures."""

    def __init__(self, desk: Callable[[], Desk], db: Database) -> None:
        self._desk, self._db = desk, db

    def __call__(self, flow: str, after: int) -> Page:
        desk = self._desk()
        found = desk.find(flow)  # before the events: what it told up to its end is then among them
        if found is None:
            return Page(told=(), end=Heard(number=after, kind="end", body={"state": "forgotten"}))
        with desk.place.clear_faults():
            events = list(desk.events(flow, after=after, patience=0.0))
        rounds = self._rounds([event for _, event in events])
        told = [
            Heard(number=number, kind=kind(event), body=rounds.get(event.get("round"), event))
            if kind(event) == "round"
            else Heard(number=number, kind=kind(event), body=event)
            for number, event in events
        ]
        return Page(told=told, end=_end(found, after + len(told)))

    def _rounds(self, events: Sequence[Json]) -> dict[object, Json]:
        """The figures of the rounds in these events, by number; a flow fights one battle."""
        finished = [event for event in events if kind(event) == "round"]
        if not finished:
            return {}
        with self._db.read() as tx:
            rounds = battles.rounds(tx, str(finished[0]["battle"]))
        return {one.number: one.body for one in rounds}


def kind(event: Json) -> str:
    """A finished `round`, a `stage` that begins, or whatever else is `told`."""
    if "stage" in event:
        return "stage"
    return "round" if "round" in event and "battle" in event else "told"


def _end(flow: Flow, number: int) -> Heard | None:
    if not flow.over:
        return None
    body = {"state": flow.state, "result": flow.result, "error": flow.error}
    return Heard(number=number, kind="end", body=body)


def with_short_verdict(round_: Json) -> Json:
    """A round whose verdict, nine tenths of it all, is cut down to what was decided."""
    verdict = round_.get("verdict")
    if not isinstance(verdict, dict):
        return round_
    return {**round_, "verdict": {name: verdict.get(name) for name in SHORT}}


def stream(hub: Hub, flow: str, after: int, *, short: bool = False) -> Response:
    """The answer to somebody who listens, to whole verdicts or short ones."""
    return Streaming(_pieces(hub, flow, after, short=short), HEAD)


async def _pieces(hub: Hub, flow: str, after: int, *, short: bool) -> AsyncIterator[bytes]:
    yield RETRY
    async with aclosing(hub.follow(flow, after)) as tale:
        async for heard in tale:
            if heard is None:
                yield ALIVE
            else:
                yield heard.short_piece if short else heard.piece
