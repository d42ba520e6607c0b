"""Copies between databases: nothing is lost on the way, and half a copy is none."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.databases import rewrite
from tests.storage.processes import start
from tests.storage.rows import EACH, fill

from sutdol.core.errors import BadInput, Corrupted, NotReady, Refused
from sutdol.storage import audit, looks, versions
from sutdol.storage.audit import Event
from sutdol.storage.copy import Copied, content, copy
from sutdol.storage.database import Database
from sutdol.storage.tables import metadata

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def silent(table: str, rows: int, total: int) -> None:
    return None


def contents(db: Database) -> list[Copied]:
    with db.read() as tx:
        return [content(tx, table) for table in metadata.sorted_tables]


def is_empty(db: Database) -> bool:
    return all((one.rows, one.hash) == (0, EMPTY) for one in contents(db))


def dump(path: Path) -> list[str]:
    """All rows of a SQLite file, as the file holds them."""
    with closing(sqlite3.connect(path)) as file:
        return sorted(line for line in file.iterdump() if line.startswith("INSERT"))


@pytest.fixture
def full_url(tmp_path: Path) -> str:
    """A SQLite database with rows in every table."""
    url = f"sqlite:///{tmp_path}/full.db"
    with Database.open(url, tmp_path) as db, db.write() as tx:
        fill(tx)
    return url


def test_every_table_comes_back_from_the_round_trip_as_it_was(
    full_url: str, database_url: str, tmp_path: Path
) -> None:
    back_url = f"sqlite:///{tmp_path}/back.db"
    with (
        Database.found(full_url) as full,
        Database.found(database_url) as there,
        Database.open(back_url, tmp_path) as back,
    ):
        out = copy(full, there, silent)
        home = copy(there, back, silent)
        assert out == home == contents(full) == contents(there) == contents(back)
        for table in metadata.sorted_tables:
            with full.read() as old, there.read() as new:
                rows = select(table).order_by(*table.primary_key.columns)
                assert old.execute(rows).all() == new.execute(rows).all()
    assert {one.rows for one in out} == {EACH}
    assert len({one.hash for one in out}) == len(metadata.tables)
    assert len(dump(tmp_path / "full.db")) == EACH * len(metadata.tables) + 1
    assert dump(tmp_path / "full.db") == dump(tmp_path / "back.db")


def test_one_changed_letter_changes_the_hash(full_url: str) -> None:
    with Database.found(full_url) as full:
        before = contents(full)
        rewrite(full_url, "UPDATE audit SET actor = actor || '.' WHERE id = 7")
        changed = [new for old, new in zip(before, contents(full), strict=True) if old != new]
    assert [one.table for one in changed] == ["audit"]


def test_what_is_written_after_the_copy_counts_on(
    full_url: str, database_url: str, tmp_path: Path, now: datetime
) -> None:
    with Database.found(full_url) as full, Database.found(database_url) as there:
        copy(full, there, silent)
        with there.write() as tx:
            told = Event(actor="a", action="b", subject="c", body={}, created_at=now)
            audit.add(tx, told)
            assert audit.events(tx, limit=1) == [told]
            look = looks.NewLook(key="k", champion=None, challenger="x", purpose="gate")
            assert looks.charge(tx, "new", look, alpha=lambda j: 1 / j, now=now).id == EACH + 1


def test_a_target_with_rows_is_refused_and_left_as_it_is(
    full_url: str, database_url: str, now: datetime
) -> None:
    with Database.found(full_url) as full, Database.found(database_url) as there:
        with there.write() as tx:
            audit.add(tx, Event(actor="a", action="b", subject="c", body={}, created_at=now))
        with pytest.raises(Refused, match=r"is not empty \(audit: 1 rows\): name an empty one"):
            copy(full, there, silent)
        assert sum(one.rows for one in contents(there)) == 1


def test_a_database_is_not_copied_onto_itself(full_url: str) -> None:
    with Database.found(full_url) as full, Database.found(full_url) as same:
        before = contents(full)
        with pytest.raises(Refused, match="is not empty"):
            copy(full, same, silent)
        assert contents(full) == before


def test_a_copy_killed_in_the_middle_leaves_the_target_empty(
    full_url: str, database_url: str, tmp_path: Path
) -> None:
    killed = start(
        """
