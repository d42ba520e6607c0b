"""The database, of either kind: whole transactions, one writer, readers that see one moment."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.storage.processes import finish, heard, start

from sutdol.core.errors import BadInput, Busy, NotReady, UnknownName, UsageError
from sutdol.core.types import Example
from sutdol.storage import battles, examples, parts, snapshots, versions
from sutdol.storage.battles import NewBattle
from sutdol.storage.check import check
from sutdol.storage.database import Database

HOLD = """
with Database.open(url, home) as db, db.write():
    print("held", flush=True)
    input()
"""


def broken(db: Database, home: Path) -> list[str]:
    return [one.text for one in check(db, home) if one.state == "broken"]


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


def test_a_thread_that_waits_too_long_says_so(database_url: str, tmp_path: Path) -> None:
    with Database.open(database_url, tmp_path, wait=0.1) as db:
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


def test_a_lock_of_another_process_is_waited_for_and_then_reported(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    holder = start(HOLD, database_url, tmp_path)
    assert heard(holder) == "held\n"
    with Database.open(database_url, tmp_path, wait=0.2) as impatient:
        for _ in range(3):
            with pytest.raises(Busy, match="Another process is writing"), impatient.write():
                pass
        with impatient.read() as tx:
            assert examples.count(tx, "guard") == 0
        holder.communicate("go\n")
        with impatient.write():
            pass
    assert holder.returncode == 0


def test_no_wait_at_all_is_no_wait_for_ever(database_url: str, tmp_path: Path) -> None:
    holder = start(HOLD, database_url, tmp_path)
    assert heard(holder) == "held\n"
    with (
        Database.open(database_url, tmp_path, wait=0) as impatient,
        pytest.raises(Busy, match="Another process is writing"),
        impatient.write(),
    ):
        pass
    holder.communicate("go\n")


def test_a_killed_holder_of_the_lock_holds_it_no_more(database_url: str, tmp_path: Path) -> None:
    holder = start(HOLD, database_url, tmp_path)
    assert heard(holder) == "held\n"
    holder.kill()
    holder.communicate()
    with Database.open(database_url, tmp_path, wait=5) as db, db.write():
        pass


def test_four_processes_open_an_empty_home_and_write_at_once(
    empty_database_url: str, tmp_path: Path
) -> None:
    script = """
print("ready", flush=True)
while not (home / "go").exists():
    time.sleep(0.001)
with Database.open(url, home) as db:
    for number in range(25):
        key = f"{sys.argv[3]}-{number}"
        look = looks.NewLook(key=key, champion=None, challenger="x", purpose="gate")
        with db.write() as tx:
            looks.charge(tx, "guard", look, alpha=lambda j: 1 / j, now=now)
"""
    processes = [start(script, empty_database_url, tmp_path, str(name)) for name in range(4)]
    for process in processes:
        assert heard(process) == "ready\n"
    (tmp_path / "go").touch()
    for process in processes:
        finish(process)
    with Database.open(empty_database_url, tmp_path) as db:
        with db.read() as tx:
            positions = tx.scalars(text("SELECT position FROM look ORDER BY id")).all()
        assert positions == list(range(1, 101))
        assert broken(db, tmp_path) == []


def test_a_killed_writer_leaves_nothing_half_done(empty_database_url: str, tmp_path: Path) -> None:
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
        empty_database_url,
        tmp_path,
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    with Database.open(empty_database_url, tmp_path) as db:
        with db.read() as tx:
            assert (examples.count(tx, "guard"), examples.count(tx, "rag")) == (1, 0)
        assert broken(db, tmp_path) == []


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("a\x00b", "'a.x00b' holds a NUL character: take it out"),
        ("x" * 50 + "\x00", "…' holds a NUL character"),
        ("half a pair \ud800", "is no Unicode text: write it in UTF-8"),
    ],
)
def test_a_text_that_one_of_them_cannot_keep_is_refused_by_both(
    db: Database, text: Callable[..., Example], now: datetime, message: str, why: str
) -> None:
    one = text(message, group="g")
    with pytest.raises(BadInput, match=why), db.write() as tx:
        examples.add(tx, "guard", [one], kind="data", reviewed=True, now=now)
    with db.read() as tx:
        assert examples.count(tx, "guard") == 0


def test_a_name_longer_than_its_column_is_refused_by_both(db: Database) -> None:
    with (
        pytest.raises(BadInput, match="is longer than 32 characters: shorten it"),
        db.write() as tx,
    ):
        parts.assign(tx, "r" * 33, ["g"], lambda _: "train")


def test_a_name_too_long_to_be_there_is_not_found(db: Database) -> None:
    with db.read() as tx, pytest.raises(UnknownName, match="No version named 'xxx"):
        versions.get(tx, "x" * 200)


def test_a_nul_inside_json_is_kept(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    manifest = {"note": "a\x00b", "한국어": ["😀", None, 2**70, 0.1, True]}
    with db.write() as tx:
        root = snapshots.put(tx, "guard", keep(tx, "a"), manifest, now)
    with db.read() as tx:
        assert snapshots.get(tx, root).manifest == manifest


def test_a_number_too_large_is_refused_by_both(db: Database, now: datetime) -> None:
    with pytest.raises(BadInput, match="make it smaller"), db.write() as tx:
        battles.start(tx, NewBattle(role="guard", seed=2**64, settings={}), now)


def test_texts_come_in_the_order_of_their_bytes(
    db: Database, keep: Callable[..., list[str]]
) -> None:
    sources = ["import:b", "import:B", "import:a", "import:A", "import_a", "가", "import:é", "_"]
    with db.write() as tx:
        for source in sources:
            keep(tx, source, source=source)
        found = tx.scalars(text("SELECT source FROM example ORDER BY source")).all()
    assert found == sorted(sources)


def test_upper_and_lower_case_are_two(db: Database, keep: Callable[..., list[str]]) -> None:
    with db.write() as tx:
        keep(tx, "a", source="import:A")
        assert [one.source for one in examples.find(tx, "guard", sources=["import:a"])] == []


def test_a_revision_is_told_without_touching_anything(
    empty_database_url: str, tmp_path: Path
) -> None:
    with Database.prepare(empty_database_url, tmp_path) as db:
        assert db.revision() is None
        with db.read() as tx, pytest.raises(DBAPIError):
            versions.all(tx, "guard")


def test_a_database_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"no database at .*none.db"):
        Database.found(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///x?mode=memory", "?", "postgresql://h:x/d"]
)
def test_urls_that_cannot_work_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="database_url"):
        Database.open(url, tmp_path)


def test_a_missing_driver_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="pip install 'MySQLdb"):
        Database.open("mysql+mysqldb://h/d", tmp_path)


def test_mistakes_of_ours_are_not_dressed_up(db: Database) -> None:
    with pytest.raises(DBAPIError), db.read() as tx:
        tx.execute(text("SELECT * FROM nonsense"))
