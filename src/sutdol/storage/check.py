"""Look for damage: tables, keys that point nowhere, model folders, reports and uploads."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from sqlalchemy import Column, Connection, exists, func, select

from sutdol.core.errors import Corrupted
from sutdol.storage import files, migrations, prune, uploads
from sutdol.storage.database import Database
from sutdol.storage.tables import metadata, verdict, version

SHOWN = 5  # of what no row names


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "broken"]
    text: str


def check(db: Database, home: Path) -> list[Finding]:
    """All that can be told without a model; what is broken says what to do."""
    found: list[Finding] = []
    try:
        with db.read() as tx:
            found += [*_engine(tx, db.where), *_revision(tx, db.where)]
            if any(one.state == "broken" for one in found):
                return found
            found += [*_keys(tx), *_models(tx, home), *_reports(tx, home)]
        return [*found, *_uploads(db, home), *_unnamed(db, home)]
    except Corrupted as error:
        return [*found, _broken("database", str(error))]


def _engine(tx: Connection, where: str) -> Iterator[Finding]:
    if tx.dialect.name != "sqlite":
        server = tx.exec_driver_sql("SHOW server_version").scalar()
        if tx.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
            yield _broken("database", f"{where} is a standby: name the primary server.")
        else:
            yield _ok("database", f"PostgreSQL {server} answers at {where}")
        return
    damage = tx.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    if damage == ["ok"]:
        yield _ok("database", f"{where} is whole")
    for line in damage if damage != ["ok"] else ():
        yield _broken("database", f"{where}: {' '.join(line.split())}; restore a backup.")


def _revision(tx: Connection, where: str) -> Iterator[Finding]:
    current, newest = migrations.revision(tx, where), migrations.revisions()[-1]
    if current == newest:
        yield _ok("revision", f"{current}, the newest")
    else:
        yield _broken("revision", f"{current or 'none'} and not {newest}: run `sutdol db upgrade`.")


def _keys(tx: Connection) -> Iterator[Finding]:
    """On PostgreSQL too: a restore can load rows that no constraint has looked at."""
    pairs = [
        (column, key.column)
        for table in metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
    ]
    whole = 0
    for column, key in pairs:
        lost = _lost(tx, column, key)
        whole += not lost
        if lost:
            what = f"{lost} rows of {column} point to no {key.table.name}"
            yield _broken("foreign keys", f"{what}: restore a backup.")
    if whole == len(pairs):
        yield _ok("foreign keys", f"all {whole} hold")


def _lost(tx: Connection, column: Column[object], key: Column[object]) -> int:
    there = key.table.alias()
    dangling = ~exists().where(there.c[key.name] == column)
    counted = select(func.count()).select_from(column.table)
    return tx.scalar(counted.where(column.is_not(None), dangling)) or 0


def _models(tx: Connection, home: Path) -> Iterator[Finding]:
    gone, whole = prune.pruned(tx), 0
    fleet = select(version.c.id, version.c.path, version.c.checksum)
    for id_, path, checksum in tx.execute(fleet.order_by(version.c.role, version.c.number)).all():
        if id_ in gone and not (home / path).exists():
            continue
        try:
            files.verify(home / path, checksum)
        except Corrupted as error:
            yield _broken(f"model {id_}", str(error))
        else:
            whole += 1
    yield _ok("models", f"{whole} are what was written, {len(gone)} were pruned")


def _reports(tx: Connection, home: Path) -> Iterator[Finding]:
    whole = 0
    for id_, body in tx.execute(select(verdict.c.id, verdict.c.body).order_by(verdict.c.id)).all():
        path = home / "reports" / id_ / "report.json.gz"
        wrong = _wrong(path, str(body.get("scores")))
        whole += not wrong
        if wrong:
            yield _broken(f"report {id_}", f"{path} {wrong}; restore a backup.")
    yield _ok("reports", f"{whole} hold the scores that were judged")


def _wrong(path: Path, expected: str) -> str:
    """What is wrong with a report; the verdict's row keeps the hash of its rows and scores."""
    try:
        evidence = json.loads(gzip.decompress(path.read_bytes()))["evidence"]
    except FileNotFoundError:
        return "is gone"
    except (OSError, EOFError, LookupError, TypeError, ValueError, zlib.error) as error:
        return f"cannot be read: {error}"
    found = sha256(json.dumps(evidence, sort_keys=True).encode()).hexdigest()
    return "" if found == expected else "holds other scores than were judged"


def _uploads(db: Database, home: Path) -> Iterator[Finding]:
    """What its user deleted while we looked is not lost."""
    with db.read() as tx:
        known = list(uploads.everyone(tx))
    wrong = {one.id: uploads.wrong(uploads.path(home, one)) for one in known}
    with db.read() as tx:
        left = {one.id for one in uploads.everyone(tx)}
    broken = {id_: why for id_, why in wrong.items() if why and id_ in left}
    for one in known:
        if one.id in broken:
            path = uploads.path(home, one)
            yield _broken(f"file {one.id}", f"{path} {broken[one.id]}; restore a backup.")
    yield _ok("uploads", f"{len(known) - len(broken)} hold what was sent")


def _unnamed(db: Database, home: Path) -> Iterator[Finding]:
    """Contents without a row: of a broken off upload, or of another database."""
    there = uploads.contents(home)
    with db.read() as tx:
        named = {one.digest for one in uploads.everyone(tx)}
    left = [path for path in there if path.name not in named]
    if left:
        size = sum(path.stat().st_size for path in left if path.exists())
        names = [path.relative_to(home).as_posix() for path in left[:SHOWN]]
        more = ["…"] * (len(left) > SHOWN)
        yield _ok(
            "unnamed uploads",
            f"{len(left)} files ({size:,} bytes) that no row of this database names; if it is the"
            f" right one, delete them by hand: {', '.join(names + more)}",
        )


def _ok(name: str, text: str) -> Finding:
    return Finding(name=name, state="ok", text=text)


def _broken(name: str, text: str) -> Finding:
    return Finding(name=name, state="broken", text=text)
