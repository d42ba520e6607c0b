"""Migrations make exactly the tables we declare, and leave other databases alone."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from sutdol.core.errors import NotReady, UsageError
from sutdol.storage import migrations
from sutdol.storage.database import Database
from sutdol.storage.tables import metadata


def test_migrations_and_tables_agree(db: Database) -> None:
    with db.read() as tx:
        context = MigrationContext.configure(
            tx, opts={"version_table": migrations.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []
        tables = inspect(tx).get_table_names()
    assert set(tables) == {*metadata.tables, migrations.VERSION_TABLE}


def test_file_names_and_revisions_agree() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    scripts = ScriptDirectory.from_config(config)
    known = [script.revision for script in scripts.walk_revisions()]
    assert migrations.revisions() == sorted(known)
    assert scripts.get_current_head() == migrations.revisions()[-1]


def test_a_newer_database_is_refused(tmp_path: Path, migrated: Path) -> None:
    path = tmp_path / "sutdol.db"
    shutil.copy(migrated, path)
    with sqlite3.connect(path) as plain:
        plain.execute("UPDATE sutdol_version SET version_num = '9999'")
    plain.close()
    with pytest.raises(NotReady, match=r"newer Sutdol \(revision 9999\).*pip install"):
        Database.open(f"sqlite:///{path}", tmp_path)


def test_another_programs_database_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with sqlite3.connect(path) as plain:
        plain.execute("CREATE TABLE version (x)")
    with pytest.raises(UsageError, match="another program's tables"):
        Database.open(f"sqlite:///{path}", tmp_path)
    assert plain.execute("SELECT name FROM sqlite_master").fetchall() == [("version",)]
    plain.close()


def test_a_home_with_odd_letters_migrates(tmp_path: Path) -> None:
    home = tmp_path / "100% 숫돌"
    Database.open(f"sqlite:///{tmp_path}/100%25 숫돌/sutdol.db", home).close()
    assert (home / "sutdol.db").stat().st_size > 0
