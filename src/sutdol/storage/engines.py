"""How connections are made: SQLite's pragmas and the rule of one writer at a time."""

import json
import sqlite3
from time import monotonic, sleep

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from sutdol.core.errors import NotReady, UsageError

READER = ("PRAGMA foreign_keys=ON", "PRAGMA query_only=ON")
WRITER = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what `forget` erases must not linger in free pages
)
POSTGRES_READER = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
WRITERS = 0x5D7D01
"""PostgreSQL's advisory lock that gives us SQLite's rule: one writer at a time."""


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


def engine(url: URL, wait: float, *, writes: bool) -> Engine:
    options: dict[str, object] = {"json_serializer": _json}
    if writes:
        options |= {"pool_size": 1, "max_overflow": 0}
    if is_file(url):
        options["connect_args"] = {"timeout": wait, "isolation_level": None}
    elif not writes:
        options["execution_options"] = POSTGRES_READER
    try:
        made = create_engine(url, **options)
    except ModuleNotFoundError as error:
        what = f"A {url.get_backend_name()} database needs a package"
        raise NotReady(f"{what}: pip install '{error.name}[binary]'") from error
    if is_file(url):
        _set_up_sqlite(made, wait, writes=writes)
    elif writes:
        event.listen(made, "begin", _one_writer)
    return made


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)


def _one_writer(tx: Connection) -> None:
    tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")


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
