"""A value that takes a while to get or may never come: kept a moment, waited for so long only."""

from collections.abc import Callable
from threading import Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger("sutdol.figures")


class Fresh(Generic[T]):
    """Calling it gives a value that is at most `age` seconds old; None where `get` failed, or is
    not back within `patience` seconds. Nobody asks again while it is still under way.
    """

    def __init__(
        self,
        get: Callable[[], T],
        *,
        age: float,
        patience: float = 2.5,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._get, self._age, self._patience, self._clock = get, age, patience, clock
        self._lock = Lock()
        self._thread: Thread | None = None
        self._value: T | None = None
        self._until = -1.0
        self._trouble = ""

    def __call__(self) -> T | None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                if self._clock() < self._until:
                    return self._value
                self._thread = Thread(target=self._fetch, name="figures", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(self._patience)
        return None if thread.is_alive() else self._value

    def _fetch(self) -> None:
        try:
            self._value, trouble = self._get(), ""
        except Exception as error:  # noqa: BLE001  whatever it is, the other figures are told
            self._value, trouble = None, type(error).__name__
        if trouble and trouble != self._trouble:
            log.warning("figures cannot be read", error=trouble)
        self._trouble = trouble
        self._until = self._clock() + self._age
