"""Databases for the tests of every folder: SQLite and PostgreSQL, fresh for each test."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import Databases, databases_of

SLOW = ("story", "trained", "real_battle", "refusals", "guarded")
"""Fixtures that are made by one worker and not by each."""


def pytest_xdist_auto_num_workers() -> int:
    """Much of the suite waits for other processes."""
    return min(2 * (os.cpu_count() or 1), 8)


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what is slow to make stay together; and crowds of workers on PostgreSQL come
    one after the other: it has a hundred connections.
    """
    for item in items:
        used = getattr(item, "fixturenames", ())
        shared = next((one for one in SLOW if one in used), None)
        if shared is not None:
            kind = "-postgresql" if "postgresql" in item.name else ""
            item.add_marker(pytest.mark.xdist_group(f"{item.path.parent.name}-{shared}{kind}"))
        elif "new_site" in used and "postgresql" in item.name:
            item.add_marker(pytest.mark.xdist_group("postgresql-workers"))


def pytest_collection_finish() -> None:
    """Thousands of tests are kept to the end: to look through them for garbage again and again
    takes a tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 50)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    """The maker of databases of one kind, for fixtures that keep a filled one to copy.

    Whatever uses it runs twice, once a kind. See `Databases` in tests/databases.py for what it
    makes; mark a test with `on_sqlite` or `on_postgresql` from there to run it on one kind only.
    """
    with databases_of(str(request.param), tmp_path_factory.mktemp("databases")) as made:
        yield made


@pytest.fixture
def database_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database without rows, of this test alone: it runs on both kinds.

    Use it as `Database.open(database_url, tmp_path)`, or as `Settings.load(home=tmp_path,
    database_url=database_url)`, or give it to another process: the URL is all one needs. On SQLite
    the file is `tmp_path/sutdol.db`. Without a PostgreSQL server (SUTDOL_TEST_POSTGRES) that half
    is skipped, or fails under SUTDOL_REQUIRE_SERVICES=1.
    """
    url = databases.migrated(tmp_path)
    yield url
    databases.drop(url)


@pytest.fixture
def empty_database_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it, to be migrated by the test."""
    url = databases.nothing(tmp_path)
    yield url
    databases.drop(url)
