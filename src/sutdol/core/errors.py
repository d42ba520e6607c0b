"""Every error Sutdol raises on purpose, with the exit code and HTTP status it becomes.

SutdolError
├── UsageError            2 / 400   the caller asked for something that makes no sense
│   ├── UnknownName       2 / 404   a name nobody registered; suggests the nearest ones
│   └── BadInput          2 / 422   a file or text that cannot be read; says where and why
├── NotReady              1 / 409   something must happen first; says what
│   ├── MissingExtra      1 / 501   an optional dependency is not installed; says how
│   └── NothingToLearn    1 / 409   a turn of the loop has nothing to learn from or be judged on
├── Refused               3 / 403   a rule forbids it; says which
│   └── Settled           3 / 409   it was decided or ended before, and stays so
├── LimitReached          4 / 429   a budget is used up
├── Corrupted             1 / 500   stored bytes are not what was written
├── Busy                  1 / 503   another process holds the resource
├── Unavailable           1 / 503   a server is down or full: the same may work in a moment
├── EngineError           1 / 502   a model engine answered wrongly or not at all
└── FlowFailed            1 / 500   a step of a flow broke off; says which
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SutdolError(Exception):
    """Base of all errors that are shown to the user as one sentence."""

    code = 1
    status = 500

    @property
    def word(self) -> str:
        """Its kind as one word that programs can look at, such as `bad_input`."""
        name = type(self).__name__
        return "".join(f"_{one.lower()}" if one.isupper() else one for one in name).strip("_")


class UsageError(SutdolError):
    code = 2
    status = 400


class UnknownName(UsageError):
    """`UnknownName("attack", "homoglif", known)` suggests the nearest known names."""

    status = 404

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        near = get_close_matches(name, self.known, n=1, cutoff=0.5)
        hint = (
            f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(self.known) or 'none'}."
        )
        super().__init__(f"No {kind} named '{name}'. {hint}")


class BadInput(UsageError):
    status = 422


class NotReady(SutdolError):
    status = 409


class MissingExtra(NotReady):
    """`MissingExtra("The qdrant store", extra="qdrant")` prints what to install."""

    status = 501

    def __init__(self, what: str, *, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{what} needs an extra: pip install 'sutdol[{extra}]'")


class NothingToLearn(NotReady):
    pass


class Refused(SutdolError):
    code = 3
    status = 403


class Settled(Refused):
    status = 409


class LimitReached(SutdolError):
    """`retry`: seconds after which it may be possible again, where that is known."""

    code = 4
    status = 429

    def __init__(self, message: str, *, retry: float | None = None) -> None:
        super().__init__(message)
        self.retry = retry


class Corrupted(SutdolError):
    status = 500


class Busy(SutdolError):
    status = 503


class Unavailable(SutdolError):
    status = 503


class EngineError(SutdolError):
    status = 502


class FlowFailed(SutdolError):
    status = 500
