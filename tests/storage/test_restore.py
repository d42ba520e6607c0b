"""Restoring: all or nothing, whatever the file is and whenever the process dies."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.databases import on_sqlite
from tests.storage import homes
from tests.storage.processes import PRELUDE, finish, heard, start

from sutdol.core.errors import Busy, NotReady, Refused
from sutdol.storage import audit, files, migrations, sessions, stamps, turns, users, versions
from sutdol.storage.backup import backup
from sutdol.storage.copy import Copied
from sutdol.storage.database import Database
from sutdol.storage.restore import Restored, restore

Put = Callable[..., Restored]
KILLS = 6
RESTORING = """
from sutdol.storage.restore import restore
print("ready", flush=True)
restore(Path(sys.argv[3]), url, home, now=now, force=True)
print("done", flush=True)
"""
STALLED = """
from sutdol.storage.restore import restore
def progress(done, total):
    if done == total:
        print("all unpacked", flush=True)
        time.sleep(60)
restore(Path(sys.argv[3]), url, home, now=now, progress=progress)
"""


@pytest.fixture
def archive(
    db: Database,
    database_url: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    now: datetime,
) -> Path:
    """A backup of a furnished home, in a folder of its own."""
    homes.furnish(db, tmp_path, now)
    to = tmp_path_factory.mktemp("backups") / "b.tar.gz"
    backup(database_url, tmp_path, to, now=now)
    return to


@pytest.fixture
def home(archive: Path) -> Path:
    """A home that is not there yet."""
    return archive.parent / "home"


@pytest.fixture
def put(archive: Path, home: Path, now: datetime) -> Put:
    """Restore the archive into the home."""

    def restored(**how: bool) -> Restored:
        return restore(archive, homes.url_in(home), home, now=now, **how)

    return restored


def rows_in(home: Path) -> list[Copied]:
    with Database.found(homes.url_in(home)) as db:
        return homes.rows_of(db)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_rows_can_be_restored_into_either_kind_of_database(
    db: Database, tmp_path: Path, archive: Path, home: Path, empty_database_url: str, now: datetime
) -> None:
    if empty_database_url == homes.url_in(tmp_path):
        empty_database_url = homes.url_in(home.parent / "rows elsewhere")
        (home.parent / "rows elsewhere").mkdir()
    done = restore(archive, empty_database_url, home, now=now)

    with Database.found(empty_database_url) as new:
        assert homes.rows_of(new) == homes.rows_of(db)
        with new.write() as tx:  # PostgreSQL counts on from where the rows end
            homes.look(tx, "guard-v3", now)
    assert homes.files_of(home) == homes.files_of(tmp_path)
    assert "sutdol.db" not in names_in(home)
    assert not done.flows


def test_a_database_that_is_not_empty_is_refused(
    db: Database, database_url: str, archive: Path, home: Path, now: datetime
) -> None:
    before = homes.rows_of(db)
    with pytest.raises(Refused, match=r"is not empty .* name an empty one"):
        restore(archive, database_url, home, now=now)
    assert not home.exists()
    assert homes.rows_of(db) == before


def test_a_restore_is_on_record_and_ends_the_turns_of_processes(home: Path, put: Put) -> None:
    put()
    with Database.found(homes.url_in(home)) as db, db.read() as tx:
        event = audit.events(tx, limit=1)[0]
        held = [turns.holder(tx, f"turn of {one}") for one in (turns.this_process(), "cycle-1")]
    assert (event.action, event.subject) == ("restore", "home")
    assert event.body["taken"] == "2026-01-02T03:04:05+00:00"
    assert held == [None, None]  # no flows came along that could go on with theirs


def test_no_session_comes_back(
    db: Database, database_url: str, archive: Path, tmp_path: Path, put: Put, home: Path,
    now: datetime,
) -> None:  # fmt: skip
    pepper = b"p" * 32
    with db.write() as tx:
        anna = users.create(tx, "anna", "admin", now)
        cookie, _ = sessions.open(tx, pepper, anna.id, now, lasts=timedelta(days=1))
        before = stamps.all(tx)
    backup(database_url, tmp_path, archive, now=now)
    put()
    with Database.found(homes.url_in(home)) as new, new.read() as tx:
        assert sessions.find(tx, pepper, cookie, now) is None
        assert stamps.all(tx)["keys"] > before["keys"]
        assert users.get(tx, anna.id) == anna


@on_sqlite
def test_flows_that_come_along_keep_their_turns(
    db: Database, database_url: str, tmp_path: Path, archive: Path, put: Put, home: Path,
    now: datetime,
) -> None:  # fmt: skip
    with closing(sqlite3.connect(tmp_path / "flows.db")) as flows:
        flows.execute("CREATE TABLE workflow_status (id TEXT)")
    backup(database_url, tmp_path, archive, now=now)
    assert put().flows
    with Database.found(homes.url_in(home)) as new, new.read() as tx:
        assert turns.holder(tx, f"turn of {turns.this_process()}") is None
        assert turns.holder(tx, "turn of cycle-1") == "cycle-1"


def test_a_home_that_is_not_empty_is_refused(home: Path, put: Put) -> None:
    home.mkdir()
    (home / "mine").write_text("all somebody has")
    with pytest.raises(Refused, match=r"is not empty: .* --force"):
        put()
    assert names_in(home) == {"mine"}
    (home / "mine").unlink()
    home.chmod(0o700)
    put()
    assert home.stat().st_mode & 0o777 == 0o700


def test_by_force_the_old_home_is_moved_aside_whole(home: Path, put: Put) -> None:
    put()
    first = rows_in(home)
    (home / "mine").write_text("all somebody has")
    done = put(force=True)
    again = put(force=True)

    assert (done.aside, again.aside) == (
        home.with_name("home.before-restore-1"),
        home.with_name("home.before-restore-2"),
    )
    assert done.aside is not None
    assert (done.aside / "mine").read_text() == "all somebody has"
    assert rows_in(done.aside) == rows_in(home) == first
    assert names_in(home) == {"sutdol.db", "models", "reports"}
    assert not list(home.parent.glob(".restoring-*"))


def test_a_home_in_use_is_not_moved_aside(home: Path, put: Put) -> None:
    put()
    with Database.found(homes.url_in(home)) as db:
        assert db.revision()
        with pytest.raises(Busy, match=r"has .*sutdol.db open: stop it"):
            put(force=True)
        assert names_in(home) >= {"sutdol.db", "models", "reports"}
    put(force=True)


def test_a_damaged_home_is_moved_aside_as_it_is(home: Path, put: Put) -> None:
    put()
    (home / "sutdol.db").write_bytes(b"garbage" * 1_000)
    aside = put(force=True).aside
    assert aside is not None
    assert (aside / "sutdol.db").read_bytes() == b"garbage" * 1_000
    assert rows_in(home)


@pytest.mark.parametrize("name", ["숫돌", "100% ?x=1&y#z", "a b", "-x", "'; --"])
def test_a_home_may_have_any_name(archive: Path, now: datetime, name: str) -> None:
    from sutdol.core.settings import Settings

    home = archive.parent / name
    restore(archive, Settings.load(home=home).database_url, home, now=now)
    url = Settings.load(home=home).database_url
    backup(url, home, archive.parent / f"{name}.tar.gz", now=now)
    restore(archive.parent / f"{name}.tar.gz", url, home, now=now, force=True)
    with Database.found(url) as db, db.read() as tx:
        assert len(versions.all(tx, "guard")) == 2


def test_a_home_may_be_a_link(archive: Path, home: Path, now: datetime) -> None:
    link = home.with_name("link")
    link.symlink_to(home)
    home.mkdir()
    for _ in range(2):
        restore(archive, homes.url_in(link), link, now=now, force=True)
    assert link.is_symlink()
    assert names_in(home) == {"sutdol.db", "models", "reports"}
    assert (home.parent / "home.before-restore-1").is_dir()


@on_sqlite
def test_an_older_backup_is_brought_to_this_release(
    empty_database_url: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, now: datetime
) -> None:
    with Database.prepare(empty_database_url, tmp_path) as old:
        old.migrate("0001")
    folder = tmp_path_factory.mktemp("older")
    made = backup(empty_database_url, tmp_path, folder / "b.tar.gz", now=now)
    restore(folder / "b.tar.gz", homes.url_in(folder / "new"), folder / "new", now=now)

    assert made.revision == "0001"
    with Database.found(homes.url_in(folder / "new")) as new:
        assert new.revision() == migrations.revisions()[-1]
    with Database.found(empty_database_url) as old:
        assert old.revision() == "0001"  # who backs up before an upgrade upgrades nothing


@on_sqlite
def test_a_killed_restore_leaves_nothing_and_the_next_one_cleans_up(
    archive: Path, home: Path, put: Put
) -> None:
    running = start(STALLED, homes.url_in(home), home, str(archive))
    assert heard(running) == "all unpacked\n"
    killed(running)
    assert not home.exists()
    assert list(home.parent.glob(".restoring-*"))
    put()
    assert names_in(home.parent) == {"b.tar.gz", "home"}


@on_sqlite
def test_a_restore_killed_at_any_moment_leaves_the_old_home_or_the_new_one(
    archive: Path, home: Path, put: Put, now: datetime
) -> None:
    put()
    new = rows_in(home)
    with Database.found(homes.url_in(home)) as db, db.write() as tx:
        homes.freeze(tx, now, "written after the backup")
    old, old_files = rows_in(home), homes.files_of(home)
    running = start(RESTORING, homes.url_in(home), home, str(archive))
    assert heard(running) == "ready\n"
    started = time.monotonic()
    assert heard(running) == "done\n"
    took = time.monotonic() - started
    finish(running)
    for kill in range(KILLS):
        if rows_in(home) == new:  # start again from the old home
            home.rename(home.with_name(f"restored {kill}"))
            asides = home.parent.glob("home.before-restore-*")
            next(aside for aside in asides if rows_in(aside) == old).rename(home)
        running = start(RESTORING, homes.url_in(home), home, str(archive))
        assert heard(running) == "ready\n"
        time.sleep(took * (kill + 0.5) / KILLS)
        killed(running)

        assert rows_in(home) in (old, new)
        assert homes.files_of(home) == old_files


@on_sqlite
def test_a_full_disk_is_said_and_leaves_the_home(archive: Path, home: Path, put: Put) -> None:
    put()
    before = rows_in(home)
    script = """
