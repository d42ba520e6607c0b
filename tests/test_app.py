"""The composition root: a whole life of a guard, without the command line."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from shutil import copytree

import pytest

from sutdol.app import Sutdol, bundled
from sutdol.core.errors import NotReady, UnknownName
from sutdol.core.settings import Settings
from sutdol.core.types import Example
from sutdol.loop import cycle, overview, promote
from sutdol.loop.collect import collect
from sutdol.roles.calibrate import calibrate
from sutdol.roles.labelled import labelled
from sutdol.storage import battles, versions


def ticking() -> Callable[[], datetime]:
    """A clock that is one second later at each look."""
    seconds = iter(range(1_000_000))
    return lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))


def opened(home: Path) -> Sutdol:
    """Sutdol in `home`, with small rounds; what the environment says does not count."""
    settings = Settings.load(
        home=home,
        database_url=f"sqlite:///{home}/sutdol.db",
        openai_base_url=None,
        battle={"texts": 4, "queries": 5, "edits": 4, "trigger": 0.97},
        guard={"fpr": 0.05},
    )
    return Sutdol.open(settings, ticking())


def corrections(folder: Path) -> list[Example]:
    """Feedback as `feedback import` reads it: bundled texts with their labels."""
    rows = [
        {"text": one.input, "label": int(bool(one.target)), "category": one.target}
        for one in some(1_540)[1_500:]
    ]
    path = folder / "web.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return labelled(path, source="feedback:web")


def some(count: int) -> list[Example]:
    texts = bundled()
    Random(7).shuffle(texts)
    return texts[:count]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("app") / "home"
    with opened(home) as sutdol:
        collect(sutdol.guard, some(1_500), kind="data", reviewed=True)
        sutdol.crown_first(seed=0)
    return home


@pytest.fixture
def sutdol(trained: Path, tmp_path: Path) -> Iterator[Sutdol]:
    with opened(copytree(trained, tmp_path / "home")) as found:
        yield found


def champion(sutdol: Sutdol) -> str | None:
    with sutdol.db.read() as tx:
        return versions.alias(tx, "guard", "champion")


def test_opening_makes_the_home_and_its_database(tmp_path: Path) -> None:
    with opened(tmp_path / "deep" / "home") as sutdol:
        assert list(sutdol.workshops) == ["guard"]

    assert (tmp_path / "deep" / "home" / "sutdol.db").is_file()


def test_the_wait_for_other_writers_is_a_setting(tmp_path: Path) -> None:
    from sqlite3 import connect

    from sutdol.core.errors import Busy

    settings = Settings.load(home=tmp_path, database_wait=0.05)
    with Sutdol.open(settings) as sutdol:
        other = connect(sutdol.db.where, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="Another process is writing"), sutdol.db.write():
            pass
        other.close()


def test_without_texts_no_first_guard_is_crowned(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as sutdol, pytest.raises(NotReady, match="give --data FILE"):
        sutdol.crown_first(seed=0)


def test_an_unknown_role_is_named(sutdol: Sutdol) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'guard'"):
        sutdol.workshop("gard")


def test_a_second_first_guard_is_not_trained(sutdol: Sutdol) -> None:
    sutdol.crown_first(seed=9)

    with sutdol.db.read() as tx:
        assert [one.id for one in versions.all(tx, "guard")] == ["guard-v1"]


def test_a_battle_learns_and_each_round_is_on_record(sutdol: Sutdol) -> None:
    campaign = sutdol.campaign([], rounds=2, seed=1)
    fought = [timed.round for timed in campaign]

    with sutdol.db.read() as tx:
        stored = battles.rounds(tx, "1")
        assert battles.get(tx, "1").state == "done"
    assert [one.body["seen"] for one in stored] == [one.json()["seen"] for one in fought]
    assert all(one.learned > 0 for one in fought)
    assert all(one.verdict is not None for one in fought)


def test_a_battle_of_an_unknown_strategy_is_refused_before_any_work(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as sutdol, pytest.raises(UnknownName, match="'mixed'"):
        sutdol.campaign([], attack_strategy="mixd")


def test_feedback_is_learned_and_stands_in_the_lineage(sutdol: Sutdol, tmp_path: Path) -> None:
    taken = collect(sutdol.guard, corrections(tmp_path), kind="feedback", reviewed=False)
    outcome = cycle.improve(sutdol.guard, seed=0)

    assert taken.new == 40
    found = overview.descent(sutdol.guard, outcome.verdict.challenger)
    assert [one["version"] for one in found["ancestors"]] == ["guard-v2", "guard-v1"]
    from_feedback = [o for o in found["ancestors"][0]["origins"] if o["kind"] == "feedback"]
    assert from_feedback[0]["source"] == "feedback:web"
    assert 0 < from_feedback[0]["rows"] <= 40
    assert len(found["ancestors"][0]["examples"]) == found["ancestors"][0]["rows"]
    assert not outcome.promoted
    assert champion(sutdol) == "guard-v1"


def test_forgetting_names_only_the_versions_that_learned_from_it(
    sutdol: Sutdol, tmp_path: Path
) -> None:
    collect(sutdol.guard, corrections(tmp_path), kind="feedback", reviewed=False)
    cycle.improve(sutdol.guard, seed=0)

    assert overview.forget(sutdol.guard, "feedback:web") == {
        "source": "feedback:web",
        "forgotten": 40,
        "retrain": ["guard-v2"],
    }


def test_rolling_back_returns_the_previous_champion_and_serves_it(sutdol: Sutdol) -> None:
    benign = [one for one in some(1_700)[1_500:] if not one.target]
    text = "see you at the library tomorrow"
    before = sutdol.live().score(text), sutdol.live().thresholds
    calibrate(sutdol.guard, sutdol.guard_role, benign, fpr=0.2)
    calibrated = champion(sutdol), sutdol.live().thresholds

    promote.rollback(sutdol.guard, reason="a test")

    assert calibrated[0] == "guard-v2"
    assert calibrated[1] != before[1]
    assert champion(sutdol) == "guard-v1"
    assert (sutdol.live().score(text), sutdol.live().thresholds) == before


def test_the_check_up_names_what_is_missing(sutdol: Sutdol) -> None:
    found = {one["name"]: one for one in sutdol.checkup()}

    assert found["guard"]["text"] == "guard-v1 loads"
    assert "hate" in found["untrained categories"]["text"]


def test_without_an_endpoint_nothing_is_rewritten(sutdol: Sutdol) -> None:
    assert sutdol.rewrite() is None
