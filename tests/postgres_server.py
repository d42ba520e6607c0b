"""PostgreSQL for tests: databases that are made once and emptied for the next test.

To make and drop one costs a tenth of a second of the server, to empty one a tenth of that. Each
session's names begin alike; what a killed session left behind is dropped by the next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL, make_url

from sutdol.storage.database import Database
from sutdol.storage.tables import metadata

PREFIX = "sutdol_test_"
TABLES = [SQL("{}").format(Identifier(table.name)) for table in metadata.sorted_tables]
COUNTED = [
    table.name
    for table in metadata.sorted_tables
    if [column.name for column in table.primary_key] == ["id"]
    and table.primary_key.columns[0].type.python_type is int
]
SHAPE = """
SELECT (SELECT string_agg(version_num, '') FROM sutdol_version),
    (SELECT sum(ascii(tgenabled::text)) FROM pg_trigger),
    md5(string_agg(concat_ws(' ', relname, relkind, attname, atttypid, attcollation), ','
        ORDER BY nspname, relname, attnum))
FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE nspname NOT LIKE 'pg_%' AND nspname <> 'information_schema'
"""
"""What tests do not change in a database that the next one can use."""
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

Admin = psycopg.Connection[tuple[object, ...]]


class PostgresServer:
    """Databases of one server; they sort by a language's rules where ours do not say otherwise."""

    kind = "postgresql"

    def __init__(self, admin: Admin, where: URL, folder: Path) -> None:
        self._admin, self._where, self._made = admin, where, 0
        self._free: list[str] = []
        self._small: set[str] = set()  # those without rows at first, which are soon emptied
        self._number = uuid4().int % 2**62
        self._sweep()
        admin.execute("SELECT pg_advisory_lock(%s)", [self._number])
        self._empty = self._create(
            "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        )
        self._template = self.nothing(folder)
        Database.open(self._template, folder).close()
        with self._inside(self._template) as server:
            self._shape = server.execute(SHAPE).fetchone()

    def nothing(self, home: Path) -> str:
        return self._create(f"TEMPLATE {make_url(self._empty).database}")

    def migrated(self, home: Path) -> str:
        if self._free:
            return self._free.pop()
        made = self._create(f"TEMPLATE {make_url(self._template).database}")
        self._small.add(made)
        return made

    def copy(self, url: str, home: Path) -> str:
        return self._create(f"TEMPLATE {make_url(url).database}")

    def drop(self, url: str) -> None:
        if url in self._small and self._emptied(url):
            self._free.append(url)
        else:
            self._drop(str(make_url(url).database))

    def drop_all(self) -> None:
        for name in self._names(f"{PREFIX}{self._number}_"):
            self._drop(name)

    def _emptied(self, url: str) -> bool:
        """Take all rows out, if it is otherwise as it was made."""
        with self._inside(url) as server:
            server.execute(OTHERS)
            if server.execute("SELECT to_regclass('sutdol_version')").fetchone() == (None,):
                return False
            if server.execute(SHAPE).fetchone() != self._shape:
                return False
            for table in reversed(TABLES):
                server.execute(SQL("DELETE FROM {}").format(table))
            for name in COUNTED:
                server.execute(
                    SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), 1, false)").format(
                        f'"{name}"'
                    )
                )
        return True

    @contextmanager
    def _inside(self, url: str) -> Iterator[Admin]:
        plain = make_url(url).set(drivername="postgresql")
        with psycopg.connect(plain.render_as_string(hide_password=False)) as server:
            yield server

    def _create(self, how: str) -> str:
        self._made += 1
        name = f"{PREFIX}{self._number}_{self._made}"
        self._admin.execute(f"CREATE DATABASE {name} {how}".encode())
        url = self._where.set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def _drop(self, name: str) -> None:
        self._admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    def _names(self, prefix: str) -> list[str]:
        found = self._admin.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
        )
        return [str(name) for (name,) in found]

    def _sweep(self) -> None:
        """Drop what sessions left whose lock is free: they are dead."""
        for name in self._names(PREFIX):
            owner = int(name.removeprefix(PREFIX).partition("_")[0])
            lock = self._admin.execute("SELECT pg_try_advisory_lock(%s)", [owner]).fetchone()
            if lock == (True,):
                self._drop(name)
                self._admin.execute("SELECT pg_advisory_unlock(%s)", [owner])
