"""Files that clients send: kept apart under the home, by what they contain and never by a name."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO, Self
from uuid import uuid4

from sqlalchemy import Connection, delete, func, insert, or_, select, tuple_

from sutdol.core.errors import BadInput, Corrupted, LimitReached, UnknownName
from sutdol.storage import files
from sutdol.storage.database import Database
from sutdol.storage.drafts import draft
from sutdol.storage.server_tables import upload as table
from sutdol.storage.wording import fitted, shortened, storable, visible

FOLDER, DRAFT = "uploads", "receiving"
LONGEST_NAME, LONGEST_SUFFIX = 255, 16
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of one user, as the client called it; the same content is kept once."""

    id: str
    user: str
    name: str
    purpose: str
    bytes: int
    digest: str
    created_at: datetime
    expires_at: datetime | None = None


class Receiving:
    """A file that is being sent: `take` its pieces, then `keep` it, or it is gone with the block.

    Only our own user may read what is here, and nothing looks into it before it is kept. What a
    killed process was receiving is swept out when the next file comes.
    """

    def __init__(
        self, path: Path, file: BinaryIO, held: ExitStack, *, most: int, in_all: int | None
    ) -> None:
        self.bytes, self._most, self._in_all, self._hashed = 0, most, in_all, sha256()
        self._path, self._file, self._held = path, file, held

    @classmethod
    def begin(cls, home: Path, *, most: int, in_all: int | None = None) -> Self:
        """Receive at most so many bytes, and keep at most `in_all` of one user.

        `NotReady` when the disk has no room for what may come.
        """
        room = home / FOLDER
        with files.clear_faults(room), ExitStack() as stack:
            _make_private(room)
            files.require_room(room, most, "a file may need")
            folder = stack.enter_context(draft(room, DRAFT))
            folder.chmod(0o700)
            file = stack.enter_context(open(folder / "content", "xb", opener=_private))
            path = folder / "content"
            return cls(path, file, stack.pop_all(), most=most, in_all=in_all)

    @property
    def digest(self) -> str:
        """SHA-256 of what came so far."""
        return self._hashed.hexdigest()

    def take(self, chunk: bytes) -> None:
        """The next piece, or `BadInput` when it is one too many."""
        self.bytes += len(chunk)
        if self.bytes > self._most:
            raise BadInput(f"The file is larger than {self._most:,} bytes: send a smaller one.")
        self._hashed.update(chunk)
        with files.clear_faults(self._path):
            self._file.write(chunk)

    def finish(self) -> None:
        """Make the content survive a power cut; done before a transaction, it holds nobody up."""
        if not self._file.closed:
            with files.clear_faults(self._path):
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()

    def keep(
        self,
        tx: Connection,
        *,
        user: str,
        name: str,
        purpose: str,
        now: datetime,
        expires_at: datetime | None = None,
    ) -> Upload:
        """Put the file in its place, and its row: nobody can delete the same content between.

        `LimitReached` when the user would keep too much.
        """
        self.finish()
        self._require_share(tx, user, now)
        made = Upload(
            id=f"file-{uuid4().hex[:24]}",
            user=user,
            name=clean_name(name),
            purpose=purpose,
            bytes=self.bytes,
            digest=self.digest,
            created_at=now,
            expires_at=expires_at,
        )
        target = path(self._path.parents[2], made)
        with files.clear_faults(target):
            _make_private(target.parent)
            self._path.replace(target)
            for folder in target.parents[:3]:  # each may be new, and then is an entry of the next
                files.sync(folder)
        tx.execute(insert(table).values(fitted(table, asdict(made))))
        self.drop()
        return made

    def _require_share(self, tx: Connection, user: str, now: datetime) -> None:
        if self._in_all is None:
            return
        living = or_(table.c.expires_at.is_(None), table.c.expires_at > now)
        kept = tx.scalar(select(func.sum(table.c.bytes)).where(table.c.user == user, living)) or 0
        if kept + self.bytes > self._in_all:
            raise LimitReached(
                f"Your files have {kept:,} bytes and this one {self.bytes:,}; {self._in_all:,} are"
                " yours in all: delete some first."
            )

    def drop(self) -> None:
        """Leave nothing of it but what was kept."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()


def all(
    tx: Connection,
    user: str,
    *,
    purpose: str | None = None,
    limit: int = 100,
    after: str | None = None,
    ascending: bool = False,
) -> list[Upload]:
    """A page of a user's files, newest first; `after` is the id of the last one before it."""
    wanted = [table.c.user == user]
    wanted += [table.c.purpose == storable(purpose)] if purpose is not None else []
    place = tuple_(table.c.created_at, table.c.id)
    if after is not None:
        last = get(tx, after, user)
        end = last.created_at, last.id
        wanted.append(place > end if ascending else place < end)
    order = [one.asc() if ascending else one.desc() for one in (table.c.created_at, table.c.id)]
    rows = tx.execute(select(table).where(*wanted).order_by(*order).limit(limit))
    return [Upload(**row._asdict()) for row in rows]


