"""Snapshots: frozen sets of examples under one root hash."""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from sutdol.core.errors import UnknownName, UsageError
from sutdol.storage import examples, files
from sutdol.storage.batches import batches
from sutdol.storage.examples import StoredExample
from sutdol.storage.tables import example, snapshot, snapshot_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`rows` counts forgotten examples too: a snapshot never changes."""

    hash: str
    role: str
    rows: int
    manifest: Mapping[str, object]
    created_at: datetime


def put(
    tx: Connection, role: str, ids: Iterable[str], manifest: Mapping[str, object], now: datetime
) -> str:
    """Freeze the examples `ids`; the same set has the same root hash and is kept once.

    One whose rows were pruned is frozen anew.
    """
    wanted = sorted(set(ids))
    if not wanted:
        raise UsageError(f"A {role} snapshot needs at least one row.")
    root = sha256("\n".join(wanted).encode()).hexdigest()
    known = tx.scalar(select(snapshot.c.hash).where(snapshot.c.hash == root))
    if known and tx.scalar(
        select(snapshot_row.c.example).where(snapshot_row.c.snapshot == root).limit(1)
    ):
        return root
    _require_living(tx, role, wanted)
    if not known:
        row = {"hash": root, "role": role, "rows": len(wanted), "manifest": dict(manifest)}
        tx.execute(insert(snapshot), row | {"created_at": now})
    for batch in batches(wanted):
        tx.execute(insert(snapshot_row), [{"snapshot": root, "example": id_} for id_ in batch])
    return root


def get(tx: Connection, root: str) -> Snapshot:
    row = tx.execute(select(snapshot).where(snapshot.c.hash == root)).one_or_none()
    if row is None:
        raise UnknownName("snapshot", root, tx.scalars(select(snapshot.c.hash).limit(5)))
    return Snapshot(**row._asdict())


def rows(tx: Connection, root: str) -> list[StoredExample]:
    """The living examples of a snapshot in the order of their hashes."""
    get(tx, root)
    chosen = (
        select(example)
        .join(snapshot_row, snapshot_row.c.example == example.c.id)
        .where(snapshot_row.c.snapshot == root, example.c.forgotten_at.is_(None))
        .order_by(example.c.id)
    )
    return [examples.stored(row) for row in tx.execute(chosen)]


def ids(tx: Connection, root: str) -> list[str]:
    """The id of every row, forgotten ones too, in order."""
    chosen = select(snapshot_row.c.example).where(snapshot_row.c.snapshot == root)
    return list(tx.scalars(chosen.order_by(snapshot_row.c.example)))


def export(tx: Connection, root: str, folder: Path) -> Path:
    """Write `<root>.jsonl.gz`, byte for byte the same each time; forgotten rows keep their id."""
    living = {one.id: one for one in rows(tx, root)}
    ids = tx.scalars(
        select(snapshot_row.c.example)
        .where(snapshot_row.c.snapshot == root)
        .order_by(snapshot_row.c.example)
    )
    packed = BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as archive:
        for id_ in ids:
            archive.write(_line(id_, living.get(id_)))
    path = folder / f"{root}.jsonl.gz"
    files.write(path, packed.getvalue())
    return path


def _require_living(tx: Connection, role: str, ids: list[str]) -> None:
    living = 0
    for batch in batches(ids):
        usable = example.c.id.in_(batch), example.c.role == role, example.c.forgotten_at.is_(None)
        living += tx.scalar(select(func.count()).where(*usable)) or 0
    if living != len(ids):
        raise UsageError(
            f"{len(ids) - living} of the {len(ids)} {role} rows for a snapshot are unknown "
            "or forgotten; collect them again."
        )


def _line(id_: str, one: StoredExample | None) -> bytes:
    content: dict[str, object] = {"id": id_, "forgotten": one is None}
    if one is not None:
        content |= {
            "input": one.input,
            "target": one.target,
            "lang": one.lang,
            "source": one.source,
            "group": one.group,
            "part": one.part,
            "kind": one.kind,
            "reviewed": one.reviewed,
            "meta": one.meta,
        }
    return (json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n").encode()
