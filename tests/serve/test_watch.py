"""Who looks for changes beside the requests: what goes wrong there, and what is told at the end."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from tests.api.conftest import Home
from tests.api.site import serving

from sutdol.app import Sutdol
from sutdol.core.errors import Corrupted
from sutdol.core.settings import Settings
from sutdol.serve import watch
from sutdol.serve.watch import Watch
from sutdol.storage import access, keys, secrets
from sutdol.storage.database import Database
from sutdol.storage.keys import NewKey
from sutdol.storage.writer import Writer


def test_a_key_that_was_used_is_known_to_be_when_the_server_has_stopped(
    home: Home, new_key: Callable[..., str]
) -> None:
    key = new_key()
    settings = Settings.load(home=home.folder, database_url=home.database_url)
    with serving(settings, is_open=False) as site:
        assert site.get("/v1/models", key=key).status == 200

    with Sutdol.open(settings) as sutdol, sutdol.db.read() as tx:
        (known,) = keys.all(tx)
    assert known.last_used_at is not None


class Parts:
    """All that is watched, and how often it was looked at."""

    def __init__(self, db: Database) -> None:
        now = datetime.now(UTC)
        user = access.new_user(db, "kim", "user", actor="test", now=now)
        new = NewKey(user=user.id, name="kim's", role="user")
        self.key, _ = access.new_key(db, secrets.pepper(db, now), new, actor="test", now=now)
        self.looked = 0
        self.fault: Exception | None = None
        self.members: Any = {}
        self.writer = Writer(db)
        self.sutdol = SimpleNamespace(db=db)
        self.door = self.guard = self.pool = self

    def now(self) -> datetime:
        return datetime.now(UTC)

    def used(self) -> set[str]:
        return {self.key.id}

    def forget(self) -> None:
        pass

    def look(self) -> None:
        self.looked += 1
        if self.fault is not None:
            raise self.fault

    def last_used(self) -> datetime | None:
        with self.sutdol.db.read() as tx:
            (known,) = keys.all(tx)
        return known.last_used_at


@pytest.fixture
def parts(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(watch, "EVERY", 0.005)
    with Database.open(database_url, tmp_path) as db:
        made = Parts(db)
        yield made
        made.writer.close()


def look(parts: Any, *, until: Callable[[], bool]) -> None:
    """Watch until it is so."""

    async def run() -> None:
        watching = asyncio.create_task(Watch(parts).run())
        deadline = monotonic() + 10
        while not until():
            assert not watching.done()
            assert monotonic() < deadline
            await asyncio.sleep(0.005)
        watching.cancel()

    asyncio.run(run())


def test_a_champion_that_does_not_load_is_not_read_again_and_again(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "USED", 0.1)
    parts.fault = Corrupted("the champion is damaged")
    look(parts, until=lambda: parts.last_used() is not None)  # told nevertheless

    assert parts.looked == 1


def test_a_champion_that_did_not_load_is_tried_again(
    parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PAUSE", 0.01)
    parts.fault = Corrupted("the champion is damaged")
    look(parts, until=lambda: parts.looked > 2)


def test_figures_that_cannot_be_noted_end_nothing(parts: Any) -> None:
    parts.members = None
    look(parts, until=lambda: parts.looked > 2)


def test_what_was_used_is_told_at_once_where_the_writer_is_full(parts: Any) -> None:
    parts.writer.close()  # as when it is full
    asyncio.run(Watch(parts).close())

    assert parts.last_used() is not None
