"""A home with a small guard, servers on it, and keys for them; on SQLite and PostgreSQL."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from argon2 import PasswordHasher
from tests.api.site import Site, serving
from tests.databases import Databases

from sutdol.app import Sutdol, bundled
from sutdol.core.caller import UserRole
from sutdol.core.settings import Settings
from sutdol.core.types import Example
from sutdol.loop.collect import collect
from sutdol.models.fake import FakeServer
from sutdol.roles.bootstrap import bootstrap
from sutdol.storage import access, passwords, secrets, users
from sutdol.storage.keys import NewKey

SMALL = 900  # texts that the guard of these tests learned from


@dataclass(frozen=True, kw_only=True)
class Home:
    """A home with a guard, of which each test gets a copy."""

    folder: Path
    database_url: str


def mixed() -> list[Example]:
    """The bundled texts, so that the first of them are of every kind."""
    texts = bundled()
    random.Random(5).shuffle(texts)
    return texts


@pytest.fixture(scope="session")
def guarded(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose guard was trained on some of the bundled texts."""
    folder = tmp_path_factory.mktemp("guarded")
    url = databases.migrated(folder)
    with Sutdol.open(Settings.load(home=folder, database_url=url)) as sutdol:
        collect(sutdol.guard, mixed()[:SMALL], kind="data", reviewed=True)
        sutdol.crown_first(seed=0)
    return Home(folder=folder, database_url=url)


@pytest.fixture
def home(guarded: Home, databases: Databases, tmp_path: Path) -> Iterator[Home]:
    """A copy of it for this test."""
    folder = copytree(guarded.folder, tmp_path / "home")
    url = databases.copy(guarded.database_url, folder)
    yield Home(folder=folder, database_url=url)
    databases.drop(url)


@pytest.fixture
def upstream() -> Iterator[FakeServer]:
    """A model server that repeats the words of the last message in reverse."""
    with FakeServer() as server:
        yield server


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow by design, passwords would take a tenth of the time of these tests."""
    cheap = PasswordHasher(time_cost=1, memory_cost=2048, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: cheap)


Serve = Callable[..., Site]


@pytest.fixture
def serve(home: Home) -> Iterator[Serve]:
    """`serve(gateway={"guard_output": True}, auth=True)` starts a server on the home."""
    with ExitStack() as stack:

        def start(*, auth: bool = False, local: bool = True, **flags: Any) -> Site:
            settings = Settings.load(home=home.folder, database_url=home.database_url, **flags)
            return stack.enter_context(serving(settings, is_open=not auth, local=local))

        yield start


@pytest.fixture
def site(serve: Serve, upstream: FakeServer) -> Site:
    """A server that asks for no key, with a model behind it."""
    return serve(openai_base_url=upstream.url)


@pytest.fixture
def locked(serve: Serve, upstream: FakeServer, new_key: Callable[..., str]) -> Site:
    """A server that asks for keys; `site.key` is an admin's."""
    started = serve(auth=True, openai_base_url=upstream.url)
    started.key = new_key("root", "admin")
    return started


@pytest.fixture
def new_key(home: Home) -> Callable[..., str]:
    """`new_key("kim", "user", rpm=3)` makes a user, where there is none, and a key."""

    def make(name: str = "kim", role: UserRole = "user", **limits: Any) -> str:
        now = datetime.now(UTC)
        with Sutdol.open(Settings.load(home=home.folder, database_url=home.database_url)) as sutdol:
            with sutdol.db.read() as tx:
                known = {one.name: one for one in users.all(tx)}
            user = known.get(name) or access.new_user(sutdol.db, name, role, actor="test", now=now)
            new = NewKey(user=user.id, name=f"{name}'s", role=role, **limits)
            pepper = secrets.pepper(sutdol.db, now)
            _, plain = access.new_key(sutdol.db, pepper, new, actor="test", now=now)
        return plain

    return make


@pytest.fixture(scope="session")
def offence(guarded: Home) -> str:
    """A text of the templates that the guard flags beyond doubt."""
    settings = Settings.load(home=guarded.folder, database_url=guarded.database_url)
    texts = [one.text for one in bootstrap() if one.category and one.lang == "en"]
    with Sutdol.open(settings) as sutdol:
        scores, flags = sutdol.live().judge(texts[:200])
    return max((s, t) for s, f, t in zip(scores, flags, texts, strict=False) if f)[1]
