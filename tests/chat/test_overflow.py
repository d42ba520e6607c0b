"""Rows that the writer's queue has no room for are written all the same, or counted as lost."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.databases import Databases

from sutdol.chat.overflow import Overflow
from sutdol.storage import requests
from sutdol.storage.database import Database
from sutdol.storage.requests import Request
from sutdol.storage.writer import Row, Writer

AT = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def db(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    url = databases.migrated(tmp_path)
    found = Database.open(url, tmp_path)
    yield found
    found.close()
    databases.drop(url)


def row(id_: str) -> Row:
    made = Request(
        id=id_, user="u", route="chat", model="m", status=200, milliseconds=1.0, created_at=AT
    )
    return requests.row(made)


def written(db: Database) -> set[str]:
    with db.read() as tx:
        return {one.id for one in requests.newest(tx)}


def test_they_are_written_in_a_thread_until_it_is_closed(db: Database) -> None:
    writer = Writer(db)
    overflow = Overflow(writer)

    async def put() -> None:
        for number in range(5):
            overflow.write([row(str(number))])
        overflow.close()

    asyncio.run(put())
    writer.close()

    assert written(db) == {"0", "1", "2", "3", "4"}
    assert writer.dropped == 0


def test_only_so_many_wait_and_others_are_counted(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    writer = Writer(db)
    overflow = Overflow(writer, most=3)

    async def put() -> None:
        overflow.write([row("a"), row("b")])
        overflow.write([row("c"), row("d")])
        overflow.write([row("e")])
        overflow.close()

    asyncio.run(put())
    writer.close()

    assert written(db) == {"a", "b", "e"}
    assert writer.dropped == 2
    assert "2 rows were lost" in caplog.text


def test_what_comes_too_late_is_counted_too(db: Database) -> None:
    writer = Writer(db)
    overflow = Overflow(writer)
    overflow.close()
    writer.close()
    overflow.write([row("late")])

    assert writer.dropped == 1


def test_there_is_room_again_when_they_are_written(db: Database) -> None:
    writer = Writer(db)
    overflow = Overflow(writer, most=1)

    async def put() -> None:
        for number in range(3):
            overflow.write([row(str(number))])
            await asyncio.sleep(0.3)
        overflow.close()

    asyncio.run(put())
    writer.close()

    assert written(db) == {"0", "1", "2"}


def test_what_cannot_be_written_is_told_without_its_values(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    writer = Writer(db)
    overflow = Overflow(writer)
    wrong = Row(table=row("x").table, values={"id": "secret"})

    async def put() -> None:
        overflow.write([wrong])
        await asyncio.to_thread(overflow.close)
        await asyncio.sleep(0)

    asyncio.run(put())
    writer.close()

    assert "1 rows were lost" in caplog.text
    assert "secret" not in caplog.text
    assert writer.dropped == 1
