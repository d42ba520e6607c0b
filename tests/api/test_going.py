"""Answers in pieces: they end with their client, whether it leaves or stops reading."""

import asyncio
import time
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from sutdol.api.going import Gone, Streaming, unless_gone

Message = MutableMapping[str, Any]
SLOWEST = 0.3  # seconds


class Client:
    """Takes so many messages and then no more; leaves after so many seconds."""

    def __init__(self, *, takes: int = 1_000, stays: float = 60.0, pause: float = 0.0) -> None:
        self.taken: list[Message] = []
        self._takes, self._stays, self._pause = takes, stays, pause

    async def receive(self) -> Message:
        await asyncio.sleep(self._stays)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await asyncio.sleep(self._pause if len(self.taken) < self._takes else 60)
        self.taken.append(message)


class Pieces:
    """Without end, unless there are but `count`; `open` from the first one until it is closed."""

    def __init__(self, count: int = 1_000_000, pause: float = 0.001) -> None:
        self.open = False
        self._count, self._pause = count, pause

    async def each(self) -> AsyncIterator[bytes]:
        self.open = True
        try:
            for _ in range(self._count):
                await asyncio.sleep(self._pause)
                yield b"a"
        finally:
            self.open = False


def answered(client: Client, pieces: Pieces) -> float:
    """Seconds that the answer took."""

    async def answer() -> None:
        streaming = Streaming(pieces.each(), {}, slowest=SLOWEST)
        await streaming({"type": "http"}, client.receive, client.send)
        assert not pieces.open

    since = time.monotonic()
    asyncio.run(answer())
    return time.monotonic() - since


def test_a_client_that_stays_gets_all() -> None:
    client = Client()
    answered(client, Pieces(3))

    assert [one.get("body") for one in client.taken] == [None, b"a", b"a", b"a", b""]


def test_a_client_that_leaves_ends_the_answer() -> None:
    assert answered(Client(stays=0.1), Pieces()) < 0.1 + SLOWEST


@pytest.mark.parametrize("takes", range(5))
def test_a_client_that_stops_reading_ends_the_answer(takes: int) -> None:
    """Whether at the head, at a piece, or at the end."""
    client = Client(takes=takes)

    assert SLOWEST <= answered(client, Pieces(3)) < SLOWEST + 0.5
    assert len(client.taken) == takes


def test_a_client_that_reads_slowly_gets_all() -> None:
    client = Client(pause=SLOWEST / 2)
    answered(client, Pieces(3))

    assert len(client.taken) == 5


def test_time_between_pieces_does_not_count() -> None:
    client = Client()
    answered(client, Pieces(1, pause=1.5 * SLOWEST))

    assert len(client.taken) == 3


def test_work_is_broken_off_when_its_client_leaves() -> None:
    with pytest.raises(Gone):
        asyncio.run(unless_gone(Client(stays=0.0).receive, asyncio.sleep(5)))


def test_whoever_ends_the_work_from_outside_is_obeyed() -> None:
    async def ended() -> None:
        work = asyncio.ensure_future(unless_gone(Client().receive, asyncio.sleep(5)))
        await asyncio.sleep(0.1)
        work.cancel()
        await work

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ended())
