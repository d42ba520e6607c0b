"""Sites for flows, and what the toy flows come to when nobody is killed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import corpus, home, start, sutdol, trained  # noqa: F401  fixtures
from tests.databases import Databases
from tests.flow.site import Agency, Site, Undisturbed, run_undisturbed


@pytest.fixture(scope="session")
def agency() -> Iterator[Agency]:
    with Agency() as open_:
        yield open_


@pytest.fixture
def new_site(
    databases: Databases, tmp_path: Path, agency: Agency
) -> Iterator[Callable[[str], Site]]:
    """`new_site("a")`: a home on a database of its own; `hire(2)` starts workers there."""
    made: list[Site] = []

    def make(name: str) -> Site:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Site(folder, databases.migrated(folder), agency))
        return made[-1]

    yield make
    for site in made:
        site.close()
        databases.drop(site.url)


@pytest.fixture
def site(new_site: Callable[[str], Site]) -> Site:
    return new_site("home")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Undisturbed]:
    """`undisturbed("battle")`: the toy flow `battle-1`, run in this process."""
    known: dict[str, Undisturbed] = {}

    def run(kind: str) -> Undisturbed:
        if kind not in known:
            known[kind] = run_undisturbed(kind, tmp_path_factory.mktemp(kind))
        return known[kind]

    return run
