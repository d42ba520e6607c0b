"""What the guard says about a chat: which texts it reads, and what becomes of a blocked one."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Protocol

from sutdol.chat.asked import Chat
from sutdol.core import meters, spans
from sutdol.core.errors import BadInput, SutdolError

INLINE, EACH = 700, 100
"""Characters up to which the guard is asked at once, about a millisecond, and for how many a text
counts besides its own; more goes to a thread, so that other requests go on.
"""
MOST = 400_000
"""Characters of one request, about a second of reading."""
READERS = ThreadPoolExecutor(2, "guard")
"""Threads of their own, so that long texts do not hold up look-ups of keys."""
REFUSAL = "I can't help with that: the content guard of this service blocked the {side}."


class Ruling(Protocol):
    """What a guard decided about a text."""

    @property
    def version(self) -> str: ...
    @property
    def flagged(self) -> bool: ...
    @property
    def score(self) -> float: ...
    @property
    def categories(self) -> Mapping[str, float]: ...
    @property
    def applies(self) -> tuple[str, ...]: ...


Judge = Callable[[Sequence[str]], Sequence[Ruling]]
"""The live guard."""


class TooLong(BadInput):
    status = 413


class Blocked(SutdolError):
    """The guard flagged it; `told` is what a header says of that."""

    status = 400

    def __init__(self, side: str, applies: Sequence[str], told: str = "") -> None:
        kinds = f" ({', '.join(applies)})" if applies else ""
        advice = "say it another way" if side == "input" else "ask in another way"
        super().__init__(f"The content guard blocked the {side}{kinds}: {advice}.")
        self.side, self.told = side, told


def texts_of(asked: Chat, roles: Collection[str]) -> list[str]:
    """What is said in messages of these roles."""
    said = [one.strings for one in asked.messages if one.role in roles]
    return [text for text in said if text.strip()]


async def ask(judge: Judge, texts: Sequence[str]) -> Sequence[Ruling]:
    """The rulings, in the order of the texts."""
    characters = sum(map(len, texts))
    if characters > MOST:
        raise TooLong(f"The guard reads at most {MOST:,} characters at once: send less.")
    start, span = perf_counter(), spans.begin("guard", "internal", {})
    try:
        if characters + EACH * len(texts) <= INLINE:
            found = judge(texts)
        else:
            found = await asyncio.get_running_loop().run_in_executor(READERS, judge, texts)
    except BaseException as error:
        span.end({}, error=type(error).__name__)
        raise
    SECONDS.observe(perf_counter() - start)
    if spans.wanted():
        flagged = sum(one.flagged for one in found)
        span.end({"sutdol.guard.texts": len(found), "sutdol.guard.flagged": flagged})
    return found


SECONDS = meters.GUARD_SECONDS.labels("guard")


def worst(rulings: Sequence[Ruling]) -> Ruling:
    """The one that counts: flagged before all others, then the highest score."""
    return max(rulings, key=lambda one: (one.flagged, one.score))
