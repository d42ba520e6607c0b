"""Spans of a trace: what took how long within a request; nothing, unless somebody wants them."""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

Told = Mapping[str, str | int | float | bool]
Kind = Literal["internal", "client"]


class Span(Protocol):
    """Something that has begun; it is told when it ends, and with which error."""

    def end(self, told: Told, *, error: str | None = None) -> None: ...


class _Nothing:
    def end(self, told: Told, *, error: str | None = None) -> None:
        pass


NOTHING: Span = _Nothing()
Maker = Callable[[str, Kind, Told], Span]
_maker: Maker | None = None


def begin(name: str, kind: Kind, told: Told) -> Span:
    """A span within the one that is open in this task; `NOTHING` where no spans are wanted."""
    return NOTHING if _maker is None else _maker(name, kind, told)


def wanted() -> bool:
    """Whether it is worth gathering what a span is told."""
    return _maker is not None


def use(maker: Maker | None) -> None:
    """Let spans be made by this one in the whole process, or by none any more."""
    global _maker
    _maker = maker
