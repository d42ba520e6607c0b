"""Long lists page by page, newest first: a cursor says where a page ended."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, ColumnElement, and_, or_

from sutdol.core.errors import BadInput
from sutdol.storage.wording import storable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)


def cursor(at: datetime, id_: str) -> str:
    """Where a page ends whose last row has this time and id; it may stand in a URL as it is."""
    return f"{(at - _EPOCH) // _STEP}.{id_}"


def place(before: str) -> tuple[datetime, str]:
    """The time and the id of the row that a page ended with."""
    number, _, last = before.partition(".")
    try:
        return _EPOCH + int(number) * _STEP, storable(last)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{before[:80]!r} is no end of a page: send the cursor that the last page came with."
        ) from None


def older(at: Column[datetime], id_: Column[str], before: str) -> ColumnElement[bool]:
    """The rows that come after the cursor where the newest come first, by time and then id."""
    moment, last = place(before)
    return or_(at < moment, and_(at == moment, id_ < last))
