"""What was asked of the server, by whom and at what cost; never what was said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Label, Table, delete, func, select

from sutdol.core.errors import UnknownName
from sutdol.storage import pages
from sutdol.storage.database import Database
from sutdol.storage.server_tables import decision
from sutdol.storage.server_tables import request as table
from sutdol.storage.wording import fitted, storable
from sutdol.storage.writer import Row

By = Literal["key", "user", "model", "day", "route"]
BATCH = 5_000  # rows that are deleted at once: others write between
BLOCKED = "content_filter"
"""The error of a request that the guard did not let through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that was answered; `user` is none where nobody had to say who asks.

    Tokens are `estimated` where the upstream did not count them; `first_milliseconds` is the time
    to the first token of a stream.
    """

    id: str
    route: str
    status: int
    milliseconds: float
    created_at: datetime
    user: str | None = None
    key: str | None = None
    model: str | None = None
    upstream: str | None = None
    error: str | None = None
    stream: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    estimated: bool = False
    cost: float | None = None
    first_milliseconds: float | None = None

    @property
    def cursor(self) -> str:
        """Where a page ends that ends with this one."""
        return pages.cursor(self.created_at, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one key, user, model, day or route asked for; the name is empty where it has none."""

    name: str
    requests: int
    errors: int  # status 400 and above
    blocked: int  # by the guard
    prompt_tokens: int
    completion_tokens: int
    cost: float


def row(request: Request) -> Row:
    """For the writer."""
    values = dict(zip(_COLUMNS, _values(request), strict=True))
    return Row(table=table, values=fitted(table, values))


def usage(
    tx: Connection,
    *,
    since: datetime,
    until: datetime,
    by: By,
    user: str | None = None,
    key: str | None = None,
) -> list[Usage]:
    """Sums from `since` on and before `until`, in the order of their names; a day is one in UTC."""
    wanted = [table.c.created_at >= since, table.c.created_at < until]
    wanted += [table.c.user == storable(user)] if user is not None else []
    wanted += [table.c.key == storable(key)] if key is not None else []
    name = _NAMES[by]
    rows = tx.execute(select(name, *_SUMS).where(*wanted).group_by(name).order_by(name))
    return [Usage(**one._asdict()) for one in rows]


def tokens_since(tx: Connection, key: str, since: datetime) -> int:
    """Tokens that went through a key, in and out."""
    spent = select(_sum(table.c.prompt_tokens) + _sum(table.c.completion_tokens))
    return tx.scalar(spent.where(table.c.key == key, table.c.created_at >= since)) or 0


def newest(
    tx: Connection, *, user: str | None = None, limit: int = 50, before: str | None = None
) -> list[Request]:
    """A page of requests, of one user or of all, newest first; `before` is a cursor."""
    wanted = [table.c.user == storable(user)] if user is not None else []
    wanted += [pages.older(table.c.created_at, table.c.id, before)] if before is not None else []
    order = table.c.created_at.desc(), table.c.id.desc()
    rows = tx.execute(select(table).where(*wanted).order_by(*order).limit(limit))
    return [Request(**one._asdict()) for one in rows]


def get(tx: Connection, id_: str) -> Request:
    one = tx.execute(select(table).where(table.c.id == storable(id_))).one_or_none()
    if one is None:
        raise UnknownName("request", id_, [])  # the ids of others are nobody's business
    return Request(**one._asdict())


def prune(db: Database, before: datetime) -> int:
    """Delete older requests and decisions; how many rows went."""
    return sum(_prune(db, each, before) for each in (decision, table))


def _prune(db: Database, each: Table, before: datetime) -> int:
    old = select(each.c.id).where(each.c.created_at < before).limit(BATCH)
    gone = 0
    while True:
        with db.write() as tx:
            count = tx.execute(delete(each).where(each.c.id.in_(old))).rowcount
        gone += count
        if count < BATCH:
            return gone


def _sum(column: ColumnElement[int | None]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), 0)


def _named(column: ColumnElement[str]) -> Label[str]:
    return func.coalesce(column, "").label("name")


_COLUMNS = tuple(table.c.keys())
_values = attrgetter(*_COLUMNS)
_NAMES: Mapping[By, Label[str]] = {
    "key": _named(table.c.key),
    "user": _named(table.c.user),
    "model": _named(table.c.model),
    "day": _named(func.substr(table.c.created_at, 1, 10)),
    "route": _named(table.c.route),
}
_SUMS = (
    func.count().label("requests"),
    func.count().filter(table.c.status >= 400).label("errors"),
    func.count().filter(table.c.error == BLOCKED).label("blocked"),
    _sum(table.c.prompt_tokens).label("prompt_tokens"),
    _sum(table.c.completion_tokens).label("completion_tokens"),
    func.coalesce(func.sum(table.c.cost), 0.0).label("cost"),
)
