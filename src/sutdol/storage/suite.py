"""The regression suite: evasions that a promoted version fixed, which must stay fixed."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, func, insert, select, update

from sutdol.core.errors import LimitReached, UnknownName
from sutdol.storage import examples
from sutdol.storage.batches import batches
from sutdol.storage.examples import StoredExample
from sutdol.storage.tables import example
from sutdol.storage.tables import suite_item as table

PINS = 200
"""Pinned items, which must all pass, that a role may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteItem:
    """An evasion to try again; a removed one stays as a tombstone that says why."""

    key: str
    role: str
    example: str
    attack: str
    seed: int
    fixed_by: str
    pinned: bool = False
    removed_at: datetime | None = None
    removed_why: str | None = None


def key(role: str, skeleton: str, attack: str, seed: int) -> str:
    """The same disguise of the same text is one item."""
    return sha256(json.dumps([role, skeleton, attack, seed]).encode()).hexdigest()


def add(tx: Connection, item: SuiteItem) -> bool:
    """Whether the item is new; a known or removed one stays as it is."""
    if tx.scalar(select(table.c.key).where(table.c.key == item.key)) is not None:
        return False
    row = asdict(item) | {"pinned": False}
    tx.execute(insert(table).values(row))
    if item.pinned:
        pin(tx, item.key)
    return True


def items(tx: Connection, role: str, *, removed: bool = False) -> list[SuiteItem]:
    """The items that count, or the tombstones, in the order of their keys."""
    gone = table.c.removed_at.is_not(None)
    chosen = select(table).where(table.c.role == role, gone if removed else ~gone)
    return [SuiteItem(**row._asdict()) for row in tx.execute(chosen.order_by(table.c.key))]


def items_with_examples(tx: Connection, role: str) -> list[tuple[SuiteItem, StoredExample]]:
    """The items that count, each with its living example."""
    counting = items(tx, role)
    found: dict[str, StoredExample] = {}
    for batch in batches([item.example for item in counting]):
        living = example.c.id.in_(batch), example.c.forgotten_at.is_(None)
        rows = tx.execute(select(example).where(*living))
        found |= {one.id: one for one in map(examples.stored, rows)}
    return [(item, found[item.example]) for item in counting if item.example in found]


def pin(tx: Connection, item_key: str) -> None:
    """From now on the item must pass."""
    item = _living(tx, item_key)
    pinned = table.c.role == item.role, table.c.pinned, table.c.removed_at.is_(None)
    if not item.pinned and (tx.scalar(select(func.count()).where(*pinned)) or 0) >= PINS:
        raise LimitReached(f"The {item.role} has {PINS} pinned items already: unpin one first.")
    tx.execute(update(table).where(table.c.key == item_key).values(pinned=True))


def unpin(tx: Connection, item_key: str) -> None:
    _living(tx, item_key)
    tx.execute(update(table).where(table.c.key == item_key).values(pinned=False))


def remove(tx: Connection, item_key: str, *, why: str, now: datetime) -> None:
    """Take an item out for good, leaving a tombstone."""
    _living(tx, item_key)
    gone = {"removed_at": now, "removed_why": why, "pinned": False}
    tx.execute(update(table).where(table.c.key == item_key).values(gone))


def _living(tx: Connection, item_key: str) -> SuiteItem:
    row = tx.execute(
        select(table).where(table.c.key == item_key, table.c.removed_at.is_(None))
    ).one_or_none()
    if row is None:
        living = select(table.c.key).where(table.c.removed_at.is_(None)).limit(5)
        raise UnknownName("suite item", item_key, tx.scalars(living))
    return SuiteItem(**row._asdict())
