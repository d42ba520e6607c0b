"""Verdicts: what the gate decided, with the numbers it decided on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select

from sutdol.core.errors import Refused, UnknownName
from sutdol.storage import looks
from sutdol.storage.batches import batches
from sutdol.storage.tables import verdict as table

Decision = Literal["promote", "reject", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A verdict without its numbers, which are many."""

    id: str
    challenger: str
    decision: Decision
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVerdict:
    """`look` is the key of the look it was reached by; None when it was refused before looking."""

    id: str
    role: str
    champion: str | None
    challenger: str
    decision: Decision
    reason: str
    body: Mapping[str, object]
    snapshot: str | None
    exam: str | None
    look: str | None
    created_at: datetime

    def told(self) -> dict[str, object]:
        """The verdict as JSON, with all its numbers."""
        return {
            "id": self.id,
            "role": self.role,
            "champion": self.champion,
            "challenger": self.challenger,
            "snapshot": self.snapshot,
            **self.body,
        }


def add(tx: Connection, verdict: StoredVerdict) -> StoredVerdict:
    """Keep a verdict; a look has one verdict, so the second is answered with the first."""
    if verdict.look is not None:
        known = tx.execute(select(table).where(table.c.look == verdict.look)).one_or_none()
        if known is not None:
            return StoredVerdict(**known._asdict())
        _require_pair(tx, verdict)
    row = {name: getattr(verdict, name) for name in verdict.__dataclass_fields__}
    tx.execute(insert(table).values(row | {"body": dict(verdict.body)}))
    return verdict


def get(tx: Connection, id_: str) -> StoredVerdict:
    row = tx.execute(select(table).where(table.c.id == id_)).one_or_none()
    if row is None:
        raise UnknownName("verdict", id_, tx.scalars(select(table.c.id)))
    return StoredVerdict(**row._asdict())


def by_look(tx: Connection, look: str) -> StoredVerdict | None:
    """The verdict of a look that was judged before."""
    row = tx.execute(select(table).where(table.c.look == look)).one_or_none()
    return None if row is None else StoredVerdict(**row._asdict())


def page(
    tx: Connection,
    roles: Collection[str],
    *,
    limit: int,
    after: StoredVerdict | None = None,
    version: str | None = None,
) -> list[StoredVerdict]:
    """Verdicts, newest first, from the one after `after` on; with `version`, those about it."""
    wanted: list[ColumnElement[bool]] = [table.c.role.in_(roles)]
    if after is not None:
        at = after.created_at
        earlier = and_(table.c.created_at == at, table.c.id < after.id)
        wanted.append(or_(table.c.created_at < at, earlier))
    if version is not None:
        wanted.append(or_(table.c.champion == version, table.c.challenger == version))
    order = table.c.created_at.desc(), table.c.id.desc()
    rows = tx.execute(select(table).where(*wanted).order_by(*order).limit(limit))
    return [StoredVerdict(**row._asdict()) for row in rows]


def outlines(tx: Connection, role: str) -> list[Outline]:
    """Every verdict of a role in short, oldest first."""
    columns = [table.c[name] for name in Outline.__dataclass_fields__]
    order = table.c.created_at, table.c.id
    rows = tx.execute(select(*columns).where(table.c.role == role).order_by(*order))
    return [Outline(**row._asdict()) for row in rows]


def some(tx: Connection, ids: Collection[str]) -> dict[str, StoredVerdict]:
    """These verdicts, by id."""
    return {
        row.id: StoredVerdict(**row._asdict())
        for batch in batches(ids)
        for row in tx.execute(select(table).where(table.c.id.in_(batch)))
    }


def between(tx: Connection, a: str, b: str) -> StoredVerdict | None:
    """The newest on two versions, whichever was champion."""
    pairs = [and_(table.c.champion == x, table.c.challenger == y) for x, y in ((a, b), (b, a))]
    order = table.c.created_at.desc(), table.c.id.desc()
    row = tx.execute(select(table).where(or_(*pairs)).order_by(*order).limit(1)).one_or_none()
    return None if row is None else StoredVerdict(**row._asdict())


def all(tx: Connection, role: str) -> list[StoredVerdict]:
    """Every verdict of a role, oldest first."""
    order = table.c.created_at, table.c.id
    rows = tx.execute(select(table).where(table.c.role == role).order_by(*order))
    return [StoredVerdict(**row._asdict()) for row in rows]


def _require_pair(tx: Connection, verdict: StoredVerdict) -> None:
    look = looks.find(tx, str(verdict.look))
    pair = verdict.role, verdict.champion, verdict.challenger
    if look is None or (look.role, look.champion, look.challenger) != pair:
        raise Refused(f"Verdict {verdict.id} rests on a look that was not charged for its pair.")
