"""Pass a stream on as it comes: bytes unchanged, read along, held back where the guard reads."""

from collections.abc import AsyncGenerator
from time import perf_counter
from typing import Any

from sutdol.chat import said, sse, talk
from sutdol.chat.exchange import Exchange
from sutdol.chat.holding import Holding
from sutdol.chat.log import GONE, Log
from sutdol.chat.pool import Found
from sutdol.chat.shield import Blocked
from sutdol.chat.sse import Events, Heard
from sutdol.core.errors import EngineError, SutdolError
from sutdol.storage.requests import BLOCKED


async def relay(
    exchange: Exchange, found: Found, *, read: int, strip_usage: bool
) -> AsyncGenerator[bytes, None]:
    """The pieces for the client. However it ends, the upstream is let go and the rows are kept."""
    reading = _Reading(exchange, found.member.secret, strip_usage=strip_usage)
    try:
        async for piece in found.answer.pieces():
            out = reading.take(piece)
            if reading.holding is not None:
                out = await reading.guarded()
            if out:
                exchange.log.first = exchange.log.first or perf_counter() - exchange.log.start
                yield out
        tail = await reading.rest()
        _finish(exchange, found, reading, read)
        await exchange.kept()
        if tail:
            yield tail
    except SutdolError as error:
        exchange.failed(error)
        _finish(exchange, found, reading, read)
        await exchange.kept()
        yield _last_words(exchange, reading, error)
    except BaseException as error:
        exchange.failed(error)
        raise
    finally:
        found.answer.close()
        _finish(exchange, found, reading, read)


def _finish(exchange: Exchange, found: Found, reading: "_Reading", read: int) -> None:
    if exchange.ended:
        return
    heard = reading.heard
    exchange.count(found, heard.usage, read=read, written=heard.pieces)
    if heard.error is not None and exchange.log.error is None:
        exchange.log.failed(200, heard.error or "upstream_error")
    exchange.answer = _kept(reading, exchange.log)
    exchange.end()


def _kept(reading: "_Reading", log: Log) -> dict[str, Any] | None:
    """The answer for the record; of one that broke off what went out of it, and why it ends there.
    Whoever leaves with its last word has stopped nothing.

    A call of a tool that broke off is left out: nobody could act on it, or go on after it.
    """
    heard, gone = reading.heard, log.status == GONE
    if log.error is None or (gone and heard.whole and not reading.waiting):
        return heard.message() if heard.texts or heard.tools else None
    text = "" if log.error == BLOCKED else reading.told()
    why = talk.STOPPED if gone else talk.BROKEN
    return {"role": "assistant", "content": text, talk.MARK: why} if text else None


def _last_words(exchange: Exchange, reading: "_Reading", error: SutdolError) -> bytes:
    """Too late for a status: clients look for an error, or the end, in the stream."""
    if not isinstance(error, Blocked):
        return said.in_stream(str(error), "upstream_error", error.word)
    if exchange.tools.chosen.blocked == "error":
        return said.in_stream(str(error), "invalid_request_error", "content_filter")
    return said.cut(reading.last, reading.choices)


class _Reading:
    """What goes out of what came in. Every event is read only as far as somebody needs it."""

    def __init__(self, exchange: Exchange, secret: bytes, *, strip_usage: bool) -> None:
        chosen = exchange.tools.chosen
        self.heard, self.last = Heard(), dict[str, Any]()
        self.holding = Holding(chosen.hold_back) if chosen.guard_output else None
        self._exchange, self._secret, self._strip = exchange, secret, strip_usage
        self._events = Events()
        self._all = self.holding is not None or exchange.talk is not None

    @property
    def choices(self) -> list[int]:
        """The answers that are under way."""
        return (self.holding.choices if self.holding is not None else []) or [0]

    def take(self, piece: bytes) -> bytes:
        """What may go out at once; nothing where the guard reads first."""
        events = [self._clean(one) for one in self._events.feed(piece)]
        if self._all:
            return b"".join([one for one in events if self._heard(one)])
        out = []
        for one in events:
            if b'"usage":{' in one or b'"usage": {' in one or b'"error"' in one:
                if not self._heard(one):
                    continue
            else:
                self.heard.pieces += 1  # about a token
            out.append(one)
        return out[0] if len(out) == 1 else b"".join(out)

    @property
    def waiting(self) -> list[bytes]:
        """The events that wait for the guard."""
        return self.holding.waiting if self.holding is not None else []

    def told(self) -> str:
        """The first answer as far as it went out: what waits for the guard is nobody's yet."""
        held = Heard()
        for event in self.waiting:
            sse.hear(held, sse.chunk_of(event) or {})
        pieces = self.heard.texts.get(0, [])
        return "".join(pieces[: len(pieces) - len(held.texts.get(0, []))])

    def _clean(self, event: bytes) -> bytes:
        return said.without(self._secret, event) if b'"error"' in event else event

    def _heard(self, event: bytes) -> bool:
        """Read an event; whether it is for the client."""
        chunk = sse.chunk_of(event)
        if chunk is None:
            if self.holding is not None:
                if not sse.is_silent(event):
                    raise EngineError("The model server sent what the guard cannot read.")
                self.holding.take(event, [])
            return True
        added = sse.hear(self.heard, chunk)
        self.last = chunk
        if self._strip and sse.is_usage_only(chunk):
            return False
        if self.holding is not None:
            self.holding.take(event, added)
        return True

    async def guarded(self, *, at_end: bool = False) -> bytes:
        """What the guard has read and let pass."""
        assert self.holding is not None
        due = self.holding.due(at_end=at_end)
        if due:
            await self._exchange.guard("output", list(due.values()))
            self.holding.read(due)
        return self.holding.ready(at_end=at_end)

    async def rest(self) -> bytes:
        """What is left when the upstream has said all."""
        rest = self._clean(self._events.end())
        if rest:
            self._heard(rest)
        if self.holding is not None:
            return await self.guarded(at_end=True)
        return rest
