"""SQLite's file under fire: full disks, damage, strange paths, and what is left in it."""

import os
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from tests.databases import on_sqlite
from tests.storage.processes import finish, start

from sutdol.core.errors import Corrupted, NotReady
from sutdol.core.types import Example
from sutdol.storage import examples
from sutdol.storage.database import Database


def url_in(home: Path) -> str:
    return f"sqlite+pysqlite:///{home}/sutdol.db"


def pragma(tx: Connection, name: str) -> object:
    return tx.exec_driver_sql(f"PRAGMA {name}").scalar()


@on_sqlite
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


@on_sqlite
def test_a_full_disk_is_said_and_loses_nothing_committed(
    db: Database, database_url: str, tmp_path: Path
) -> None:
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
    out = finish(start(script, database_url, tmp_path))
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
    assert "NotReady The disk under" in finish(
        start(script, url_in(tmp_path / "home"), tmp_path / "home")
    )


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


@on_sqlite
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


@on_sqlite
def test_closing_leaves_one_file(db: Database) -> None:
    with db.write() as tx:
        tx.execute(text("DELETE FROM audit"))
    db.close()
    assert [path.name for path in Path(db.where).parent.iterdir()] == ["sutdol.db"]
    with sqlite3.connect(db.where) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
