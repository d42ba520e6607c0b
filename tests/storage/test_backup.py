"""Backups: one moment of a busy home, whole or not at all."""

import gzip
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from tests.databases import on_postgresql, on_sqlite
from tests.storage import homes
from tests.storage.processes import finish, heard, start

from sutdol.core.errors import NotReady
from sutdol.storage import battles, examples, files, prune, versions
from sutdol.storage.archive import Manifest
from sutdol.storage.backup import backup
from sutdol.storage.database import Database
from sutdol.storage.prune import Waste
from sutdol.storage.restore import restore

BUSY = """
from tests.storage import homes
me, number = sys.argv[3], 0
with Database.open(url, home, wait=30) as db:
    with db.write() as tx:
        battle = homes.fight(tx, now, rounds=0)
    print("ready", flush=True)
    while not (home / "stop").exists():
        number += 1
        model = homes.shelve(home, f"{me} {number}" * 500)
        with db.write() as tx:
            version = homes.train(tx, model, now)
            homes.add_round(tx, battle, number, now)
            homes.judge(tx, home, homes.look(tx, version.id, now), now)
    print(number)
"""
STALLED = """
from sutdol.storage.backup import backup
def progress(done, total):
    if done:
        print("writing", flush=True)
        time.sleep(60)
backup(url, home, Path(sys.argv[3]), now=now, progress=progress)
"""


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the home."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture
def take(
    db: Database, database_url: str, tmp_path: Path, elsewhere: Path, now: datetime
) -> Callable[[], Manifest]:
    """Back the home up to elsewhere/b.tar.gz."""
    return lambda: backup(database_url, tmp_path, elsewhere / "b.tar.gz", now=now)


def test_a_backup_holds_all_rows_and_files_and_says_so(
    db: Database, tmp_path: Path, elsewhere: Path, take: Callable[[], Manifest], now: datetime
) -> None:
    homes.furnish(db, tmp_path, now)
    made = take()

    restore(elsewhere / "b.tar.gz", homes.url_in(elsewhere / "new"), elsewhere / "new", now=now)
    with Database.found(homes.url_in(elsewhere / "new")) as new:
        assert homes.rows_of(new) == homes.rows_of(db)
    assert homes.files_of(elsewhere / "new") == homes.files_of(tmp_path)
    assert (made.missing, made.rows["example"], made.rows["round"]) == ((), 4, 3)
    assert (made.count("models"), made.count("reports")) == (2, 2)


def test_the_manifest_comes_first_and_names_every_file(
    db: Database, tmp_path: Path, elsewhere: Path, take: Callable[[], Manifest], now: datetime
) -> None:
    homes.furnish(db, tmp_path, now)
    made = take()

    with tarfile.open(elsewhere / "b.tar.gz") as tar:
        names = tar.getnames()
    assert names[0] == "manifest.json"
    assert names[1:] == list(made.files)


