"""Which call of a function a piece of an answer goes on with."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import orjson

T = TypeVar("T")


class Calls(Generic[T]):
    """The calls of one answer in the order in which they began, as its reader keeps them.

    Some servers give all calls the same number, or none, but an id each.
    """

    def __init__(self) -> None:
        self.all: list[T] = []
        self._last: dict[int, tuple[str, T]] = {}  # by number, with its id

    def known(self, piece: Mapping[str, Any]) -> T | None:
        """The call that the piece goes on with; None where it begins one."""
        number, id_ = _number(piece), id_of(piece)
        known, call = self._last.get(number, ("", None))
        if call is None or (id_ and known and id_ != known):
            return None
        self._last[number] = id_ or known, call
        return call

    def begin(self, piece: Mapping[str, Any], call: T) -> None:
        self.all.append(call)
        self._last[_number(piece)] = id_of(piece), call


def id_of(piece: Mapping[str, Any]) -> str:
    id_ = piece.get("id")
    return id_ if isinstance(id_, str) else ""


def arguments(value: object) -> str:
    """As text; some servers send them as the object they are."""
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value).decode()


def _number(piece: Mapping[str, Any]) -> int:
    number = piece.get("index")
    return number if isinstance(number, int) else 0
