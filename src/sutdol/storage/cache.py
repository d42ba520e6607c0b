"""Answers that were worked out before, by a key that tells nobody the question."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from sutdol.storage.redis import Away, Redis

if TYPE_CHECKING:
    from redis import Redis as Client

OBJECTS = 300  # bytes that Python needs to keep one value, besides the value


def key(*parts: str) -> str:
    """One name for these parts and no others: SHA-256, so that the parts do not show in it."""
    hashed = sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        hashed.update(b"%d:" % len(raw))
        hashed.update(raw)
    return hashed.hexdigest()


class Cache(Protocol):
    """Keeps values as long as it likes; one that cannot be reached keeps none, and never fails."""

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Those that are kept."""
        ...

    def put_many(self, values: Mapping[str, bytes]) -> None: ...


class Memory:
    """What this process worked out, the last used first; any thread may ask."""

    def __init__(self, *, most: int = 20_000, most_bytes: int = 16_000_000) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
            for key in found:
                self._kept.move_to_end(key)
        return found

    def put_many(self, values: Mapping[str, bytes]) -> None:
        with self._lock:
            for key, value in values.items():
                self._forget(key)
                if _size(value) <= self._most_bytes:
                    self._kept[key] = value
                    self._bytes += _size(value)
            while len(self._kept) > self._most or self._bytes > self._most_bytes:
                self._forget(next(iter(self._kept)))

    def _forget(self, key: str) -> None:
        value = self._kept.pop(key, None)
        if value is not None:
            self._bytes -= _size(value)


class Shared:
    """What any process with the same Redis worked out; while Redis is away, nothing.

    Whoever may write to that Redis can change what is read here: readers check the form of a value,
    but whether it is true they cannot see.
    """

    def __init__(self, redis: Redis, *, seconds: int = 86_400) -> None:
        self._redis, self._seconds = redis, seconds

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        if not keys:
            return {}
        names = [_name(key) for key in keys]
        try:
            values = self._redis.ask(lambda client: client.mget(names))
        except Away:
            return {}
        found = {key: _opened(key, value) for key, value in zip(keys, values, strict=False)}
        return {key: value for key, value in found.items() if value is not None}

    def put_many(self, values: Mapping[str, bytes]) -> None:
        def write(client: "Client") -> None:
            with client.pipeline(transaction=False) as batch:
                for key, value in values.items():
                    batch.set(_name(key), _sealed(key, value), ex=self._seconds)
                batch.execute()

        if values:
            with suppress(Away):
                self._redis.ask(write)


def _sealed(key: str, value: bytes) -> bytes:
    return key.encode() + value


def _opened(key: str, stored: object) -> bytes | None:
    """The value, if it was written under this key: an answer must never reach another question."""
    seal = key.encode()
    if not isinstance(stored, bytes) or not stored.startswith(seal):
        return None
    return stored[len(seal) :]


def _name(key: str) -> str:
    return f"sutdol:cache:{key}"


def _size(value: bytes) -> int:
    return len(value) + OBJECTS