def progress(table, rows, total):
    if table == "version":
        os.kill(os.getpid(), 9)
with Database.found(sys.argv[3]) as full, Database.found(url) as there:
    copy(full, there, progress)
""",
        database_url,
        tmp_path,
        full_url,
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    with Database.found(full_url) as full, Database.found(database_url) as there:
        assert is_empty(there)
        assert copy(full, there, silent) == contents(full)


def test_a_copy_that_is_interrupted_leaves_the_target_empty(
    full_url: str, database_url: str
) -> None:
    def interrupt(table: str, rows: int, total: int) -> None:
        if table == "verdict":
            raise KeyboardInterrupt

    with Database.found(full_url) as full, Database.found(database_url) as there:
        with pytest.raises(KeyboardInterrupt):
            copy(full, there, interrupt)
        assert is_empty(there)


def test_what_is_written_meanwhile_stays_behind(
    full_url: str, database_url: str, tmp_path: Path, now: datetime
) -> None:
    """The rows are those of one moment, whichever side is being read."""
    with Database.found(full_url) as full, Database.found(database_url) as there:
        copy(full, there, silent)
        before = contents(there)

        def write(table: str, rows: int, total: int) -> None:
            if (table, rows) == ("audit", EACH):
                with there.write() as tx:
                    versions.point(tx, "guard", "champion", None)
                    audit.add(
                        tx, Event(actor="a", action="b", subject="c", body={}, created_at=now)
                    )

        with Database.open(f"sqlite:///{tmp_path}/third.db", tmp_path) as third:
            assert copy(there, third, write) == before == contents(third)
        assert contents(there) != before


def test_more_rows_than_a_batch_holds_are_told_as_they_come(
    database_url: str, tmp_path: Path, now: datetime
) -> None:
    told: list[tuple[str, int, int]] = []
    with Database.open(f"sqlite:///{tmp_path}/many.db", tmp_path) as many:
        with many.write() as tx:
            for number in range(2_500):
                event = Event(actor=str(number), action="", subject="", body={}, created_at=now)
                audit.add(tx, event)
        with Database.found(database_url) as there:
            copy(many, there, lambda *step: told.append(step))
            assert contents(there) == contents(many)
    assert told == [("audit", 1_000, 2_500), ("audit", 2_000, 2_500), ("audit", 2_500, 2_500)]


def test_a_target_that_changes_what_it_is_given_is_found_out(full_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/sly.db"
    with Database.found(full_url) as full, Database.open(url, tmp_path) as sly:
        rewrite(
            url,
            "CREATE TRIGGER sly AFTER INSERT ON look BEGIN"
            " UPDATE look SET alpha = 1 WHERE id = NEW.id; END",
        )
        with pytest.raises(
            Corrupted, match="The table look came out otherwise: nothing was copied"
        ):
            copy(full, sly, silent)
        assert is_empty(sly)


def test_a_source_of_an_older_release_is_to_be_upgraded_first(
    full_url: str, database_url: str
) -> None:
    with Database.found(full_url) as full, Database.found(database_url) as there:
        full.migrate("0002")
        with pytest.raises(NotReady, match=r"at revision 0002 .*: run `sutdol db upgrade` on it"):
            copy(full, there, silent)


def test_a_text_that_only_sqlite_keeps_is_named_with_its_table(
    full_url: str, database_url: str
) -> None:
    """Older releases let it in."""
    rewrite(full_url, "UPDATE audit SET actor = 'a' || char(0) WHERE id = 3")
    with Database.found(full_url) as full, Database.found(database_url) as there:
        with pytest.raises(BadInput, match=r"NUL character: .* It stands in the table audit"):
            copy(full, there, silent)
        assert is_empty(there)
