"""Redis, asked with short waits, left alone while it is away, and never needed."""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from sutdol.core.errors import SutdolError, Unavailable
from sutdol.storage import redis_url

if TYPE_CHECKING:
    from redis import Redis as Client

T = TypeVar("T")
WAIT = 0.1  # seconds for a connection or an answer
REST = 2.0  # seconds between two looks whether a Redis that went away is back


class Away(Unavailable):
    """Redis gave no answer: go on without it."""


class Redis:
    """One Redis server. Whoever asks it is ready for `Away`.

    The first question without an answer costs about `WAIT`; from then on every question is `Away`
    at once, while a thread of ours looks every `rest` seconds whether Redis is back. Only looking
    up the name of a host can take longer: give an address where that is slow.
    """

    def __init__(
        self, client: "Client", where: str, *, space: str = "", rest: float = REST
    ) -> None:
        from redis.exceptions import RedisError, ResponseError

        self.client, self.where = client, where
        # the last two from bytes that are no answer of a Redis
        self.faults = (RedisError, OSError, ValueError, RecursionError)
        self._refusal = ResponseError
        self._space, self._rest = space, rest
        self._away = ""  # why, while it is
        self._lock, self._closed = Lock(), Event()

    @classmethod
    def open(cls, url: str, *, space: str = "", rest: float = REST) -> "Redis":
        """Nothing is sent yet. `space` keeps apart what two deployments write into one Redis."""
        client = redis_url.client(url, wait=WAIT)
        return cls(client, redis_url.place(url), space=space, rest=rest)

    def key(self, kind: str, name: str) -> str:
        """What something of this deployment alone is called in Redis."""
        return f"sutdol:{self._space}:{kind}:{name}"

    def ask(self, question: Callable[["Client"], T]) -> T:
        """The answer, or `Away`: soon, and at once while Redis is known to be away."""
        if self._away:
            raise Away(self._away)
        try:
            return question(self.client)
        except self._refusal as error:  # an answer all the same: the next question may fare better
            raise Away(self._sentence(error)) from None
        except self.faults as error:
            self._leave(self._sentence(error))
            raise Away(self._sentence(error)) from None

    def ping(self) -> float:
        """Seconds to an answer, whatever was known before; `Away` without one."""
        start = perf_counter()
        try:
            self.client.ping()
        except self.faults as error:
            raise Away(self._sentence(error)) from None
        return perf_counter() - start

    def close(self) -> None:
        self._closed.set()
        with suppress(*self.faults):
            self.client.close()

    def _leave(self, why: str) -> None:
        """Let Redis rest, with one thread to look after it."""
        with self._lock:
            if self._away or self._closed.is_set():
                return
            self._away = why
        Thread(target=self._look_after, name="redis", daemon=True).start()

    def _look_after(self) -> None:
        while not self._closed.wait(self._rest):
            with suppress(Away):
                self.ping()
                self._away = ""
                return

    def _sentence(self, error: Exception) -> str:
        # An old server repeats a command it does not know, and that one may hold the password.
        why = str(error).partition(", with args")[0].partition("\n")[0].rstrip(".")
        return f"{self.where} cannot be used ({why}): start that Redis or correct redis_url."


def reachable(url: str | None) -> tuple[str, str]:
    """What `doctor` says of Redis: ok, absent or broken, and a sentence."""
    if url is None:
        return "absent", "not set: REDIS_URL lets several processes share cache, events and locks"
    try:
        redis = Redis.open(url)
        try:
            seconds = redis.ping()
        finally:
            redis.close()
    except SutdolError as error:
        return "broken", str(error)
    return "ok", f"{redis.where} answers in {1000 * seconds:.1f} ms"
