"""Fresh databases for tests, of both kinds; PostgreSQL is looked for at SUTDOL_TEST_POSTGRES."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from sqlalchemy import make_url
from tests.postgres_server import PostgresServer

from sutdol.storage.database import Database

# Read before any test changes the environment.
SERVER = os.environ.get("SUTDOL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REQUIRED = os.environ.get("SUTDOL_REQUIRE_SERVICES", "") not in ("", "0")

on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
"""For a test that is about SQLite's files as such."""
on_postgresql = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
"""For a test that is about PostgreSQL as such."""


class Databases(Protocol):
    """Makes databases of one kind; `home` is where a kind that keeps files puts them."""

    kind: str

    def nothing(self, home: Path) -> str:
        """The URL of a database that holds nothing yet."""
        ...

    def migrated(self, home: Path) -> str:
        """The URL of a database with all tables and no rows."""
        ...

    def copy(self, url: str, home: Path) -> str:
        """The URL of a copy of a database that nobody has open."""
        ...

    def drop(self, url: str) -> None:
        """Remove a database, even if somebody still has it open."""
        ...


class SqliteFiles:
    """A file `sutdol.db` in the home of each database."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._template = self.nothing(folder)
        Database.open(self._template, folder).close()

    def nothing(self, home: Path) -> str:
        return f"sqlite+pysqlite:///{home}/sutdol.db"

    def migrated(self, home: Path) -> str:
        return self.copy(self._template, home)

    def copy(self, url: str, home: Path) -> str:
        source, target = Path(str(make_url(url).database)), home / "sutdol.db"
        if source != target:
            shutil.copy(source, target)
        return self.nothing(home)

    def drop(self, url: str) -> None:
        Path(str(make_url(url).database)).unlink(missing_ok=True)


@contextmanager
def databases_of(kind: str, folder: Path) -> Iterator[Databases]:
    """The maker of one kind; without a server its tests are skipped, or fail where required."""
    if kind == "sqlite":
        yield SqliteFiles(folder)
        return
    try:
        admin = psycopg.connect(SERVER, autocommit=True, connect_timeout=10)
    except psycopg.Error as error:
        why = f"PostgreSQL is needed at {make_url(SERVER)!r}: {error}"
        if REQUIRED:
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    with closing(admin):
        server = PostgresServer(admin, make_url(SERVER), folder)
        try:
            yield server
        finally:
            server.drop_all()


def rewrite(url: str, statement: str, *values: object) -> int:
    """Change rows behind Sutdol's back, with `%s` for each value; how many were changed."""
    where = make_url(url)
    if where.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(where.database))) as file, file:
            return file.execute(statement.replace("%s", "?"), values).rowcount
    plain = where.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as server:
        return server.execute(statement.encode(), values).rowcount
