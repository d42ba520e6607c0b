"""What the guard said of texts that passed the server; the texts themselves are not kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from sutdol.core.errors import UnknownName
from sutdol.storage.server_tables import decision as table
from sutdol.storage.wording import fitted, storable
from sutdol.storage.writer import Row

Side = Literal["input", "output", "moderation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The guard's answer to one text of a request; `digest` is the text's HMAC-SHA-256."""

    id: str
    request: str
    side: Side
    digest: str
    version: str
    flagged: bool
    blocked: bool
    score: float
    categories: Mapping[str, float]
    created_at: datetime


def row(decided: Decided) -> Row:
    """For the writer."""
    values = {name: getattr(decided, name) for name in _COLUMNS}
    return Row(table=table, values=fitted(table, values) | {"categories": dict(decided.categories)})


def of_request(tx: Connection, request: str) -> list[Decided]:
    """In the order in which they were made."""
    found = select(table).where(table.c.request == request)
    rows = tx.execute(found.order_by(table.c.created_at, table.c.id))
    return [Decided(**one._asdict()) for one in rows]


def get(tx: Connection, id_: str) -> Decided:
    one = tx.execute(select(table).where(table.c.id == storable(id_))).one_or_none()
    if one is None:
        raise UnknownName("decision", id_, [])
    return Decided(**one._asdict())


_COLUMNS = tuple(table.c.keys())
