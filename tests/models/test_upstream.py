"""A connection to an upstream: kept, broken off, and never trusted to say something in time."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from sutdol.core.errors import EngineError
from sutdol.models.upstream import Answer, Connections, Line, Patience, Silent, Unreached

T = TypeVar("T")
Told = list[bytes | float]
"""What an upstream writes, and the seconds that it pauses between; a connection ends with it."""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
SOON = 0.5  # seconds
PATIENT = Patience()


class Upstream:
    """Says to each question what it was told to say, byte by byte."""

    def __init__(self, told: Told, *, keep: bool = True) -> None:
        self.told, self.keep = told, keep
        self.heads: list[str] = []
        self.connections = 0
        self.left = asyncio.Event()
        """A client went away before it had heard all."""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode().lower())
                await self._say(reader, writer)
                if not self.keep:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for one in self.told:
            if isinstance(one, bytes):
                writer.write(one)
                await writer.drain()
            else:
                await self._pause(reader, one)

    async def _pause(self, reader: asyncio.StreamReader, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                if not await reader.read(1):
                    raise ConnectionError
        except TimeoutError:
            pass


def whole(body: bytes) -> Told:
    return [HEAD % len(body) + body]


def piece(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


def tried(
    told: Told,
    use: Callable[[Connections, Line, Upstream], Awaitable[T]],
    *,
    keep: bool = True,
    key: str = "",
    patience: Patience = PATIENT,
) -> T:
    async def run() -> T:
        upstream = Upstream(told, keep=keep)
        async with await asyncio.start_server(upstream.answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with opened(patience) as connections:
                line = Line.to("old", f"http://127.0.0.1:{port}/v1/", key)
                return await use(connections, line, upstream)

    return asyncio.run(run())


@asynccontextmanager
async def opened(patience: Patience) -> AsyncIterator[Connections]:
    connections = Connections(patience)
    try:
        yield connections
    finally:
        await connections.close()


async def ask(connections: Connections, line: Line) -> Answer:
    return await connections.ask(line, "POST", "/chat/completions")


async def read(connections: Connections, line: Line, _: Upstream) -> bytes:
    return await (await ask(connections, line)).body()


def test_a_connection_is_kept_for_the_next_question() -> None:
    async def twice(connections: Connections, line: Line, upstream: Upstream) -> int:
        for _ in range(2):
            assert await read(connections, line, upstream) == b"{}"
        return upstream.connections

    assert tried(whole(b"{}"), twice) == 1


@pytest.mark.parametrize(("key", "shown"), [("secret", True), ("", False)])
def test_the_key_is_shown_where_there_is_one(key: str, shown: bool) -> None:
    async def heads(connections: Connections, line: Line, upstream: Upstream) -> str:
        await read(connections, line, upstream)
        return upstream.heads[0]

    head = tried(whole(b"{}"), heads, key=key)

    assert head.startswith("post /v1/chat/completions ")
    assert ("authorization: bearer secret" in head) is shown


def test_nobody_is_sent_elsewhere() -> None:
    elsewhere = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"

    async def status(connections: Connections, line: Line, _: Upstream) -> int:
        return (await ask(connections, line)).status

    assert tried([elsewhere], status) == 302


def test_an_upstream_that_does_not_begin_is_given_up() -> None:
    with pytest.raises(Silent, match=r"old did not begin to answer in 0\.1 seconds"):
        tried([5.0], read, patience=Patience(first=0.1))


@pytest.mark.parametrize(
    ("said", "patience", "most"),
    [
        ([CHUNKED, 5.0], Patience(first=0.2, idle=5.0), "0.2"),
        ([CHUNKED, 5.0], Patience(first=0.3, idle=0.1), "0.3"),
        ([CHUNKED, piece(b"a"), 5.0], Patience(first=5.0, idle=0.2), "0.2"),
        ([CHUNKED, 0.15, piece(b"a"), 5.0], Patience(first=0.3, idle=0.2), "0.2"),
        ([HEAD % 9 + b"ab", 5.0], Patience(first=5.0, idle=0.2), "0.2"),
    ],
)
def test_an_upstream_that_falls_silent_is_given_up_in_time(
    said: Told, patience: Patience, most: str
) -> None:
    async def heard(connections: Connections, line: Line, upstream: Upstream) -> float:
        since = time.monotonic()
        with pytest.raises(Silent, match=f"old said nothing for {most} seconds"):
            await read(connections, line, upstream)
        spent = time.monotonic() - since
        await asyncio.wait_for(upstream.left.wait(), SOON)
        return spent

    least = float(most)
    assert least - 0.01 <= tried(said, heard, patience=patience) < least + 0.15 + SOON


def test_a_slow_upstream_that_goes_on_is_waited_for() -> None:
    said: Told = [CHUNKED]
    for _ in range(8):
        said += [piece(b"a"), 0.05]

    assert tried([*said, b"0\r\n\r\n"], read, patience=Patience(first=0.2, idle=0.2)) == b"a" * 8


def test_time_that_the_reader_takes_does_not_count() -> None:
    async def slowly(connections: Connections, line: Line, _: Upstream) -> bytes:
        found = b""
        async for one in (await ask(connections, line)).pieces():
            found += one
            await asyncio.sleep(0.3)
        return found

    said: Told = [CHUNKED, piece(b"a"), 0.2, piece(b"b"), b"0\r\n\r\n"]
    assert tried(said, slowly, patience=Patience(first=0.1, idle=0.1)) == b"ab"


def test_an_answer_that_is_broken_off_is_told() -> None:
    with pytest.raises(EngineError, match="old broke off in the middle") as told:
        tried([HEAD % 9 + b"ab"], read, keep=False)
    assert not isinstance(told.value, Silent)


def test_an_upstream_that_is_not_there_is_told() -> None:
    async def nobody(connections: Connections, line: Line, _: Upstream) -> None:
        await ask(connections, Line.to("old", "http://127.0.0.1:9"))

    with pytest.raises(Unreached, match="old cannot be reached"):
        tried([], nobody)


def test_an_answer_that_is_too_long_is_not_read_to_its_end() -> None:
    async def little(connections: Connections, line: Line, upstream: Upstream) -> None:
        try:
            await (await ask(connections, line)).body(most=10)
        finally:
            await asyncio.wait_for(upstream.left.wait(), SOON)

    with pytest.raises(EngineError, match="more than 10 bytes"):
        tried([CHUNKED, piece(b"a" * 11), 5.0], little)


def test_whoever_closes_an_answer_breaks_it_off_at_once() -> None:
    async def closed(connections: Connections, line: Line, upstream: Upstream) -> None:
        answer = await ask(connections, line)
        assert answer.is_stream
        pieces = answer.pieces()
        assert await anext(pieces) == b"a"
        answer.close()
        await asyncio.wait_for(upstream.left.wait(), SOON)

    tried([CHUNKED, piece(b"a"), 5.0], closed)
