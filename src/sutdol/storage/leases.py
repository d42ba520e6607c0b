"""A lock over all machines that spares them a vain start; the database still has the last word.

Whose turn it is stands in the table `turn`, and the database refuses whoever lost it. A lease tells
the others so at once, before any work, and goes with its holder's life: it ends some seconds after
the holder dies. Without Redis there is no lease, and all goes on with the database alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from uuid import uuid4

from sutdol.core.errors import Busy
from sutdol.storage.redis import Away, Redis

SECONDS = 15.0  # a lease outlives its holder by this at the most

# What is kept is `token:holder`, the token 32 letters long. A holder that starts again, such as a
# flow that another worker goes on with, takes over its own lease.
TAKE = """
local kept = redis.call('get', KEYS[1])
if kept and string.sub(kept, 34) ~= string.sub(ARGV[1], 34) then return kept end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
"""
RENEW = """
local kept = redis.call('get', KEYS[1])
if kept and kept ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""


@contextmanager
def lease(
    redis: Redis | None, name: str, holder: str, *, seconds: float = SECONDS
) -> Iterator[bool]:
    """Hold `name` in Redis within the block: whether that succeeded, or `Busy` naming the holder.

    False means that Redis is not there to ask: go on, the database decides. `holder` is unique to
    the work, and stays the same where another process goes on with it.
    """
    if redis is None:
        yield False
        return
    mine = _Lease(redis, redis.key("lease", name), holder, seconds)
    held = mine.take(name)
    try:
        with mine.renewed(held):
            yield held
    finally:
        mine.release()  # even if not known to be held: the answer may have been lost, not the lease


class _Lease:
    def __init__(self, redis: Redis, key: str, holder: str, seconds: float) -> None:
        self._redis, self._key, self._seconds = redis, key, seconds
        self._value = f"{uuid4().hex}:{holder}"

    def take(self, name: str) -> bool:
        try:
            kept = self._run(TAKE, self._value, round(1_000 * self._seconds))
        except Away:
            return False
        if kept is not None:
            raise Busy(f"{_holder(kept)} holds '{name}': wait for it and try again.")
        return True

    @contextmanager
    def renewed(self, held: bool) -> Iterator[None]:
        """Keep the lease within the block, also through a restart of Redis."""
        done = Event()
        renewing = Thread(target=self._renew, args=(done,), name="lease", daemon=True)
        if held:
            renewing.start()
        try:
            yield
        finally:
            done.set()
            if held:
                renewing.join()

    def release(self) -> None:
        with suppress(Away):
            self._run(RELEASE, self._value)

    def _renew(self, done: Event) -> None:
        mine = True
        while mine and not done.wait(self._seconds / 3):
            with suppress(Away):
                mine = self._run(RENEW, self._value, round(1_000 * self._seconds)) == 1

    def _run(self, script: str, *arguments: str | int) -> object:
        found: object = self._redis.ask(
            lambda client: client.eval(script, 1, self._key, *arguments)
        )
        return found


def _holder(kept: object) -> str:
    """Who wrote the lease; what stands in Redis may be anything."""
    text = kept.decode("utf-8", "replace") if isinstance(kept, bytes) else ""
    name = text.partition(":")[2][:64]
    return name if name.isprintable() and name else "Another process"
