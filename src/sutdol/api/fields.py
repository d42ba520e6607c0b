"""What the fields of our own resources may hold, so that no value of a client breaks anything."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Protocol, TypeVar

import orjson
from fastapi import Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema

T = TypeVar("T")
L = TypeVar("L", bound="Listed")

DEEPEST, LARGEST = 16, 16_000
"""Levels and bytes of what users keep with things of theirs."""
USUAL, MOST = 50, 200
"""Entries of a page."""


RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _written_out(value: object) -> object:
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("a time is written as 2026-01-31T09:00:00Z")
    return value


def _said(value: object) -> object:
    if value is None:
        raise ValueError("leave it out, or say what it is to be")
    return value


class _NoNull:
    """Leaves null, which stands for what was left out, out of the document."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = (one for one in handler(schema)["anyOf"] if one != {"type": "null"})
        return found


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time between the years 1 and 9999 in UTC") from None


def _small(value: dict[str, object]) -> dict[str, object]:
    if _depth(value, DEEPEST) > DEEPEST:
        raise ValueError(f"at most {DEEPEST} levels may lie within each other")
    try:
        size = len(orjson.dumps(value))
    except TypeError:  # half a character, or a number of more than 64 bits
        raise ValueError("no JSON that can be kept") from None
    if size > LARGEST:
        raise ValueError(f"at most {LARGEST:,} bytes of JSON may be kept")
    return value


def _depth(value: object, most: int) -> int:
    """How many levels lie within each other; counting ends beyond the most."""
    if most < 0 or not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(one, most - 1) for one in inner), default=0)


Moment = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_in_utc)
]
Kept = Annotated[T | None, BeforeValidator(_said), _NoNull(), Field(default_factory=lambda: None)]
"""What stays as it is when it is left out; null is not the same."""
Meta = Annotated[dict[str, object], AfterValidator(_small)]
PerPage = Annotated[int, Query(ge=1, le=MOST, description="So many on a page.")]
Before = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=r"^[0-9]{1,19}\.[^\x00]+$",
        description="`next` of the page that was read last.",
    ),
]
Word = Annotated[str | None, Query(max_length=200)]


class Body(BaseModel):
    """What a client sends; a field that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Told(BaseModel):
    """What a client gets, made of a value of ours."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is the cursor of what comes after it, if anything does."""

    data: list[T]
    next: str | None = None


class Listed(Protocol):
    """An entry that knows where a page ends that ends with it."""

    @property
    def cursor(self) -> str: ...


def page(found: Sequence[L], limit: int, told: Callable[[L], T]) -> Page[T]:
    """A page of what was found, for which one entry more than the limit was asked for."""
    last = found[limit - 1].cursor if len(found) > limit else None
    return Page(data=[told(one) for one in found[:limit]], next=last)
