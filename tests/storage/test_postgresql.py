"""PostgreSQL under fire: servers that go, refuse, lock or forbid, each said in a sentence."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError
from tests.databases import Databases, on_postgresql
from tests.storage.processes import heard, start

from sutdol.core.errors import (
    BadInput,
    Busy,
    Corrupted,
    NotReady,
    SutdolError,
    Unavailable,
    UsageError,
)
from sutdol.storage import examples
from sutdol.storage.database import Database
from sutdol.storage.faults import database_fault

Server = "psycopg.Connection[tuple[object, ...]]"


@pytest.fixture
def server(database_url: str) -> Iterator[Server]:
    """Another program on the same database."""
    plain = make_url(database_url).set(drivername="postgresql")
    shown = plain.render_as_string(hide_password=False)
    with closing(psycopg.connect(shown, autocommit=True)) as one:
        yield one


def elsewhere(url: str, **change: object) -> str:
    return make_url(url).set(**change).render_as_string(hide_password=False)


@on_postgresql
def test_connections_are_set_up_as_agreed(db: Database) -> None:
    for open_ in (db.write, db.read):
        with open_() as tx:
            said = [
                tx.exec_driver_sql(f"SHOW {name}").scalar()
                for name in ("lock_timeout", "client_encoding", "application_name")
            ]
            assert said == ["5s", "UTF8", "sutdol"]
    with db.read() as tx:
        assert tx.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"
        assert tx.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"


@on_postgresql
def test_writers_of_another_database_do_not_wait_for_ours(
    db: Database, databases: Databases, tmp_path: Path
) -> None:
    url = databases.migrated(tmp_path)
    with db.write(), Database.open(url, tmp_path, wait=0) as other, other.write():
        pass
    databases.drop(url)


@on_postgresql
def test_a_server_started_anew_between_two_uses_is_not_noticed(
    db: Database, server: Server
) -> None:
    for _ in range(2):
        with db.write() as tx:
            tx.execute(text("DELETE FROM audit"))
        with db.read() as tx:
            assert examples.count(tx, "guard") == 0
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@on_postgresql
def test_a_server_that_goes_in_the_middle_takes_the_transaction_back(
    db: Database, server: Server
) -> None:
    def write() -> None:
        with db.write() as tx:
            tx.execute(text("INSERT INTO turn VALUES ('a', 'b', '2026')"))
            pid = tx.scalar(text("SELECT pg_backend_pid()"))
            server.execute("SELECT pg_terminate_backend(%s)", [pid])
            tx.execute(text("SELECT 1"))

    with pytest.raises(Unavailable, match="restarted: try again when it is up"):
        write()
    with db.write() as tx:
        assert tx.scalar(text("SELECT count(*) FROM turn")) == 0


@on_postgresql
def test_rows_locked_by_another_program_are_waited_for_and_then_reported(
    database_url: str, server: Server, tmp_path: Path
) -> None:
    def write() -> None:
        with Database.open(database_url, tmp_path, wait=0.1) as db, db.write() as tx:
            tx.execute(text("DELETE FROM turn"))

    with server.transaction():
        server.execute("LOCK TABLE turn")
        with pytest.raises(Busy, match="Another process is writing to"):
            write()


@on_postgresql
def test_two_that_wait_for_each_other_are_told_apart(
    database_url: str, server: Server, tmp_path: Path
) -> None:
    rival = start(
        """
from sqlalchemy import text
with Database.open(url, home, wait=20) as db:
    try:
        with db.write() as tx:
            tx.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
            tx.execute(text("LOCK TABLE turn"))
            print("held", flush=True)
            tx.execute(text("LOCK TABLE audit"))
    except SutdolError as error:
        print(type(error).__name__, error)
