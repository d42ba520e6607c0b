"""The database file under fire: locks, full disks, damage, kills and several processes."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from sutdol.core.errors import Busy, Corrupted, NotReady, UsageError
from sutdol.core.types import Example
from sutdol.storage import examples
from sutdol.storage.database import Database
from sutdol.storage.faults import database_fault

PRELUDE = """
import os, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from sutdol.core.errors import SutdolError
from sutdol.core.types import Example
from sutdol.storage import examples, looks
from sutdol.storage.database import Database
home, now = Path(sys.argv[1]), datetime(2026, 1, 1, tzinfo=UTC)
url = f"sqlite+pysqlite:///{home}/sutdol.db"
"""


def start(script: str, home: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + script, str(home), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def url_in(home: Path) -> str:
    return f"sqlite+pysqlite:///{home}/sutdol.db"


def pragma(tx: Connection, name: str) -> object:
    return tx.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_connections_are_set_up_as_agreed(db: Database) -> None:
    with db.write() as tx:
        assert pragma(tx, "journal_mode") == "wal"
        assert pragma(tx, "synchronous") == 1
        assert pragma(tx, "busy_timeout") == 5000
        assert pragma(tx, "foreign_keys") == 1
    with db.read() as tx:
        assert pragma(tx, "foreign_keys") == 1
        assert pragma(tx, "busy_timeout") == 5000


def test_home_is_made_where_it_is_missing(tmp_path: Path) -> None:
    home = tmp_path / "a" / "숫돌"
    Database.open(f"sqlite+pysqlite:///{home}/rows/sutdol.db", home).close()
    assert (home / "rows" / "sutdol.db").is_file()


def test_an_error_takes_the_whole_transaction_back(
    db: Database, keep: Callable[..., list[str]]
) -> None:
    def fails() -> None:
        with db.write() as tx:
            keep(tx, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with db.read() as tx:
        assert examples.count(tx, "guard") == 0


def test_a_reader_sees_one_moment_and_waits_for_no_writer(
    db: Database, keep: Callable[..., list[str]]
) -> None:
    with db.read() as early:
        assert examples.count(early, "guard") == 0
        with db.write() as tx:
            keep(tx, "a")
            assert examples.count(early, "guard") == 0
        assert examples.count(early, "guard") == 0
    with db.read() as late:
        assert examples.count(late, "guard") == 1


def test_a_reader_cannot_write(db: Database, keep: Callable[..., list[str]]) -> None:
    with pytest.raises(NotReady), db.read() as tx:
        keep(tx, "a")


def test_writing_inside_writing_is_a_mistake_and_not_a_deadlock(db: Database) -> None:
    with db.write(), pytest.raises(RuntimeError, match="inside"), db.write():
        pass


def test_threads_write_one_after_another(db: Database, keep: Callable[..., list[str]]) -> None:
    def work(name: int) -> None:
        for number in range(20):
            with db.write() as tx:
                keep(tx, f"{name} {number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as tx:
        assert examples.count(tx, "guard") == 80


def test_a_thread_that_waits_too_long_says_so(tmp_path: Path, migrated: Path) -> None:
    (tmp_path / "sutdol.db").write_bytes(migrated.read_bytes())
    with Database.open(url_in(tmp_path), tmp_path, wait=0.1) as db:
        holds, done = threading.Event(), threading.Event()

        def hold() -> None:
            with db.write():
                holds.set()
                done.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        holds.wait(10)
        with pytest.raises(Busy, match="try again"), db.write():
            pass
        done.set()
        thread.join()
        with db.write():
            pass


def test_a_lock_of_another_process_is_waited_for_and_then_reported(db: Database) -> None:
    holder = start(
        "import sqlite3\n"
        "one = sqlite3.connect(home / 'sutdol.db', isolation_level=None)\n"
        "one.execute('BEGIN IMMEDIATE'); print('held', flush=True); input(); one.close()",
        Path(db.where).parent,
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    home = Path(db.where).parent
    with Database.open(url_in(home), home, wait=0.2) as impatient:
        for _ in range(3):
            with pytest.raises(Busy, match="Another process is writing"), impatient.write():
                pass
        with impatient.read() as tx:
            assert examples.count(tx, "guard") == 0
        assert holder.stdin
        holder.stdin.write("go\n")
        finish(holder)
        with impatient.write():
            pass


def test_four_processes_open_an_empty_home_and_write_at_once(tmp_path: Path) -> None:
    script = """
print("ready", flush=True)
while not (home / "go").exists():
    time.sleep(0.001)
with Database.open(url, home) as db:
    for number in range(25):
        key = f"{sys.argv[2]}-{number}"
        look = looks.NewLook(key=key, champion=None, challenger="x", purpose="gate")
        with db.write() as tx:
            looks.charge(tx, "guard", look, alpha=lambda j: 1 / j, now=now)
