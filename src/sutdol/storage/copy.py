"""Copy every row from one database to another of either kind, and prove that nothing was lost."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Column, Connection, Integer, Row, Table, func, insert, select
from sqlalchemy.exc import StatementError

from sutdol.core.errors import BadInput, Corrupted, NotReady, Refused
from sutdol.storage import migrations
from sutdol.storage.database import Database
from sutdol.storage.tables import metadata, version

BATCH = 1_000
Progress = Callable[[str, int, int], None]
"""Called with a table, how many of its rows are there, and how many there will be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A table as it is on both sides; `hash` covers its rows in the order of their keys."""

    table: str
    rows: int
    hash: str


def copy(source: Database, target: Database, progress: Progress) -> list[Copied]:
    """Fill the empty `target` with all rows of `source` as they are at one moment.

    One transaction: whatever happens, the target holds everything or nothing.
    """
    with source.read() as old, target.write() as new:
        _require_newest(old, source.where)
        _require_empty(new, target.where)
        return [_table(old, new, table, progress) for table in metadata.sorted_tables]


def content(tx: Connection, table: Table) -> Copied:
    """The rows of a table: how many, and their hash, which is the same in every database."""
    hashed, rows = sha256(), 0
    for batch in _batches(tx, table):
        rows += len(batch)
        _take(hashed.update, batch)
    return Copied(table=table.name, rows=rows, hash=hashed.hexdigest())


def _table(old: Connection, new: Connection, table: Table, progress: Progress) -> Copied:
    total = old.scalar(select(func.count()).select_from(table)) or 0
    hashed, rows = sha256(), 0
    for batch in _batches(old, table):
        _take(hashed.update, batch)
        _insert(new, table, batch)
        rows += len(batch)
        progress(table.name, rows, total)
    wanted = Copied(table=table.name, rows=rows, hash=hashed.hexdigest())
    if content(new, table) != wanted:
        raise Corrupted(f"The table {table.name} came out otherwise: nothing was copied.")
    _count_on(new, table)
    return wanted


def _insert(tx: Connection, table: Table, batch: Sequence[Row[tuple[object, ...]]]) -> None:
    try:
        tx.execute(insert(table), [row._asdict() for row in batch])
    except StatementError as error:
        if not isinstance(error.orig, BadInput):
            raise
        raise BadInput(f"{error.orig} It stands in the table {table.name}.") from None


def _batches(tx: Connection, table: Table) -> Iterator[Sequence[Row[tuple[object, ...]]]]:
    chosen = select(table).order_by(*_order(table))
    yield from tx.execute(chosen, execution_options={"yield_per": BATCH}).partitions()


def _order(table: Table) -> Sequence[Column[object]]:
    """By the key; but parents before their children, who have higher numbers."""
    if table is version:
        return table.c.number, table.c.role
    return list(table.primary_key.columns)


def _take(update: Callable[[bytes], None], batch: Sequence[Row[tuple[object, ...]]]) -> None:
    for row in batch:
        line = json.dumps(list(row), ensure_ascii=False, sort_keys=True, default=_moment)
        update(f"{line}\n".encode())


def _moment(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _require_newest(tx: Connection, where: str) -> None:
    current, newest = migrations.revision(tx, where), migrations.revisions()[-1]
    if current != newest:
        raise NotReady(
            f"{where} is at revision {current or 'none'} and not {newest}:"
            " run `sutdol db upgrade` on it first."
        )


def _require_empty(tx: Connection, where: str) -> None:
    for table in metadata.sorted_tables:
        rows = tx.scalar(select(func.count()).select_from(table)) or 0
        if rows:
            raise Refused(f"{where} is not empty ({table.name}: {rows} rows): name an empty one.")


def _count_on(tx: Connection, table: Table) -> None:
    """PostgreSQL counts by itself and saw nothing of the numbers that came along."""
    keys = list(table.primary_key.columns)
    if tx.dialect.name != "postgresql" or len(keys) > 1 or not isinstance(keys[0].type, Integer):
        return
    last = tx.scalar(select(func.max(keys[0])))
    if last is not None:
        counter = func.pg_get_serial_sequence(f'"{table.name}"', keys[0].name)
        tx.execute(select(func.setval(counter, last)))
