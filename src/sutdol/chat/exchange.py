"""One chat from its first byte to its rows: what every way through the gateway shares."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

import structlog

from sutdol.chat import shield, talk
from sutdol.chat.asked import Chat
from sutdol.chat.log import Log
from sutdol.chat.overflow import Overflow
from sutdol.chat.pool import Found, Pool
from sutdol.chat.quota import Quota, Reserved
from sutdol.chat.shield import Blocked, Judge, Ruling
from sutdol.chat.talk import Talk
from sutdol.core import meters, spans
from sutdol.core.errors import SutdolError
from sutdol.core.sections import Gateway as Chosen
from sutdol.storage import secrets
from sutdol.storage.database import Database
from sutdol.storage.decisions import Side
from sutdol.storage.requests import BLOCKED
from sutdol.storage.writer import Change, Row, Writer

BEHIND, STEP = 10.0, 0.01
"""Seconds for which a question waits at the most for the writer, and between two looks."""
log = logging.getLogger("sutdol.chat")
flagged = structlog.get_logger("sutdol.guard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What exchanges work with; `judge` is the live guard, `pepper` makes digests of texts ours.

    Only with `log_text` does a text that was flagged stand in the log.
    """

    db: Database
    writer: Writer
    overflow: Overflow
    pool: Pool
    quota: Quota
    judge: Judge
    chosen: Chosen
    pepper: bytes
    now: Callable[[], datetime]
    log_text: bool = False


@dataclass(slots=True, kw_only=True)
class Exchange:
    """`guarded` is what a header tells of the guard: what it said of the input, unless it flagged
    the output. `named` says that a client was told the id of a conversation: then what was asked is
    kept even without the answer.
    """

    tools: Tools
    log: Log
    asked: Chat | None = None
    talk: Talk | None = None
    reserved: Reserved | None = None
    guarded: str = "off"
    answer: dict[str, Any] | None = None
    named: bool = False
    ended: bool = False
    span: spans.Span = spans.NOTHING

    async def room(self) -> None:
        """Wait while the writer is behind: work that begins now would end in rows without room."""
        for _ in range(int(BEHIND / STEP)):
            if not self.tools.writer.behind:
                return
            await asyncio.sleep(STEP)

    async def guard(self, side: Side, texts: Sequence[str]) -> None:
        """`Blocked` when the guard flags one of them."""
        if not texts:
            return
        rulings = await shield.ask(self.tools.judge, texts)
        ruling = shield.worst(rulings)
        text = texts[list(rulings).index(ruling)]
        digest = secrets.digest(self.tools.pepper, text)
        self.log.ruled(side, ruling, digest)
        if side == "input" or ruling.flagged or self.guarded == "off":
            self.guarded = told(ruling, blocked=ruling.flagged)
        if ruling.flagged and self.tools.log_text:
            flagged.warning("flagged", request=self.log.id, side=side, text=text)
        if ruling.flagged:
            raise Blocked(side, ruling.applies, self.guarded)

    def asks(self, operation: str) -> None:
        """From here on it is an upstream's turn, until the exchange ends."""
        if spans.wanted():
            model = self.log.model
            about = {"gen_ai.operation.name": operation, "gen_ai.request.model": model}
            self.span = spans.begin(f"{operation} {model}", "client", about)

    def count(self, found: Found, usage: Any, *, read: int, written: int) -> None:
        self.log.used(usage if isinstance(usage, dict) else None, read=read, written=written)
        self.log.priced(found)

    def head(self, found: Found | None = None) -> dict[str, str]:
        """Headers that tell what happened on the way."""
        spent = perf_counter() - self.log.start - self.log.waited
        made = {
            "x-sutdol-overhead-ms": f"{1000 * spent:.2f}",
            "x-sutdol-guard": self.guarded,
        }
        if found is not None:
            meters.HTTP_OVERHEAD.observe(spent)
            made["x-sutdol-upstream"] = found.member.name
        if self.talk is not None:
            made["x-sutdol-conversation"] = self.talk.conversation.id
        room = self.reserved.room if self.reserved is not None else None
        if room is not None:
            made["x-ratelimit-limit-tokens"] = str(room.limit)
            made["x-ratelimit-remaining-tokens"] = str(room.remaining)
            made["x-ratelimit-reset-tokens"] = f"{room.reset:.3f}s"
        return made

    def failed(self, error: BaseException) -> None:
        """Note why it ended badly."""
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self.log.gone()
        elif isinstance(error, Blocked):
            self.log.failed(error.status, BLOCKED)
        elif isinstance(error, SutdolError):
            self.log.failed(error.status, error.word)
        else:
            self.log.failed(500, type(error).__name__)

    def end(self) -> None:
        """Settle the tokens and hand the rows over, once."""
        if self.ended:
            return
        self.ended = True
        if self.span is not spans.NOTHING:
            self.span.end(_spanned(self.log), error=self.log.error)
        if self.reserved is not None:
            self.tools.quota.settle(self.reserved, self.log.tokens)
        self.log.count()
        rows: list[Row | Change] = [*self.log.rows()]
        keeps = self.answer is not None or self.log.error is None or self.named
        if self.talk is not None and self.asked is not None and keeps:
            now, request = self.tools.now(), self.log.id
            rows += talk.rows(self.talk, self.asked, self.answer, request=request, now=now)
        if not self.tools.writer.put(rows):
            self.tools.overflow.write(rows)

    async def kept(self) -> None:
        """Wait until a conversation is on record, so that it can be gone on with anywhere."""
        if self.talk is None:
            return
        try:
            await asyncio.to_thread(self.tools.writer.flush, 2.0)
        except SutdolError as error:
            log.warning("a conversation waits to be written: %s", error)


def _spanned(log: Log) -> dict[str, str | int]:
    """What a span is told of an exchange, in the words of OpenTelemetry's conventions."""
    about: dict[str, str | int | None] = {
        "gen_ai.provider.name": log.upstream,
        "gen_ai.usage.input_tokens": log.prompt_tokens,
        "gen_ai.usage.output_tokens": log.completion_tokens,
    }
    return {name: value for name, value in about.items() if value is not None}


def told(ruling: Ruling, *, blocked: bool) -> str:
    """What a header says of a ruling."""
    word = "blocked" if blocked else "flagged" if ruling.flagged else "passed"
    return f"{word}; score={ruling.score:.3f}; version={ruling.version}"
