"""Where flows are kept: a file beside the rows on SQLite, the schema `dbos` on PostgreSQL."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError

from sutdol.core.errors import Busy, NotReady

APP = "sutdol"
VERSION = "sutdol-flow-1"  # goes up when a plan changes so that running flows cannot go on
SCHEMA = "dbos"
MIGRATING = 0x5D7D02  # the advisory lock of who makes tables on PostgreSQL

_metadata = MetaData()
worker = Table(
    "sutdol_worker",
    _metadata,
    Column("id", String(64), primary_key=True),
    Column("beat_ms", BigInteger, nullable=False),
)
attempt = Table(
    "sutdol_attempt",
    _metadata,
    Column("flow", String(128), primary_key=True),
    Column("step", String(64), primary_key=True),
    Column("times", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The flow database: `home` holds it, unless `database_url` is a PostgreSQL one. A worker that
    writes no heartbeat there for `silence` seconds counts as dead.
    """

    database_url: str
    home: Path
    silence: float = 4.0

    @property
    def url(self) -> URL:
        given = make_url(self.database_url)
        if given.get_backend_name() != "sqlite":
            return given
        return URL.create("sqlite+pysqlite", database=str(self.home / "flows.db"))

    @property
    def is_file(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def exists(self) -> bool:
        """Whether a flow was ever kept here; on PostgreSQL this asks the database."""
        if self.is_file and not Path(str(self.url.database)).exists():
            return False
        engine = self.engine()
        try:
            # made last: where it is, another process is not in the middle of making the others
            return inspect(engine).has_table(attempt.name, schema=self._schema)
        finally:
            engine.dispose()

    def engine(self) -> Engine:
        """An engine whose transactions begin as writers do on SQLite.

        DBOS counts the running flows of a queue and then starts one: begun lazily, two processes
        count the same and a limit of 1 lets 2 run.
        """
        if not self.is_file:
            return create_engine(self.url, pool_pre_ping=True, pool_size=1, max_overflow=4)
        self.home.mkdir(parents=True, exist_ok=True)
        made = create_engine(self.url, connect_args={"timeout": 30, "isolation_level": None})
        event.listen(made, "connect", _set_up)
        event.listen(made, "begin", _begin)
        return made

    def migrate(self) -> None:
        """Make the tables, DBOS's and ours; processes that start at once wait for each other."""
        from dbos import DBOS

        with _alone(self):
            DBOS.migrate(self.url.render_as_string(hide_password=False), schema=SCHEMA)
            engine = self.engine()
            try:
                with engine.begin() as tx:
                    _metadata.create_all(tx.execution_options(**self._in_schema()))
            finally:
                engine.dispose()

    @contextmanager
    def clear_faults(self) -> Iterator[None]:
        """Within the block, faults of the flow database become errors for the user."""
        where = self.url.set(query={}).render_as_string(hide_password=True)
        try:
            yield
        except (DBAPIError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            if str(getattr(cause, "sqlite_errorname", "")).startswith("SQLITE_BUSY"):
                said = f"Another process keeps the flows in {where} busy: try again."
                raise Busy(said) from error
            why = str(cause).partition("\n")[0]
            way = "move it away, or restore a backup" if self.is_file else "look after the server"
            raise NotReady(f"The flows in {where} cannot be used ({why}): {way}.") from error

    @contextmanager
    def begin(self, engine: Engine) -> Iterator[Connection]:
        """A transaction in which our own tables are found."""
        with engine.begin() as tx:
            yield tx.execution_options(**self._in_schema())

    @property
    def _schema(self) -> str | None:
        return None if self.is_file else SCHEMA

    def _in_schema(self) -> dict[str, object]:
        return {"schema_translate_map": {None: self._schema}}


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    if not place.is_file:
        engine = place.engine()
        # No transaction, nor a statement that waits for the lock, stays open meanwhile: DBOS builds
        # indexes that wait for those to end.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
            while not tx.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATING}):
                sleep(0.05)
            try:
                yield
            finally:
                tx.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATING})
        engine.dispose()
        return
    import fcntl

    place.home.mkdir(parents=True, exist_ok=True)
    with (place.home / "flows.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    for pragma in ("busy_timeout=30000", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA journal_mode=WAL")


def _begin(tx: Connection) -> None:
    tx.exec_driver_sql("BEGIN IMMEDIATE")


def quieten(level: str) -> None:
    """Let DBOS say only what is wrong, and nothing of its own products.

    A level set before stays: a worker's desk must not silence the worker.
    """
    logger = logging.getLogger("dbos")
    if logger.level == logging.NOTSET:
        logger.addHandler(logging.StreamHandler())
        logger.addFilter(_is_news)
        logger.setLevel(level)
        logger.propagate = False


def _is_news(record: logging.LogRecord) -> bool:
    """A step that is broken off because its flow was cancelled is no error."""
    return not record.getMessage().startswith("Asyncio task cancelled")
