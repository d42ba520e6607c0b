"""Put a backup in place: proven first, then in one step, and nothing that was there is lost."""

import ctypes
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from sqlalchemy import URL, delete

from sutdol.core.errors import Busy, Corrupted, NotReady, Refused
from sutdol.storage import audit, engines, sessions, turns, uploads
from sutdol.storage.archive import DATABASE, FLOWS, Manifest, Progress
from sutdol.storage.audit import Event
from sutdol.storage.backup import sqlite_url
from sutdol.storage.copy import copy
from sutdol.storage.database import Database
from sutdol.storage.drafts import draft
from sutdol.storage.faults import disk_fault
from sutdol.storage.inventory import inventory
from sutdol.storage.tables import turn
from sutdol.storage.unpack import unpack

DRAFT = "restoring"
HERE, EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored, where the old home went, and whether flows came along."""

    manifest: Manifest
    aside: Path | None
    flows: bool


def restore(
    archive: Path,
    url: str,
    home: Path,
    *,
    now: datetime,
    force: bool = False,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Unpack and prove a backup beside `home`, then let it take its place.

    With `force` a home that is not empty goes to `<home>.before-restore-<n>` in the same step.
    Rows that live elsewhere, such as in PostgreSQL, are copied there just before.
    """
    home, target = home.resolve(), engines.parsed(url)
    aside = _aside(home, force=force)
    with draft(home if os.path.ismount(home) else home.parent, DRAFT) as room:
        fresh = room / "home"
        fresh.mkdir()
        made = unpack(archive, fresh, progress)
        uploads.shut(fresh)
        if not engines.is_file(target):
            (fresh / FLOWS).unlink(missing_ok=True)  # there they live in the database
        flows = (fresh / FLOWS).exists()
        _prove(fresh, made, archive)
        _put_on_record(fresh, made, now, flows=flows)
        if not engines.is_file(target) or _resolved(target) != home / DATABASE:
            _fill(target, fresh)
            (fresh / DATABASE).unlink()
        os.sync()  # a power cut must not undo what is said to be done
        _place(fresh, home, aside)
        os.sync()
    return Restored(manifest=made, aside=aside, flows=flows)


def _aside(home: Path, *, force: bool) -> Path | None:
    """Where the old home will go; None where there is none."""
    if home.exists() and not home.is_dir():
        raise NotReady(f"Cannot create {home}: a file stands in its way. Choose another home.")
    if not home.exists() or not _content(home):
        return None
    if not force:
        raise Refused(
            f"{home} is not empty: restore into a new home, or give --force to move this one aside."
        )
    if os.path.ismount(home):
        raise NotReady(
            f"{home} is a mount point and cannot be moved aside: empty it, or set SUTDOL_HOME to a"
            " folder in it."
        )
    for name in (DATABASE, FLOWS):
        _require_unused(home / name)
    numbered = (home.with_name(f"{home.name}.before-restore-{n}") for n in count(1))
    return next(path for path in numbered if not path.exists())


def _content(home: Path) -> list[Path]:
    """What lies in a home, but for what a disk of its own or another restore puts there."""
    ours = ("lost+found", f".{DRAFT}-")
    return [path for path in home.iterdir() if not path.name.startswith(ours)]


def _require_unused(database: Path) -> None:
    """Refuse while a process has it open: it would go on writing to the old home."""
    if not database.is_file():
        return
    with closing(sqlite3.connect(database, timeout=0.0)) as file:
        try:
            file.execute("PRAGMA journal_mode=DELETE")  # only who is alone with it may
        except sqlite3.DatabaseError as error:  # damage is what a restore is for
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                raise Busy(f"Another process has {database} open: stop it, then restore.") from None


def _prove(fresh: Path, made: Manifest, archive: Path) -> None:
    """Bring the rows to this release, and find every file that they rely on."""
    with _rows_of(fresh) as db:
        db.migrate()
        with db.read() as tx:
            lost = [one for one in inventory(tx).missing(fresh) if one not in made.missing]
    if lost:
        raise Corrupted(f"{archive} lacks the {lost[0]}: take another backup.")


def _put_on_record(fresh: Path, made: Manifest, now: datetime, *, flows: bool) -> None:
    """Looks that were charged since are charged no more: the log must say why.

    Sessions that were closed since, such as by a new password, must not come back.
    """
    body = {"taken": made.created_at.isoformat(), "sutdol": made.sutdol}
    event = Event(actor="local", action="restore", subject="home", body=body, created_at=now)
    with _rows_of(fresh) as db, db.write() as tx:
        audit.add(tx, event)
        sessions.close_everybodys(tx)
        # who worked then does so no more, but for flows that come along
        tx.execute(delete(turn).where(turn.c.flow.startswith(turns.HERE if flows else "")))


def _rows_of(home: Path) -> Database:
    return Database(sqlite_url(home / DATABASE), wait=1.0)


def _resolved(target: URL) -> Path:
    return Path(str(target.database)).resolve()


def _fill(target: URL, fresh: Path) -> None:
    """Copy the rows to where they live, all or none; what is not empty is refused."""
    with _rows_of(fresh) as old, Database(target, wait=30.0) as new:
        new.migrate()
        copy(old, new, lambda *_: None)


def _place(fresh: Path, home: Path, aside: Path | None) -> None:
    """Let `fresh` become the home; killed at any moment, the old home is there or the new one."""
    try:
        if home.exists():
            shutil.copymode(home, fresh)
        if aside is not None:
            _swap(fresh, home, aside)
        elif os.path.ismount(home):
            _move_in(fresh, home)
        else:
            fresh.replace(home)
    except OSError as error:
        raise disk_fault(error, home) from error


def _swap(fresh: Path, home: Path, aside: Path) -> None:
    fresh.rename(aside)
    if _exchanged(aside, home):
        return
    aside.rename(fresh)  # this file system cannot: two steps, and a kill between leaves no home,
    home.rename(aside)  # but the old one where it is said to be
    fresh.rename(home)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step, where system and file system can do that."""
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE
    return exchange is not None and exchange(*names) == 0


def _move_in(fresh: Path, home: Path) -> None:
    """A mount point cannot be replaced; until its database is there, it is no home of anybody."""
    for path in sorted(fresh.iterdir(), key=lambda path: path.name == DATABASE):
        path.rename(home / path.name)
