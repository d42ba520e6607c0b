"""Give back the room of models and snapshots that nothing needs; who came from what stays known."""

import fcntl
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, ScalarSelect, delete, func, select

from sutdol.core.errors import NotReady
from sutdol.storage import audit, files, promotions, versions
from sutdol.storage.audit import Event
from sutdol.storage.batches import batches
from sutdol.storage.faults import disk_fault
from sutdol.storage.tables import audit as audit_table
from sutdol.storage.tables import battle, snapshot, snapshot_row, verdict, version
from sutdol.storage.versions import Version

ACTION = "prune"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A snapshot that no version, verdict or unfinished battle refers to, and its rows."""

    hash: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste:
    """What may go."""

    models: tuple[Version, ...]
    snapshots: tuple[Unused, ...]


def waste(tx: Connection, home: Path, role: str, *, newest: int, before: datetime) -> Waste:
    """Models that no way forward or back needs, and unused snapshots taken before then.

    Kept are the versions with an alias, the `newest`, and all that were ever champion: each of
    those can be rolled back to, one step after the other, and the first is the gate's anchor.
    """
    crowned = {one.to_version for one in promotions.all(tx, role)}
    recent = {one.id for one in versions.all(tx, role)[-newest:]}
    kept = crowned | recent | set(versions.aliases(tx, role).values())
    return Waste(
        models=tuple(_models(tx, home, role, kept)),
        snapshots=tuple(_snapshots(tx, role, before)),
    )


def pruned(tx: Connection) -> set[str]:
    """The versions whose model files were deleted on purpose.

    A model that was trained again has its files back: they are kept by their content.
    """
    marked = select(version.c.id).join(audit_table, audit_table.c.subject == version.c.id)
    return set(tx.scalars(marked.where(audit_table.c.action == ACTION)))


def require_kept(tx: Connection, one: Version) -> None:
    """Refuse a version whose model was pruned, and say what to do."""
    if one.id in pruned(tx):
        raise NotReady(
            f"The model of {one.id} was pruned: train it again, or restore a backup that has it."
        )


def record(tx: Connection, found: Waste, *, actor: str, now: datetime) -> None:
    """Say in the log what goes; commit before any file does, so that none is missed in vain."""
    bodies: dict[str, dict[str, object]] = {
        one.id: {"path": one.path, "checksum": one.checksum} for one in found.models
    }
    bodies |= {one.hash: {"rows": one.rows} for one in found.snapshots}
    for subject, body in bodies.items():
        event = Event(actor=actor, action=ACTION, subject=subject, body=body, created_at=now)
        audit.add(tx, event)


def drop(tx: Connection, unused: Iterable[Unused]) -> None:
    """Delete the rows of snapshots; the same texts taken again are frozen anew."""
    for batch in batches(one.hash for one in unused):
        tx.execute(delete(snapshot_row).where(snapshot_row.c.snapshot.in_(batch)))
        # a done battle still names its texts by their hash
        named = select(battle.c.id).where(battle.c.texts == snapshot.c.hash).exists()
        tx.execute(delete(snapshot).where(snapshot.c.hash.in_(batch), ~named))


def size(folder: Path) -> int:
    """Bytes in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def discard(home: Path, paths: Iterable[str]) -> None:
    """Delete model folders; each is whole or gone, whenever the process dies."""
    try:
        for path in paths:
            draft = home / "models" / f"{files.DRAFT}{uuid4().hex}"
            (home / path).rename(draft)
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise disk_fault(error, home / "models") from error


def sweep(home: Path, role: str) -> int:
    """Delete what killed processes left half written, where nobody writes; how many there were.

    The caller holds the role's turn, so nobody writes its reports.
    """
    left = list(home.glob(f"reports/{role}-*/{files.DRAFT}*"))
    for path in left:
        path.unlink(missing_ok=True)
    return len(left) + _sweep_room(home / "models")


def _sweep_room(room: Path) -> int:
    """The drafts in a room of folders, if no `files.shelve` is at work in it."""
    if not room.is_dir():
        return 0
    handle = os.open(room, os.O_RDONLY)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left = list(room.glob(f"{files.DRAFT}*"))
            for path in left:
                shutil.rmtree(path, ignore_errors=True)
            return len(left)
        return 0
    finally:
        os.close(handle)


def _models(tx: Connection, home: Path, role: str, kept: set[str]) -> list[Version]:
    """Versions that are not kept, with a folder that no kept one and no other role shares."""
    known = tx.execute(select(version.c.id, version.c.path, version.c.role))
    needed = {path for id_, path, owner in known if owner != role or id_ in kept}
    return [
        one
        for one in versions.all(tx, role)
        if one.path not in needed and (home / one.path).is_dir()
    ]


def _snapshots(tx: Connection, role: str, before: datetime) -> list[Unused]:
    unfinished = select(battle.c.texts).where(battle.c.state != "done")
    rows = _rows()
    unused = (
        select(snapshot.c.hash, rows.label("rows"))
        .where(snapshot.c.role == role, snapshot.c.created_at < before, rows > 0)
        .where(~select(version.c.id).where(version.c.snapshot == snapshot.c.hash).exists())
        .where(~select(verdict.c.id).where(verdict.c.snapshot == snapshot.c.hash).exists())
        .where(~unfinished.where(battle.c.texts == snapshot.c.hash).exists())
        .order_by(snapshot.c.hash)
    )
    return [Unused(**row._asdict()) for row in tx.execute(unused)]


def _rows() -> ScalarSelect[int]:
    counted = select(func.count()).select_from(snapshot_row)
    return counted.where(snapshot_row.c.snapshot == snapshot.c.hash).scalar_subquery()
