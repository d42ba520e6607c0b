"""Write everything into one file while others go on working: whole or not at all."""

import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from gzip import GzipFile
from hashlib import file_digest, sha256
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import URL, NullPool, create_engine

from sutdol import __version__
from sutdol.core.errors import Busy, NotReady
from sutdol.storage import engines, files, migrations, uploads
from sutdol.storage.archive import DATABASE, FLOWS, MANIFEST, Manifest, Packed, Progress
from sutdol.storage.copy import copy
from sutdol.storage.database import Database
from sutdol.storage.drafts import draft
from sutdol.storage.faults import clear_faults, disk_fault
from sutdol.storage.inventory import inventory, rows

ATTEMPTS = 5
LEVEL = 1  # of gzip: models hardly shrink, and 6 saves 2 % more in twice the time
BLOCK = 1 << 20


class _Moved(Exception):
    """A file went or changed while it was read."""


def backup(
    url: str, home: Path, to: Path, *, now: datetime, progress: Progress = lambda *_: None
) -> Manifest:
    """Write databases, models and reports to `to`; what was lost before, the manifest names.

    Rows first, then the files that they rely on: those are written before any row refers to them.
    Where a prune was quicker, all is taken again. Uploads go whenever a user or their time says so:
    they are held before.
    """
    missing: tuple[str, ...] = ()
    for _ in range(ATTEMPTS):
        with Database.found(url) as source, draft(home, "backing-up") as room, suppress(_Moved):
            _hold(home, room, (path.relative_to(home) for path in uploads.contents(home)))
            _copy_databases(source, engines.parsed(url), home, room)
            made, places = _described(home, room, now)
            if made.missing in ((), missing):  # what is gone twice was not pruned meanwhile
                _write(to, made, places, progress)
                return made
            missing = made.missing
    raise Busy("Models come and go too fast for a backup: try again.")


def sqlite_url(path: Path) -> URL:
    """The URL of a SQLite file, whatever its path is made of."""
    return URL.create("sqlite+pysqlite", database=str(path))


def _copy_databases(source: Database, url: URL, home: Path, room: Path) -> None:
    """Flows before rows: a step that is only in the rows is found done when it is run again."""
    if not engines.is_file(url):
        with Database(sqlite_url(room / DATABASE), wait=0.0) as target:
            target.migrate()
            copy(source, target, lambda *_: None)
        return
    if (home / FLOWS).is_file():
        _copy_file(home / FLOWS, room / FLOWS)
    _copy_file(Path(str(url.database)), room / DATABASE)


def _copy_file(source: Path, target: Path) -> None:
    """One moment of a SQLite file, without what was deleted from it; nobody waits for this."""
    options = {"timeout": 30.0, "isolation_level": None}
    engine = create_engine(sqlite_url(source), connect_args=options, poolclass=NullPool)
    with clear_faults(str(source)), engine.connect() as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(target),))


def _hold(home: Path, room: Path, paths: Iterable[Path]) -> None:
    """Keep uploads in the room, whoever deletes them meanwhile: by a link, or by a copy."""
    with files.clear_faults(room):
        (room / uploads.FOLDER).mkdir(mode=0o700, exist_ok=True)
        for path in paths:
            if not (room / path).exists():
                (room / path).parent.mkdir(exist_ok=True)
                with suppress(FileNotFoundError):
                    _link(home / path, room / path)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, target)


def _described(home: Path, room: Path, now: datetime) -> tuple[Manifest, dict[str, Path]]:
    """The manifest, and where each file of it lies."""
    with Database(sqlite_url(room / DATABASE), wait=0.0) as copied, copied.read() as tx:
        revision = migrations.revision(tx, copied.where)
        if revision is None:
            raise NotReady("There is nothing to back up: the database holds no tables of Sutdol.")
        needed, counted = inventory(tx), rows(tx)
    places = {name: room / name for name in (DATABASE, FLOWS) if (room / name).exists()}
    sent = sorted(set(needed.uploads.values()))
    _hold(home, room, sent)
    missing = tuple(needed.missing(home, held=room))
    for folder in needed.folders():
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and not path.name.startswith(files.DRAFT):
                places[path.relative_to(home).as_posix()] = path
    places |= {path.as_posix(): room / path for path in sent if (room / path).is_file()}
    made = Manifest(
        sutdol=__version__,
        revision=revision,
        created_at=now,
        rows=counted,
        files={name: _packed(path) for name, path in places.items()},
        missing=missing,
    )
    return made, places


def _packed(path: Path) -> Packed:
    with _reading(path) as file:
        digest = file_digest(file, "sha256").hexdigest()
        return Packed(size=file.tell(), sha256=digest)


def _write(to: Path, made: Manifest, places: Mapping[str, Path], progress: Progress) -> None:
    try:
        with (
            files.replacing(to) as raw,
            GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
            tarfile.TarFile(fileobj=packed, mode="w", copybufsize=BLOCK) as tar,
        ):
            head = made.bytes()
            tar.addfile(_member(MANIFEST, len(head), made), BytesIO(head))
            done = 0
            for name, path in places.items():
                progress(done, made.size)
                done += _add(tar, name, path, made)
            progress(done, made.size)
    except OSError as error:
        raise disk_fault(error, to) from error


def _add(tar: tarfile.TarFile, name: str, path: Path, made: Manifest) -> int:
    """Put in what the manifest promises, and its bytes; `_Moved` when it is that no more."""
    expected = made.files[name]
    with _reading(path) as file:
        watched = _Watched(file)
        tar.addfile(_member(name, expected.size, made), watched)
    if watched.hashed.hexdigest() != expected.sha256:
        raise _Moved
    return expected.size


class _Watched(BytesIO):
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file, self.hashed = file, sha256()

    def read(self, size: int | None = -1, /) -> bytes:
        content = self._file.read(size or 0)
        if len(content) < (size or 0):
            raise _Moved  # it is shorter than it was
        self.hashed.update(content)
        return content


def _member(name: str, size: int, made: Manifest) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = size, int(made.created_at.timestamp())
    return member


@contextmanager
def _reading(path: Path) -> Iterator[BufferedReader]:
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise _Moved from None
    except OSError as error:
        raise disk_fault(error, path) from error
    with file:
        yield file
