"""Evaluations: how the champion did on its panel, day by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from sutdol.storage.tables import evaluation as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The figures of one version; `flow` is the flow that measured them."""

    role: str
    version: str
    flow: str | None
    body: Mapping[str, object]
    created_at: datetime


_columns = [column for column in table.c if column.name != "id"]


def add(tx: Connection, done: Evaluation) -> None:
    row = {name: getattr(done, name) for name in done.__dataclass_fields__}
    tx.execute(insert(table).values(row | {"body": dict(done.body)}))


def newest(tx: Connection, version: str, *, limit: int) -> list[Evaluation]:
    """The last evaluations of a version, newest first."""
    chosen = select(*_columns).where(table.c.version == version)
    rows = tx.execute(chosen.order_by(table.c.id.desc()).limit(limit))
    return [Evaluation(**row._asdict()) for row in rows]


def all(tx: Connection, role: str) -> list[Evaluation]:
    """Every evaluation of a role, oldest first."""
    rows = tx.execute(select(*_columns).where(table.c.role == role).order_by(table.c.id))
    return [Evaluation(**row._asdict()) for row in rows]
