"""Examples: kept once each under the hash of their content, and forgotten on demand."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from sutdol.core.errors import UnknownName
from sutdol.core.types import Example, Part
from sutdol.storage import parts
from sutdol.storage.batches import batches
from sutdol.storage.tables import example as table
from sutdol.storage.tables import suite_item

Kind = Literal["data", "feedback", "evasion", "twin"]
ORIGINAL, DISGUISED = ("data", "feedback"), ("evasion", "twin")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredExample(Example):
    """An example with the hash it is kept under."""

    id: str
    kind: Kind
    reviewed: bool


def identity(role: str, kind: Kind, example: Example) -> str:
    """The hash of what makes an example this one: all but its group, part and meta."""
    content = [role, kind, example.input, example.target, example.lang, example.source]
    return sha256(json.dumps(content).encode()).hexdigest()


def add(
    tx: Connection,
    role: str,
    examples: Iterable[Example],
    *,
    kind: Kind,
    reviewed: bool,
    now: datetime,
) -> int:
    """Keep `examples` and say how many were new; known and forgotten ones stay as they are.

    Only a label that nobody had reviewed becomes a reviewed one. A group's part is fixed by its
    first example; what comes later gets the same part.
    """
    new = 0
    for batch in batches(examples):
        known = _known(tx, [identity(role, kind, one) for one in batch])
        wanted = {one.group: one.part for one in reversed(batch)}
        part = parts.assign(tx, role, wanted, wanted.__getitem__)
        common = {"role": role, "kind": kind, "reviewed": reviewed, "created_at": now}
        rows = {
            identity(role, kind, one): common | _columns(one) | {"part": part[one.group]}
            for one in reversed(batch)
        }
        fresh = [{"id": id_} | row for id_, row in rows.items() if id_ not in known]
        if reviewed and known:
            living = table.c.id.in_(known), table.c.forgotten_at.is_(None)
            tx.execute(update(table).where(*living).values(reviewed=True))
        if fresh:
            tx.execute(insert(table), fresh)
        new += len(fresh)
    return new


def find(
    tx: Connection,
    role: str,
    *,
    part: Part | None = None,
    kinds: Iterable[Kind] | None = None,
    reviewed: bool | None = None,
    sources: Iterable[str] | None = None,
) -> list[StoredExample]:
    """Living examples in the order of their hashes, so that no order of arrival shows."""
    wanted: list[ColumnElement[bool]] = [table.c.role == role, table.c.forgotten_at.is_(None)]
    if part is not None:
        wanted.append(table.c.part == part)
    if kinds is not None:
        wanted.append(table.c.kind.in_(list(kinds)))
    if reviewed is not None:
        wanted.append(table.c.reviewed == reviewed)
    if sources is not None:
        wanted.append(table.c.source.in_(list(sources)))
    return [stored(row) for row in tx.execute(select(table).where(*wanted).order_by(table.c.id))]


def count(tx: Connection, role: str, *, part: Part | None = None) -> int:
    """How many living examples a role has, in all or in one part."""
    living = select(func.count()).where(table.c.role == role, table.c.forgotten_at.is_(None))
    if part is not None:
        living = living.where(table.c.part == part)
    return tx.scalar(living) or 0


def forget(tx: Connection, role: str, source: str, now: datetime) -> list[str]:
    """Erase the texts from `source` and say which rows it were; each keeps its hash.

    Disguises of an erased text go with it, unless another source gave the same text. A source
    that never gave a text is refused: a slip of the pen must not pass for an erasure.
    """
    given = select(table.c.source).where(table.c.role == role)
    if tx.scalar(given.where(table.c.source == source).limit(1)) is None:
        raise UnknownName("source", source, tx.scalars(given.distinct()))
    living = select(table.c.id, table.c.group_key, table.c.kind).where(
        table.c.role == role, table.c.forgotten_at.is_(None)
    )
    rows = tx.execute(living.where(table.c.source == source)).all()
    _erase(tx, [row.id for row in rows], now)
    orphans: list[str] = []
    for batch in batches({row.group_key for row in rows if row.kind in ORIGINAL}):
        left = tx.execute(living.where(table.c.group_key.in_(batch))).all()
        owned = {row.group_key for row in left if row.kind in ORIGINAL}
        orphans += [row.id for row in left if row.group_key not in owned]
    _erase(tx, orphans, now)
    return sorted({row.id for row in rows} | set(orphans))


def stored(row: Row[tuple[object, ...]]) -> StoredExample:
    """The example in a row of its table."""
    columns = row._asdict()
    for name in ("role", "forgotten_at", "created_at"):
        del columns[name]
    return StoredExample(group=columns.pop("group_key"), **columns)


def _columns(one: Example) -> dict[str, object]:
    return {
        "input": one.input,
        "target": one.target,
        "lang": one.lang,
        "source": one.source,
        "group_key": one.group,
        "meta": one.meta,
    }


def _known(tx: Connection, ids: Sequence[str]) -> set[str]:
    return set(tx.scalars(select(table.c.id).where(table.c.id.in_(ids))))


def _erase(tx: Connection, ids: Sequence[str], now: datetime) -> None:
    blank = {"input": "", "target": "", "group_key": "", "meta": {}, "forgotten_at": now}
    tombstone = {"removed_at": now, "removed_why": "forgotten"}
    for batch in batches(ids):
        tx.execute(update(table).where(table.c.id.in_(batch)).values(blank))
        tx.execute(
            update(suite_item)
            .where(suite_item.c.example.in_(batch), suite_item.c.removed_at.is_(None))
            .values(tombstone)
        )
