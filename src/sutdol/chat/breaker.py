"""Leave an upstream alone that fails again and again, and look now and then whether it is back."""

from collections.abc import Callable
from time import monotonic


class Breaker:
    """Open (no questions) after `failures` in a row, for `rest` seconds; then one may try."""

    def __init__(
        self, *, failures: int = 5, rest: float = 10.0, clock: Callable[[], float] = monotonic
    ) -> None:
        self._most, self._rest, self._clock = failures, rest, clock
        self._failed = 0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether questions are not let through now; does not count as the one that may try."""
        return self._failed >= self._most and self._clock() < self._until

    def allows(self) -> bool:
        """Whether a question may go through; the one that tries an open breaker shuts it again."""
        if self._failed < self._most:
            return True
        if self._clock() < self._until:
            return False
        self._until = self._clock() + self._rest
        return True

    def worked(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        if self._failed >= self._most:
            self._until = self._clock() + self._rest
