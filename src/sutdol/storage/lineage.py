"""Which rows a model came from, and which models came from a row."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sutdol.storage import versions
from sutdol.storage.batches import batches
from sutdol.storage.tables import example, snapshot_row, version


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How many rows of a snapshot came from one source as one kind."""

    source: str
    kind: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """A version in a line of descent with what it was trained on."""

    version: str
    snapshot: str | None
    origins: tuple[Origin, ...]


def versions_with(tx: Connection, example_ids: Iterable[str]) -> list[str]:
    """Versions trained on any of these examples, themselves or by an ancestor."""
    found: set[str] = set()
    for batch in batches(example_ids):
        found |= set(
            tx.scalars(
                select(version.c.id)
                .join(snapshot_row, snapshot_row.c.snapshot == version.c.snapshot)
                .where(snapshot_row.c.example.in_(batch))
                .distinct()
            )
        )
    # A child has a higher number than its parent: one pass upwards finds all heirs.
    age = version.c.role, version.c.number
    line = tx.execute(select(version.c.id, version.c.parent).order_by(*age)).all()
    for id_, parent in line:
        if parent in found:
            found.add(id_)
    return [id_ for id_, _ in line if id_ in found]


def lineage(tx: Connection, version_id: str) -> list[Ancestor]:
    """The version, its parent, and so on to the first, each with the origins of its rows."""
    line: list[Ancestor] = []
    current: str | None = version_id
    while current is not None:
        one = versions.get(tx, current)
        line.append(
            Ancestor(version=one.id, snapshot=one.snapshot, origins=origins(tx, one.snapshot))
        )
        current = one.parent
    return line


def kinds(tx: Connection, root: str) -> dict[str, int]:
    """How many rows of each kind a snapshot has; none where its rows were pruned."""
    counted = tx.execute(
        select(example.c.kind, func.count().label("rows"))
        .join(snapshot_row, snapshot_row.c.example == example.c.id)
        .where(snapshot_row.c.snapshot == root)
        .group_by(example.c.kind)
        .order_by(example.c.kind)
    )
    return {row.kind: row.rows for row in counted}


def origins(tx: Connection, root: str | None) -> tuple[Origin, ...]:
    """Where the rows of a snapshot came from."""
    by = example.c.source, example.c.kind
    counted = tx.execute(
        select(*by, func.count().label("rows"))
        .join(snapshot_row, snapshot_row.c.example == example.c.id)
        .where(snapshot_row.c.snapshot == root)
        .group_by(*by)
        .order_by(*by)
    )
    return tuple(Origin(**row._asdict()) for row in counted)
