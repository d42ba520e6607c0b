"""Keep callers within their requests and tokens: reserve by estimate, settle by what was used."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sutdol.core.caller import Caller
from sutdol.core.errors import LimitReached
from sutdol.storage.limits import Limit, Limits, Room

AGAIN = timedelta(seconds=10)
"""How long the tokens of a day are known without asking the database what others spent."""


class OverLimit(LimitReached):
    """`retry`: seconds after which there may be room."""

    def __init__(self, message: str, retry: float) -> None:
        super().__init__(message, retry=retry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Tokens taken in advance; settle them once."""

    caller: Caller
    tokens: int
    room: Room | None = None


@dataclass(slots=True, kw_only=True)
class _Day:
    spent: int
    asked_at: datetime
    begins: datetime


class Quota:
    """`spent(key, since)` asks the database for the tokens of a key; it may take a while.

    Tokens that are not settled yet count in the process that reserved them.
    """

    def __init__(
        self,
        limits: Limits,
        spent: Callable[[str, datetime], int],
        now: Callable[[], datetime],
    ) -> None:
        self._limits, self._spent, self._now = limits, spent, now
        self._days: dict[str, _Day] = {}
        self._pending: Counter[str] = Counter()

    def request(self, caller: Caller) -> Room | None:
        """Count one request; None where there is no limit."""
        if caller.key is None or caller.rpm is None:
            return None
        room = self._limits.take(caller.key, Limit(name="requests", most=caller.rpm))
        if room.retry:
            raise OverLimit(
                f"This key may ask {caller.rpm} times a minute: try again in {room.retry:.1f} s.",
                room.retry,
            )
        return room

    async def reserve(self, caller: Caller, tokens: int) -> Reserved:
        """Take what a chat will need at the most likely."""
        await self._require_day(caller, tokens)
        room = None
        if caller.key is not None and caller.tpm is not None:
            room = self._limits.take(caller.key, _tokens(caller), min(tokens, caller.tpm))
            if room.retry:
                raise OverLimit(
                    f"This key may use {caller.tpm:,} tokens a minute: try again in"
                    f" {room.retry:.1f} s.",
                    room.retry,
                )
        if caller.key is not None and caller.daily_tokens is not None:
            self._pending[caller.key] += tokens
        return Reserved(caller=caller, tokens=tokens, room=room)

    def settle(self, reserved: Reserved, tokens: int) -> None:
        """Charge what was really used."""
        caller = reserved.caller
        if caller.key is None:
            return
        if caller.tpm is not None:
            taken = min(reserved.tokens, caller.tpm)
            self._limits.settle(caller.key, _tokens(caller), tokens - taken)
        if caller.daily_tokens is not None:
            self._pending -= Counter({caller.key: reserved.tokens})  # keeps none that is 0
        if caller.key in self._days:
            self._days[caller.key].spent += tokens

    async def _require_day(self, caller: Caller, tokens: int) -> None:
        """A question that is alone may need more than is left, one among others may not."""
        if caller.key is None or caller.daily_tokens is None:
            return
        now = self._now()
        begins = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day = self._days.get(caller.key)
        if day is None or day.begins != begins or now - day.asked_at > AGAIN:
            spent = await asyncio.to_thread(self._spent, caller.key, begins)
            day = self._days[caller.key] = _Day(spent=spent, asked_at=now, begins=begins)
        if day.spent >= caller.daily_tokens:
            rest = (begins + timedelta(days=1) - now).total_seconds()
            raise OverLimit(
                f"This key has used its {caller.daily_tokens:,} tokens of today:"
                " it may go on at midnight UTC.",
                rest,
            )
        pending = self._pending[caller.key]
        if pending and day.spent + pending + tokens > caller.daily_tokens:
            raise OverLimit(
                f"This key has {pending:,} tokens under way, and may use {caller.daily_tokens:,} a"
                " day: try again when they are done.",
                1.0,
            )


def _tokens(caller: Caller) -> Limit:
    assert caller.tpm is not None
    return Limit(name="tokens", most=caller.tpm)


def estimate(text_bytes: int, most: int | None, answers: int = 1) -> int:
    """Tokens of a question of so many bytes and of answers of at most so many tokens each.

    Four bytes of English or Korean make about one token; an answer without a limit counts as 256.
    """
    return text_bytes // 4 + answers * (most if most is not None else 256)