def get(tx: Connection, id_: str, user: str) -> Upload:
    """A file of this user; one of another user is as unknown as one that never was."""
    row = tx.execute(
        select(table).where(table.c.id == storable(id_), table.c.user == user)
    ).one_or_none()
    if row is None:
        raise UnknownName("file", id_, [])
    return Upload(**row._asdict())


def everyone(tx: Connection) -> Iterator[Upload]:
    """The files of all users."""
    return (Upload(**row._asdict()) for row in tx.execute(select(table).order_by(table.c.id)))


def path(home: Path, upload: Upload) -> Path:
    """Where the content lies: made of its digest alone."""
    if not _DIGEST.fullmatch(upload.digest):
        raise Corrupted(f"The row of {upload.id} names no content: restore a backup.")
    return home / FOLDER / upload.digest[:2] / upload.digest


def delete_one(tx: Connection, home: Path, id_: str, user: str) -> None:
    """Delete a user's file, and the content where nobody else sent the same."""
    found = get(tx, id_, user)
    tx.execute(delete(table).where(table.c.id == id_))
    _discard(tx, home, found)


def shut(home: Path) -> None:
    """Keep others out where files came from elsewhere, such as from a backup."""
    with files.clear_faults(home):
        if (home / FOLDER).is_dir():
            (home / FOLDER).chmod(0o700)


def sweep(db: Database, home: Path, now: datetime) -> int:
    """Delete files that have expired, each by itself; how many."""
    with db.read() as tx:
        rows = tx.execute(select(table).where(table.c.expires_at <= now)).all()
    for one in (Upload(**row._asdict()) for row in rows):
        with db.write() as tx:
            tx.execute(delete(table).where(table.c.id == one.id))
            _discard(tx, home, one)
    return len(rows)


def contents(home: Path) -> list[Path]:
    """All that lies there, whether a row names it or not: another database may."""
    found = (home / FOLDER).glob("[0-9a-f][0-9a-f]/*")
    return sorted(path for path in found if path.is_file())


def wrong(content: Path) -> str:
    """What is wrong with a content, which is called after what it should hold; mostly nothing."""
    try:
        with content.open("rb") as file:
            found = file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if found == content.name else "is not what was sent"


def clean_name(name: str) -> str:
    """What a client calls a file, to be shown to people: no path, nothing invisible, not too long.

    It names nothing on our disk.
    """
    last = visible(re.split(r"[/\\]", visible(name))[-1])
    if not last.strip(". "):
        return "file"
    stem, dot, suffix = last.rpartition(".")
    if not stem or len(suffix) > LONGEST_SUFFIX:
        return shortened(last, LONGEST_NAME)
    return shortened(stem, LONGEST_NAME - len(dot + suffix)) + dot + suffix


def _discard(tx: Connection, home: Path, upload: Upload) -> None:
    same = select(table.c.id).where(table.c.digest == upload.digest).limit(1)
    if tx.scalar(same) is None:
        _remove(path(home, upload))


def _remove(content: Path) -> None:
    with files.clear_faults(content):
        content.unlink(missing_ok=True)


def _make_private(folder: Path) -> None:
    files.make_folder(folder)
    folder.chmod(0o700)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
