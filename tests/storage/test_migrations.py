"""Migrations make exactly the tables we declare, keep the rows, and leave strangers alone."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from tests.databases import on_postgresql, rewrite

from sutdol.core.errors import Corrupted, NotReady, UnknownName, UsageError
from sutdol.storage import migrations
from sutdol.storage.database import Database
from sutdol.storage.tables import metadata

NEWEST = migrations.revisions()[-1]
BATTLE = (
    "INSERT INTO battle (id, role, seed, settings, state, created_at, updated_at)"
    " VALUES ('1', 'guard', 7, '{}', 'done', '2026', '2026')"
)
ROUND = (
    "INSERT INTO round (battle, number, body, timing, created_at)"
    " VALUES ('1', 1, '{\"seen\": 0.5}', '{}', '2026')"
)


def tables(db: Database) -> set[str]:
    with db.read() as tx:
        return set(inspect(tx).get_table_names()) - {migrations.VERSION_TABLE}


def differences(db: Database) -> object:
    """Between the tables that are there and those we declare."""
    with db.read() as tx:
        context = MigrationContext.configure(
            tx, opts={"version_table": migrations.VERSION_TABLE, "compare_type": True}
        )
        return compare_metadata(context, metadata)


def test_migrations_and_tables_agree(db: Database) -> None:
    assert differences(db) == []
    assert tables(db) == set(metadata.tables)


def test_file_names_and_revisions_agree() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    scripts = ScriptDirectory.from_config(config)
    known = [script.revision for script in scripts.walk_revisions()]
    assert migrations.revisions() == sorted(known)
    assert scripts.get_current_head() == NEWEST


def test_what_goes_up_comes_down_and_goes_up_again(db: Database) -> None:
    assert db.migrate("base") == NEWEST
    assert tables(db) == set()
    assert db.revision() is None
    assert db.migrate() is None
    assert db.revision() == NEWEST
    assert differences(db) == []


@pytest.mark.parametrize("step", migrations.revisions()[:-1])
def test_rows_of_an_older_release_are_kept_up_and_down(
    empty_database_url: str, tmp_path: Path, step: str
) -> None:
    with Database.prepare(empty_database_url, tmp_path) as db:
        db.migrate("0001")
        for statement in (BATTLE, ROUND):
            assert rewrite(empty_database_url, statement) == 1
        for revision in (NEWEST, step, NEWEST):
            db.migrate(revision)
            with db.read() as tx:
                assert tx.execute(text("SELECT id, seed FROM battle")).all() == [("1", 7)]
                assert tx.execute(text("SELECT battle, number FROM round")).all() == [("1", 1)]
        assert differences(db) == []


def test_a_key_that_points_nowhere_stops_a_migration(database_url: str, tmp_path: Path) -> None:
    """PostgreSQL lets no such row in; from SQLite one must not be carried along in silence."""
    lone = ROUND.replace("'1'", "'nothing'")
    with Database.open(database_url, tmp_path) as db:
        if not database_url.startswith("sqlite"):
            with pytest.raises(Exception, match="fk_round_battle"):
                rewrite(database_url, lone)
            return
        rewrite(database_url, lone)
        with pytest.raises(Corrupted, match="round point to rows of battle that are gone"):
            db.migrate("0001")
        assert db.revision() == NEWEST


def test_foreign_keys_are_watched_again_after_a_migration(db: Database) -> None:
    db.migrate("0001")
    db.migrate()
    with pytest.raises(Exception, match=r"(?i)foreign key"), db.write() as tx:
        tx.execute(text(ROUND.replace("'1'", "'nothing'").replace('"seen": 0.5', "")))


def test_an_unknown_revision_is_named(db: Database) -> None:
    with pytest.raises(UnknownName, match="No revision named '0099'"):
        db.migrate("0099")


@on_postgresql
def test_every_text_is_compared_by_its_bytes(db: Database) -> None:
    with db.read() as tx:
        found = tx.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name <> :ours"
                " AND data_type IN ('text', 'character varying')"
                " AND collation_name IS DISTINCT FROM 'C'"
            ),
            {"ours": migrations.VERSION_TABLE},
        ).all()
    assert found == []


def test_a_newer_database_is_refused(database_url: str, tmp_path: Path) -> None:
    rewrite(database_url, "UPDATE sutdol_version SET version_num = '9999'")
    with pytest.raises(NotReady, match=r"newer Sutdol \(revision 9999\).*pip install"):
        Database.open(database_url, tmp_path)


def test_another_programs_database_is_refused_and_untouched(
    empty_database_url: str, tmp_path: Path
) -> None:
    rewrite(empty_database_url, "CREATE TABLE version (x INTEGER)")
    with pytest.raises(UsageError, match="another program's tables"):
        Database.open(empty_database_url, tmp_path)
    with Database.prepare(empty_database_url, tmp_path) as db:
        assert tables(db) == {"version"}


def test_a_home_with_odd_letters_migrates(tmp_path: Path) -> None:
    home = tmp_path / "100% 숫돌"
    Database.open(f"sqlite:///{tmp_path}/100%25 숫돌/sutdol.db", home).close()
    with sqlite3.connect(home / "sutdol.db") as plain:
        assert plain.execute("SELECT count(*) FROM example").fetchone() == (0,)
    plain.close()
