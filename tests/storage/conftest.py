"""A migrated database for each test, of both kinds, and short ways to fill it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tests.redis_server import RedisServer, redis_server

from sutdol.core.types import Example, Part
from sutdol.storage import examples, versions
from sutdol.storage.database import Database
from sutdol.storage.redis import Redis
from sutdol.storage.versions import Version

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def db(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A migrated database without rows, on SQLite and on PostgreSQL."""
    with Database.open(database_url, tmp_path, wait=5) as database:
        yield database


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    with redis_server(tmp_path) as one:
        yield one


@pytest.fixture
def here(server: RedisServer) -> Iterator[Redis]:
    """This process, as Redis sees it."""
    one = Redis.open(server.url, rest=0.1)
    yield one
    one.close()


@pytest.fixture
def there(server: RedisServer) -> Iterator[Redis]:
    """Another process."""
    one = Redis.open(server.url, rest=0.1)
    yield one
    one.close()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def text() -> Callable[..., Example]:
    """`text("hi", part="dev")` is a harmless English example in a group of its own."""

    def make(
        message: str,
        *,
        source: str = "import:a",
        part: Part = "train",
        group: str | None = None,
        target: str = "",
    ) -> Example:
        return Example(
            input=message,
            target=target,
            lang="en",
            source=source,
            group=message if group is None else group,
            part=part,
        )

    return make


@pytest.fixture
def keep(text: Callable[..., Example]) -> Callable[..., list[str]]:
    """`keep(tx, "a", "b", part="dev")` stores texts of the guard and returns their ids."""

    def store(
        tx: Connection, *messages: str, kind: examples.Kind = "data", **how: str
    ) -> list[str]:
        made = [text(message, **how) for message in messages]
        examples.add(tx, "guard", made, kind=kind, reviewed=True, now=NOW)
        return [examples.identity("guard", kind, one) for one in made]

    return store


@pytest.fixture
def train() -> Callable[..., str]:
    """`train(tx)` stores the next guard version and returns its id."""

    def store(
        tx: Connection, parent: str | None = None, snapshot: str | None = None, role: str = "guard"
    ) -> str:
        id_ = versions.next_id(tx, role)
        versions.add(
            tx,
            Version(
                id=id_,
                role=role,
                parent=parent,
                snapshot=snapshot,
                path=f"models/{id_}",
                checksum="c" * 64,
                manifest={"seed": 1},
                created_at=NOW,
            ),
        )
        return id_

    return store
