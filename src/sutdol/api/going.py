"""Work for a client only as long as it waits: when it goes away, the work is broken off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sutdol.core.errors import SutdolError

T = TypeVar("T")
QUICK = 0.05  # seconds for which work is not watched: to watch costs more than most that is quicker
SLOWEST = 60.0  # seconds for a client to take one piece


class Gone(Exception):
    """The client did not wait; there is nobody to answer."""


@contextmanager
def watched(receive: Receive, slowest: float = SLOWEST) -> Iterator["Watch"]:
    """Break the block off when the client goes away: `Gone`. The body must have been read."""
    task = asyncio.current_task()
    assert task is not None
    watch = Watch(receive, task, slowest)
    try:
        yield watch
    except asyncio.CancelledError:
        if watch.gone and task.uncancel() == 0:
            raise Gone from None
        raise
    finally:
        watch.end()


class Watch:
    """Cancels a task whose client has left, or takes no piece for `slowest` seconds.

    One timer for all pieces looks whether it is time: one a piece would cost more than the piece.
    """

    def __init__(self, receive: Receive, task: "asyncio.Task[object]", slowest: float) -> None:
        self.gone = False
        self._receive, self._task, self._slowest = receive, task, slowest
        self._loop = asyncio.get_running_loop()
        self._sending: float | None = None  # since when the client is to take a piece
        self._listening: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(QUICK, self._look)

    async def send(self, send: Send, message: Message) -> None:
        """Send it while the client takes it in time."""
        self._sending = self._loop.time()
        await send(message)
        self._sending = None

    def end(self) -> None:
        self._timer.cancel()
        if self._listening is not None:
            self._listening.cancel()

    def _look(self) -> None:
        if self._listening is None:
            self._listening = self._loop.create_task(self._listen())
        spent = 0.0 if self._sending is None else self._loop.time() - self._sending
        if spent < self._slowest:
            self._timer = self._loop.call_later(self._slowest - spent, self._look)
        else:
            self._break_off()

    async def _listen(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except SutdolError:
            pass  # a body that nobody reads, and that does not come either: it is over all the same
        self._break_off()

    def _break_off(self) -> None:
        if not self.gone:
            self.gone = True
            self._task.cancel()


async def unless_gone(receive: Receive, work: Awaitable[T]) -> T:
    with watched(receive):
        return await work


class Streaming(Response):
    """A body that comes in pieces; when the client goes away, the pieces are closed at once."""

    def __init__(
        self, pieces: AsyncIterator[bytes], headers: Mapping[str, str], *, slowest: float = SLOWEST
    ) -> None:
        self.status_code = 200
        self.background = None
        self.body = b""
        self._pieces, self._slowest = pieces, slowest
        self.raw_headers = [
            (k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            with watched(receive, self._slowest) as watch:
                await watch.send(send, head)
                async for piece in self._pieces:
                    body = {"type": "http.response.body", "body": piece, "more_body": True}
                    await watch.send(send, body)
                await watch.send(send, {"type": "http.response.body", "body": b""})
        except Gone:
            pass
        finally:
            close = getattr(self._pieces, "aclose", None)
            if close is not None:
                await close()
