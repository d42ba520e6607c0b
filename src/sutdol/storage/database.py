"""Open the database, migrated, with one writer per process and readers that never wait for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, get_ident

from sqlalchemy import URL, Connection

from sutdol.core.errors import Busy
from sutdol.storage import engines, files, migrations
from sutdol.storage.faults import clear_faults


class Database:
    """`with db.write() as tx:` commits as a whole or not at all; `with db.read() as tx:` never
    writes and sees one moment in time.
    """

    def __init__(self, url: URL, *, wait: float) -> None:
        self.where = _place(url)
        self._wait, self._lock = wait, Lock()
        self._owner: int | None = None
        self._writer = engines.engine(url, wait, writes=True)
        self._reader = engines.engine(url, wait, writes=False)

    @classmethod
    def open(cls, url: str, home: Path, *, wait: float = 30.0) -> "Database":
        """Create home and tables where missing; `wait` seconds for other writers at most."""
        database = cls.prepare(url, home, wait=wait)
        try:
            database.migrate()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def prepare(cls, url: str, home: Path, *, wait: float = 30.0) -> "Database":
        """Create home where missing, and leave the tables as they are."""
        files.make_folder(home)
        parsed = engines.parsed(url)
        if engines.is_file(parsed):
            files.make_folder(Path(str(parsed.database)).parent)
        return cls(parsed, wait=wait)

    @classmethod
    def found(cls, url: str, *, wait: float = 30.0) -> "Database":
        """A database that is there already: nothing is created, and no table changed."""
        parsed = engines.parsed(url)
        engines.require_file(parsed)
        return cls(parsed, wait=wait)

    def migrate(self, to: str | None = None) -> str | None:
        """Go to a revision, else to the newest; the revision that it was at."""
        to = to or migrations.revisions()[-1]
        # Asking first spares the usual start a wait for another process's writing.
        before = self.revision()
        if before != to:
            with self._turn(), clear_faults(self.where), engines.rebuilding(self._writer) as tx:
                migrations.move(tx, self.where, to)
        return before

    def revision(self) -> str | None:
        """The revision of the tables; None where there are none of ours."""
        with self.read() as tx:
            return migrations.revision(tx, self.where)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._turn(), clear_faults(self.where), self._writer.begin() as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with clear_faults(self.where), self._reader.begin() as tx:
            yield tx

    def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let the threads of this process write one after another."""
        if self._owner == get_ident():
            raise RuntimeError("write() inside write(): pass the open transaction on instead.")
        if not self._lock.acquire(timeout=self._wait):
            raise Busy(f"Another task of this process is writing to {self.where}: try again.")
        self._owner = get_ident()
        try:
            yield
        finally:
            self._owner = None
            self._lock.release()


def _place(url: URL) -> str:
    """Where the rows live, in words that may be shown."""
    if engines.is_file(url):
        return str(url.database)
    return url.set(query={}).render_as_string(hide_password=True)