"""
    processes = [start(script, tmp_path, str(name)) for name in range(4)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    for process in processes:
        finish(process)
    with Database.open(url_in(tmp_path), tmp_path) as db, db.read() as tx:
        positions = tx.scalars(text("SELECT position FROM look ORDER BY id")).all()
        assert positions == list(range(1, 101))
        assert pragma(tx, "integrity_check") == "ok"


def test_a_killed_writer_leaves_nothing_half_done(tmp_path: Path) -> None:
    killed = start(
        """
db = Database.open(url, home)
one = Example(input="kept", target="", lang="en", source="s", group="g", part="train")
with db.write() as tx:
    examples.add(tx, "guard", [one], kind="data", reviewed=True, now=now)
with db.write() as tx:
    examples.add(tx, "rag", [one], kind="data", reviewed=True, now=now)
    os.kill(os.getpid(), 9)
""",
        tmp_path,
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    with Database.open(url_in(tmp_path), tmp_path) as db, db.read() as tx:
        assert (examples.count(tx, "guard"), examples.count(tx, "rag")) == (1, 0)
        assert pragma(tx, "integrity_check") == "ok"


def test_a_full_disk_is_said_and_loses_nothing_committed(db: Database) -> None:
    script = """
db = Database.open(url, home)
def fill(size):
    one = Example(input="x" * size, target="", lang="en", source="s", group="g", part="train")
    with db.write() as tx:
        examples.add(tx, "guard", [one], kind="data", reviewed=True, now=now)
fill(10)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
for _ in range(2):
    try:
        fill(1_000_000)
    except SutdolError as error:
        print(type(error).__name__, error)
fill(11)
db.close()
"""
    out = finish(start(script, Path(db.where).parent))
    assert out.count("NotReady The disk under") == 2
    assert "free some space" in out
    with db.read() as tx:
        assert sorted(len(one.input) for one in examples.find(tx, "guard")) == [10, 11]


def test_a_disk_full_from_the_start_is_said(tmp_path: Path) -> None:
    script = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    Database.open(url, home)
except SutdolError as error:
    print(type(error).__name__, error)
"""
    assert "NotReady The disk under" in finish(start(script, tmp_path / "home"))


@pytest.mark.parametrize("home", ["file", "file/under"])
def test_a_home_at_or_under_a_file_is_refused(tmp_path: Path, home: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReady, match="a file stands in its way"):
        Database.open(url_in(tmp_path), tmp_path / home)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sutdol.db").mkdir()
    with pytest.raises(NotReady, match="Cannot write"):
        Database.open(url_in(tmp_path), tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sutdol.db").write_bytes(b"not a database, but long enough to look at" * 50)
    with pytest.raises(Corrupted, match="restore a backup"):
        Database.open(url_in(tmp_path), tmp_path)


def test_damage_in_the_middle_is_reported_when_it_is_met(
    db: Database, text: Callable[..., Example], now: datetime
) -> None:
    with db.write() as tx:
        many = [text(f"{number} " * 50) for number in range(300)]
        examples.add(tx, "guard", many, kind="data", reviewed=True, now=now)
    db.close()
    path = Path(db.where)
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)

    def use() -> None:
        with Database.open(f"sqlite:///{path}", path.parent) as broken, broken.read() as tx:
            examples.find(tx, "guard")

    with pytest.raises(Corrupted):
        use()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///x?mode=memory", "?", "postgresql://h:x/d"]
)
def test_urls_that_cannot_work_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="database_url"):
        Database.open(url, tmp_path)


def test_a_missing_driver_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="pip install 'MySQLdb"):
        Database.open("mysql+mysqldb://h/d", tmp_path)


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    class DriverError(Exception):
        """Stands for psycopg's, which is not installed everywhere."""

    refused = OperationalError("SELECT 1", {}, DriverError("connection refused\nat all"))
    fault = database_fault(refused, "postgresql+psycopg://me:***@h/d")
    assert str(fault) == (
        "postgresql+psycopg://me:***@h/d cannot be used (connection refused): "
        "start it or correct database_url."
    )


def test_mistakes_of_ours_are_not_dressed_up(db: Database) -> None:
    with pytest.raises(OperationalError), db.read() as tx:
        tx.execute(text("SELECT * FROM nonsense"))


def test_closing_leaves_one_file(db: Database) -> None:
    with db.write() as tx:
        tx.execute(text("DELETE FROM audit"))
    db.close()
    assert [path.name for path in Path(db.where).parent.iterdir()] == ["sutdol.db"]
    with sqlite3.connect(db.where) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