from sutdol.storage.restore import restore
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    restore(Path(sys.argv[3]), url, home, now=now, force=True)
except SutdolError as error:
    print(type(error).__name__, error)
"""
    said = finish(start(script, homes.url_in(home), home, str(archive)))
    assert said.startswith("NotReady The disk under")
    assert "is full: free some space" in said
    assert rows_in(home) == before
    assert names_in(home.parent) == {"b.tar.gz", "home"}


@on_sqlite
def test_a_home_under_a_file_is_refused(archive: Path, home: Path, now: datetime) -> None:
    home.write_bytes(b"a file")
    for place in (home, home / "deeper"):
        with pytest.raises(NotReady, match="a file stands in its way"):
            restore(archive, homes.url_in(place), place, now=now)
    assert home.read_bytes() == b"a file"


@on_sqlite
def test_a_mounted_home_is_filled_but_not_moved(archive: Path, home: Path) -> None:
    script = """
import subprocess
from sutdol.storage.restore import restore
subprocess.run(["mount", "-t", "tmpfs", "none", home], check=True)
(home / "lost+found").mkdir()
for force in False, True:
    try:
        restore(Path(sys.argv[3]), url, home, now=now, force=force)
    except SutdolError as error:
        print(type(error).__name__, error)
    print(sorted(path.name for path in home.iterdir()))
"""
    home.mkdir()
    alone = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets no program mount anything for itself")
    ran = subprocess.run(
        [*alone, sys.executable, "-c", PRELUDE + script, homes.url_in(home), home, archive],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    filled = "['lost+found', 'models', 'reports', 'sutdol.db']"
    assert ran.stdout.splitlines() == [
        filled,
        f"NotReady {home} is a mount point and cannot be moved aside: empty it, or set SUTDOL_HOME"
        " to a folder in it.",
        filled,
    ]


@on_sqlite
def test_a_model_folder_is_what_its_row_says(home: Path, put: Put) -> None:
    put()
    with Database.found(homes.url_in(home)) as db, db.read() as tx:
        for one in versions.all(tx, "guard"):
            files.verify(home / one.path, one.checksum)
