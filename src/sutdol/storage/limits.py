"""Rate limits: how many requests and tokens somebody may use, counted together through Redis.

Without Redis, or while it is away, each process counts for itself.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Literal

from sutdol.core.errors import UsageError
from sutdol.storage.cache import key
from sutdol.storage.redis import Away, Redis

if TYPE_CHECKING:
    from redis.commands.core import Script

MOST = 100_000  # buckets that one process remembers; who was away longest gets a full one
ROUNDING = 0.001  # of one unit: what sums of fractions may be off by

# A bucket is one number: the moment at which it will be full again. So it fills by itself, and one
# that is full need not be kept. Here it is in microseconds since 2023-11-14 by the clock of Redis:
# counted from 1970, the fractions would be lost. Asked are: the cost in microseconds, and how far
# away the moment may be after it.
SPEND = """
local time = redis.call('TIME')
local now = (time[1] - 1700000000) * 1000000 + time[2]
local cost, within = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or '') or now
if full < now then full = now end
local paid = full - now + cost <= within
if paid and cost ~= 0 then
  full = full + cost
  if full <= now then
    redis.call('DEL', KEYS[1])
    full = now
  else
    local kept = string.format('%.0f', math.ceil((full - now) / 1000))
    redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', kept)
  end
end
return {paid and 1 or 0, string.format('%.3f', full - now)}
"""
NEVER = 1e15  # seconds: any debt is smaller


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `most` at once, and as many again every `seconds`, little by little."""

    name: Literal["requests", "tokens"]
    most: int
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.most < 1 or not 0 < self.seconds < math.inf:
            raise UsageError(f"The limit of {self.name} must be at least 1 in some seconds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left of a limit; `retry` is 0 when something was taken, else seconds to wait."""

    limit: int
    remaining: int
    reset: float  # seconds until all of it is there again
    retry: float


class Limits:
    """Buckets that start full, from which everybody takes, and which fill up again steadily.

    `clock` serves the buckets of this process; those in Redis go by the clock of Redis.
    """

    def __init__(
        self,
        redis: Redis | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST,
    ) -> None:
        self._memory = _Memory(clock, most)
        self._shared = None if redis is None else _Shared(redis)

    def take(self, who: str, limit: Limit, amount: int = 1) -> Room:
        """Take so much if it is there, else nothing; `room.retry` says when to come again.

        More than the whole bucket is always refused, with a wait of all of `limit.seconds`.
        """
        if amount < 0:
            raise UsageError(f"Cannot take {amount} {limit.name}: give back with `settle`.")
        cost = amount * limit.seconds / limit.most
        paid, owed = self._spend(who, limit, cost, _within(limit))
        if paid:
            return _room(limit, owed, 0.0)
        wait = owed + cost - limit.seconds
        return _room(limit, owed, limit.seconds if amount > limit.most else wait)

    def settle(self, who: str, limit: Limit, amount: int) -> None:
        """Take more after the fact, or give back what is below zero; there need not be room."""
        if amount:
            self._spend(who, limit, amount * limit.seconds / limit.most, NEVER)

    def _spend(self, who: str, limit: Limit, cost: float, within: float) -> tuple[bool, float]:
        if self._shared is not None:
            with suppress(Away):
                return self._shared.spend(who, limit, cost, within)
        return self._memory.spend((who, limit.name, limit.seconds), cost, within)


class _Memory:
    """The buckets of this process: for each the moment at which it is full, the last used last."""

    def __init__(self, clock: Callable[[], float], most: int) -> None:
        self._clock, self._most = clock, most
        self._full: OrderedDict[tuple[str, str, float], float] = OrderedDict()
        self._lock = Lock()

    def spend(
        self, bucket: tuple[str, str, float], cost: float, within: float
    ) -> tuple[bool, float]:
        """Whether the cost was paid, and the seconds until the bucket is full again."""
        with self._lock:
            now = self._clock()
            known = self._full.get(bucket, now)
            owed = known - now if known > now else 0.0
            if owed + cost > within:
                return False, owed
            owed = owed + cost if owed + cost > 0 else 0.0
            if cost:
                if bucket in self._full:
                    self._full.move_to_end(bucket)
                else:
                    self._make_room(now)
                self._full[bucket] = now + owed
            return True, owed

    def _make_room(self, now: float) -> None:
        """Let two go that are full: so all of them are found in time, at no one's expense."""
        for old in list(islice(self._full, 2)):
            if self._full[old] <= now:
                del self._full[old]
        if len(self._full) >= self._most:
            self._full.popitem(last=False)


class _Shared:
    """The buckets in Redis, of all processes together."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script: Script = redis.client.register_script(SPEND)  # nothing is sent yet

    def spend(self, who: str, limit: Limit, cost: float, within: float) -> tuple[bool, float]:
        """The same, or `Away`."""
        name = self._redis.key("limit", f"{limit.name}:{limit.seconds:g}:{key(who)}")
        numbers = [repr(1e6 * cost), repr(1e6 * within)]
        paid, owed = self._redis.ask(
            lambda client: self._script(keys=[name], args=numbers, client=client)
        )
        return paid == 1, float(owed) / 1e6


def _within(limit: Limit) -> float:
    """How far away from full a bucket may be: empty, but for what rounding does."""
    return limit.seconds * (1 + ROUNDING / limit.most)


def _room(limit: Limit, owed: float, retry: float) -> Room:
    left = int(limit.most * (1 - owed / limit.seconds) + ROUNDING)
    return Room(limit=limit.most, remaining=left if left > 0 else 0, reset=owed, retry=retry)
