"""How connections are made: what each database is told first, and the rule of one writer."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from sutdol.core.errors import Corrupted, NotReady, UsageError

if TYPE_CHECKING:
    import psycopg

READER = ("PRAGMA foreign_keys=ON", "PRAGMA query_only=ON")
WRITER = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what `forget` erases must not linger in free pages
)
POSTGRES_READER = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
WRITERS = 0x5D7D01
"""PostgreSQL's advisory lock, one of each database, that gives us SQLite's rule: one writer.

Kept although PostgreSQL can do with less: numbers of versions, positions of looks and the move of
the champion are read and then written, and are right because nobody writes between. Without it
each would need a lock of its own, or transactions that fail and are tried again.
"""
LOST = "tcp_keepalives_idle=30", "tcp_keepalives_interval=10", "tcp_keepalives_count=3"
"""A machine that is cut off gives up the write lock in a minute and not in two hours."""
CONNECT = {"connect_timeout": 10, "fallback_application_name": "sutdol", "client_encoding": "utf8"}


def parsed(url: str) -> URL:
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError("Setting database_url is no database URL.") from None
    if found.get_backend_name() == "sqlite" and not is_file(found):
        raise UsageError("Setting database_url names no file; write sqlite:///path/to/file.db.")
    return found


def is_file(url: URL) -> bool:
    if url.get_backend_name() != "sqlite":
        return False
    return url.database not in (None, "", ":memory:") and url.query.get("mode") != "memory"


def require_file(url: URL) -> None:
    """Refuse a file that is not there: to connect to it would make it."""
    if is_file(url) and not Path(str(url.database)).is_file():
        raise NotReady(f"There is no database at {url.database}: correct the URL or the home.")


def engine(url: URL, wait: float, *, writes: bool) -> Engine:
    options: dict[str, object] = {"json_serializer": _json}
    if writes:
        options |= {"pool_size": 1, "max_overflow": 0}
    if is_file(url):
        options["connect_args"] = {"timeout": wait, "isolation_level": None}
    else:
        given = {name: value for name, value in CONNECT.items() if name not in url.query}
        # A server may have been started anew since the connection was used last.
        options |= {"connect_args": given, "pool_pre_ping": True}
        options |= {} if writes else {"execution_options": POSTGRES_READER}
    try:
        made = create_engine(url, **options)
    except ModuleNotFoundError as error:
        what = f"A {url.get_backend_name()} database needs a package"
        raise NotReady(f"{what}: pip install '{error.name}[binary]'") from error
    if is_file(url):
        _set_up_sqlite(made, wait, writes=writes)
    else:
        _set_up_postgresql(made, wait, writes=writes)
    return made


@contextmanager
def rebuilding(engine: Engine) -> Iterator[Connection]:
    """A write transaction for migrations, in which a table that others point to can be replaced.

    SQLite refuses that while it watches foreign keys, so they are looked at when all is done.
    """
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        raw = connection.connection
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                _require_whole(connection)
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def _require_whole(tx: Connection) -> None:
    broken = tx.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise Corrupted(
            f"Rows of the table {broken[0]} point to rows of {broken[2]} that are gone: "
            "restore a backup."
        )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)


def _set_up_postgresql(engine: Engine, wait: float, *, writes: bool) -> None:
    # 0 would mean to wait for ever
    settings = (*LOST, f"lock_timeout={max(1, int(1000 * wait))}")

    def connected(connection: "psycopg.Connection[object]", _: object) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise NotReady(
                f"The database is encoded in {encoding}, which cannot hold every text: create it "
                "with ENCODING 'UTF8' TEMPLATE template0."
            )
        connection.execute("; ".join(f"SET {setting}" for setting in settings).encode())
        connection.commit()

    def begins(tx: Connection) -> None:
        tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")

    event.listen(engine, "connect", connected)
    if writes:
        event.listen(engine, "begin", begins)


def _set_up_sqlite(engine: Engine, wait: float, *, writes: bool) -> None:
    def connected(connection: sqlite3.Connection, _: object) -> None:
        if writes:
            _switch_to_wal(connection, wait)
        for pragma in WRITER if writes else READER:
            connection.execute(pragma)

    def begins(tx: Connection) -> None:
        # A deferred transaction that reads and then writes fails when another one wrote between.
        tx.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begins)


def _switch_to_wal(connection: sqlite3.Connection, wait: float) -> None:
    """Try again where SQLite's busy timeout does not: when two opened at once want to switch,
    one fails without waiting (seen in 16 of 300 files opened by six at once).
    """
    deadline = monotonic() + wait
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or monotonic() > deadline:
                raise
            sleep(0.02)
        else:
            return
