"""The event log: who did what to what, append-only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from sutdol.storage.tables import audit as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`actor` did `action` to `subject`."""

    actor: str
    action: str
    subject: str
    body: Mapping[str, object]
    created_at: datetime


def add(tx: Connection, event: Event) -> None:
    tx.execute(insert(table).values(asdict(event)))


def events(tx: Connection, *, limit: int) -> list[Event]:
    """The last `limit` events, newest first."""
    columns = [column for column in table.c if column.name != "id"]
    rows = tx.execute(select(*columns).order_by(table.c.id.desc()).limit(limit))
    return [Event(**row._asdict()) for row in rows]