def test_progress_ends_with_all_bytes(
    db: Database, database_url: str, tmp_path: Path, elsewhere: Path, now: datetime
) -> None:
    homes.furnish(db, tmp_path, now)
    seen: list[tuple[int, int]] = []
    made = backup(
        database_url,
        tmp_path,
        elsewhere / "b.tar.gz",
        now=now,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == sorted(seen)
    assert seen[-1] == (made.size, made.size)


def test_a_backup_of_a_busy_home_is_one_moment_of_it(
    db: Database, database_url: str, tmp_path: Path, elsewhere: Path, now: datetime
) -> None:
    busy = [start(BUSY, database_url, tmp_path, f"writer {n}") for n in range(4)]
    assert [heard(one) for one in busy] == ["ready\n"] * 4
    for number in range(4):
        to, home = elsewhere / f"{number}.tar.gz", elsewhere / f"home {number}"
        made = backup(database_url, tmp_path, to, now=now)
        restore(to, homes.url_in(home), home, now=now)

        assert made.missing == ()
        with Database.found(homes.url_in(home)) as new, new.read() as tx:
            known = versions.all(tx, "guard")
            rounds = [[one.number for one in battles.rounds(tx, str(n))] for n in range(1, 5)]
        assert [one.number for one in known] == list(range(1, len(known) + 1))
        assert rounds == [list(range(1, len(one) + 1)) for one in rounds]
        assert sum(map(len, rounds)) == len(known) == made.rows["verdict"]
        for one in known:
            files.verify(home / one.path, one.checksum)
        assert len(list(home.glob("reports/*/report.json.gz"))) >= len(known)
    (tmp_path / "stop").touch()
    assert sum(int(finish(one)) for one in busy) >= len(known) > 0


def test_what_a_prune_takes_meanwhile_is_taken_again(
    db: Database, database_url: str, tmp_path: Path, elsewhere: Path, now: datetime
) -> None:
    homes.furnish(db, tmp_path, now)
    with db.read() as tx:
        first = versions.get(tx, "guard-v1")

    def progress(done: int, total: int) -> None:
        if (tmp_path / first.path).exists():
            with db.write() as tx:
                found = Waste(models=(first,), snapshots=())
                prune.record(tx, found, actor="local", now=now)
            prune.discard(tmp_path, [first.path])

    made = backup(database_url, tmp_path, elsewhere / "b.tar.gz", now=now, progress=progress)

    assert (made.missing, made.count("models")) == ((), 1)
    restore(elsewhere / "b.tar.gz", homes.url_in(elsewhere / "new"), elsewhere / "new", now=now)


def test_what_changes_meanwhile_is_taken_again(
    db: Database, database_url: str, tmp_path: Path, elsewhere: Path, now: datetime
) -> None:
    """A report may be written again; shorter, longer, or just otherwise."""
    homes.furnish(db, tmp_path, now)
    (page,) = tmp_path.glob("reports/*/report.html")
    contents = [b"short", b"longer than it was " * 9, b"LONGER than it was " * 9]

    def progress(done: int, total: int) -> None:
        if not done and contents:
            files.write(page, contents.pop(0))

    backup(database_url, tmp_path, elsewhere / "b.tar.gz", now=now, progress=progress)

    new = elsewhere / "new"
    restore(elsewhere / "b.tar.gz", homes.url_in(new), new, now=now)
    assert homes.files_of(new) == homes.files_of(tmp_path)
    assert contents == []


def test_what_was_lost_before_is_named_and_the_rest_is_saved(
    db: Database, tmp_path: Path, elsewhere: Path, take: Callable[[], Manifest], now: datetime
) -> None:
    homes.furnish(db, tmp_path, now)
    with db.read() as tx:
        first, second = versions.all(tx, "guard")
    shutil.rmtree(tmp_path / first.path)
    (tmp_path / second.path / "empty").write_text("changed")
    (report,) = tmp_path.glob("reports/*/report.json.gz")
    report.unlink()

    made = take()

    verdict = f"report {report.parent.name}"
    assert made.missing == ("model guard-v1", "model guard-v2", verdict)
    new = elsewhere / "new"
    restored = restore(elsewhere / "b.tar.gz", homes.url_in(new), new, now=now)
    assert restored.manifest.missing == made.missing
    assert homes.files_of(new) == homes.files_of(tmp_path)


def test_a_killed_backup_leaves_the_last_one(
    db: Database, database_url: str, tmp_path: Path, elsewhere: Path, now: datetime
) -> None:
    homes.furnish(db, tmp_path, now)
    (elsewhere / "b.tar.gz").write_text("the last one")
    running = start(STALLED, database_url, tmp_path, str(elsewhere / "b.tar.gz"))
    assert heard(running) == "writing\n"
    running.kill()
    running.communicate()
    assert list(elsewhere.glob(".writing-*"))
    assert list(tmp_path.glob(".backing-up-*"))

    assert (elsewhere / "b.tar.gz").read_text() == "the last one"
    backup(database_url, tmp_path, elsewhere / "b.tar.gz", now=now)
    assert [path.name for path in elsewhere.iterdir()] == ["b.tar.gz"]
    assert not list(tmp_path.glob(".backing-up-*"))
    assert not list(tmp_path.glob(".writing-*"))


def test_two_backups_at_once_do_not_sweep_each_other_out(
    db: Database, database_url: str, tmp_path: Path, elsewhere: Path, now: datetime
) -> None:
    homes.furnish(db, tmp_path, now)
    running = start(STALLED, database_url, tmp_path, str(elsewhere / "a.tar.gz"))
    assert heard(running) == "writing\n"
    (room,) = tmp_path.glob(".backing-up-*")
    backup(database_url, tmp_path, elsewhere / "b.tar.gz", now=now)
    assert room.is_dir()
    running.kill()
    running.communicate()


@on_sqlite
@pytest.mark.parametrize("bytes_", [10_000, 500_000])
def test_a_full_disk_is_said_and_leaves_the_last_one(
    db: Database, database_url: str, tmp_path: Path, elsewhere: Path, now: datetime, bytes_: int
) -> None:
    """The disk ends within the copy of the rows, and within the archive."""
    homes.furnish(db, tmp_path, now)
    model = homes.shelve(tmp_path, os.urandom(600_000).hex())
    with db.write() as tx:
        homes.train(tx, model, now)
    (elsewhere / "b.tar.gz").write_text("the last one")
    script = """
from sutdol.storage.backup import backup
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
try:
    backup(url, home, Path(sys.argv[3]), now=now)
except SutdolError as error:
    print(type(error).__name__, error)
"""
    to = str(elsewhere / "b.tar.gz")
    said = finish(start(script, database_url, tmp_path, to, str(bytes_)))
    assert said.startswith("NotReady The disk under ")
    assert "full" in said
    assert (elsewhere / "b.tar.gz").read_text() == "the last one"
    assert len(list(elsewhere.iterdir())) == 1


@on_sqlite
def test_flows_come_along(
    db: Database, tmp_path: Path, elsewhere: Path, take: Callable[[], Manifest], now: datetime
) -> None:
    with closing(sqlite3.connect(tmp_path / "flows.db")) as flows:
        flows.execute("PRAGMA journal_mode=WAL")
        flows.execute("CREATE TABLE workflow_status (id TEXT)")
        flows.execute("INSERT INTO workflow_status VALUES ('cycle-1')")
        flows.commit()
        take()  # while somebody has it open, and the row is in the -wal alone
    new = elsewhere / "new"
    assert restore(elsewhere / "b.tar.gz", homes.url_in(new), new, now=now).flows
    with closing(sqlite3.connect(new / "flows.db")) as flows:
        assert flows.execute("SELECT id FROM workflow_status").fetchall() == [("cycle-1",)]


@on_postgresql
def test_with_postgresql_no_flows_come_along(
    db: Database, tmp_path: Path, elsewhere: Path, take: Callable[[], Manifest], now: datetime
) -> None:
    (tmp_path / "flows.db").write_text("left from before")
    assert "flows.db" not in take().files


def test_what_was_forgotten_is_in_no_backup(
    db: Database, elsewhere: Path, take: Callable[[], Manifest], now: datetime
) -> None:
    secret = "a secret that nobody should keep"
    with db.write() as tx:
        kept = homes.texts(secret)
        examples.add(tx, "guard", kept, kind="data", reviewed=True, now=now)
    take()
    assert secret.encode() in gzip.decompress((elsewhere / "b.tar.gz").read_bytes())
    with db.write() as tx:
        examples.forget(tx, "guard", "s", now)
    take()
    assert secret.encode() not in gzip.decompress((elsewhere / "b.tar.gz").read_bytes())


def test_where_there_is_no_home_there_is_nothing_to_back_up(
    tmp_path: Path, elsewhere: Path, now: datetime
) -> None:
    home = tmp_path / "none"
    with pytest.raises(NotReady, match="There is no database at"):
        backup(homes.url_in(home), home, elsewhere / "b.tar.gz", now=now)
    assert not home.exists()
    assert not list(elsewhere.iterdir())


def test_a_database_without_tables_is_nothing_to_back_up(
    empty_database_url: str, tmp_path: Path, elsewhere: Path, now: datetime
) -> None:
    with Database.prepare(empty_database_url, tmp_path) as empty:
        assert empty.revision() is None
    with pytest.raises(NotReady):
        backup(empty_database_url, tmp_path, elsewhere / "b.tar.gz", now=now)
    assert not list(elsewhere.iterdir())