""",
        database_url,
        tmp_path,
    )
    with server.transaction():
        server.execute("SET LOCAL deadlock_timeout = '60s'")
        server.execute("LOCK TABLE audit")
        assert heard(rival) == "held\n"
        server.execute("LOCK TABLE turn")
    out, _ = rival.communicate(timeout=60)
    assert out.startswith("Busy Another process changed the same rows of")


@on_postgresql
@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        ("53100", NotReady, "is full: free some space on the server"),
        ("53300", Unavailable, "no free connection"),
        ("25006", NotReady, "it is read-only. Name the primary server"),
        ("40001", Busy, "changed the same rows of .*: try again"),
        ("40P01", Busy, "changed the same rows of .*: try again"),
        ("55P03", Busy, "Another process is writing to"),
        ("57P01", Unavailable, "Nothing committed was lost"),
        ("57014", Busy, r"broke off a statement \(as told\): try again"),
        ("42501", NotReady, 'ALTER DATABASE "sutdol_test_.*" OWNER TO "postgres"'),
        ("22001", BadInput, r"cannot hold a value \(as told\)"),
        ("22003", BadInput, r"cannot hold a value \(as told\)"),
        ("XX001", Corrupted, r"is damaged \(as told\): restore a backup"),
    ],
)
def test_what_the_server_refuses_is_said_in_a_sentence(
    db: Database, state: str, kind: type[SutdolError], said: str
) -> None:
    refuse = f"DO $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(kind, match=said), db.write() as tx:
        tx.exec_driver_sql(refuse)


@on_postgresql
def test_a_missing_database_says_how_to_make_it(database_url: str, tmp_path: Path) -> None:
    gone = elsewhere(database_url, database="sutdol_test_none")
    with pytest.raises(NotReady, match=r"create it with `createdb .*sutdol_test_none`"):
        Database.open(gone, tmp_path)


@on_postgresql
def test_an_unknown_user_is_said_without_the_password(database_url: str, tmp_path: Path) -> None:
    stranger = elsewhere(database_url, username="sutdol_nobody", password="secret")
    with pytest.raises(NotReady, match=r"refuses this user .*correct user and password") as refused:
        Database.open(stranger, tmp_path)
    assert "secret" not in str(refused.value)


@on_postgresql
def test_an_option_the_driver_does_not_know_is_named(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'database_url cannot be used: .*"patience"'):
        Database.open(f"{database_url}?patience=1", tmp_path)


@on_postgresql
def test_a_user_who_may_not_make_tables_is_told_what_is_missing(
    empty_database_url: str, tmp_path: Path
) -> None:
    plain = elsewhere(empty_database_url, drivername="postgresql")
    guest = f"{make_url(plain).database}_guest"
    with closing(psycopg.connect(plain, autocommit=True)) as server:
        server.execute(f"CREATE ROLE {guest}")
        try:
            with pytest.raises(NotReady, match=r'ALTER DATABASE ".*" OWNER TO "postgres"'):
                Database.open(f"{empty_database_url}?options=-crole%3D{guest}", tmp_path)
        finally:
            server.execute(f"DROP ROLE {guest}")


@on_postgresql
def test_a_database_that_cannot_hold_korean_is_refused(
    database_url: str, server: Server, tmp_path: Path
) -> None:
    name = f"{make_url(database_url).database}_latin"
    server.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(NotReady, match=r"encoded in LATIN1, .* with ENCODING 'UTF8'"):
        Database.open(elsewhere(database_url, database=name), tmp_path)
    server.execute(f"DROP DATABASE {name}")


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    nobody = "postgresql+psycopg://me:secret@localhost:1/d"
    with pytest.raises(Unavailable) as refused:
        Database.open(nobody, tmp_path)
    assert str(refused.value) == (
        "postgresql+psycopg://me:***@localhost:1/d cannot be used (Connection refused): "
        "start it or correct database_url."
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("connection refused\nat all", "cannot be used (connection refused): start it"),
        ('failed: FATAL:  password authentication failed for user "me"', "refuses this user"),
        ("failed: FATAL:  sorry, too many clients already", "no free connection"),
        ("failed: FATAL:  the database system is starting up", "try again when it is up"),
        (
            "Multiple connection attempts failed. All failures were:\n"
            "- host: 'h', port: '1', hostaddr: '::1': connection failed: no route\n"
            "- host: 'h', port: '1', hostaddr: '127.0.0.1': connection failed: refused",
            "cannot be used (refused)",
        ),
    ],
)
def test_what_a_failed_connection_says_is_understood(told: str, said: str) -> None:
    failed = OperationalError(None, {}, Exception(told))  # type: ignore[arg-type]
    assert said in str(database_fault(failed, "postgresql+psycopg://me:***@h/d"))
