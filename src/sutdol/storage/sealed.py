"""The sealed texts may be read five times in a role's life, and each reading is on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from sutdol.core.errors import LimitReached, Refused
from sutdol.storage.tables import sealed_read as table

READS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRead:
    """`body` holds the figures; None while they are being computed, or when that failed."""

    id: int
    role: str
    version: str
    purpose: str
    body: Mapping[str, object] | None
    created_at: datetime


def add(tx: Connection, role: str, *, version: str, purpose: str, now: datetime) -> int:
    """Charge a reading and return its id; commit before reading anything."""
    if len(reads(tx, role)) >= READS:
        raise LimitReached(f"The sealed {role} texts were read {READS} times; no reading is left.")
    row = {"role": role, "version": version, "purpose": purpose, "created_at": now}
    tx.execute(insert(table).values(row))
    return reads(tx, role)[-1].id


def record(tx: Connection, id_: int, body: Mapping[str, object]) -> None:
    """Write down what a reading showed, once."""
    blank = table.c.id == id_, table.c.body.is_(None)
    if tx.execute(update(table).where(*blank).values(body=dict(body))).rowcount != 1:
        raise Refused(f"Sealed reading {id_} is on record already.")


def reads(tx: Connection, role: str) -> list[SealedRead]:
    """Every reading of a role, oldest first."""
    rows = tx.execute(select(table).where(table.c.role == role).order_by(table.c.id))
    return [SealedRead(**row._asdict()) for row in rows]
