"""The composition root: a whole life of a guard, without the command line."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.databases import on_postgresql
from tests.killed import Mortal

from sutdol.app import Sutdol, bundled
from sutdol.arena.campaign import told
from sutdol.checkup import checkup
from sutdol.core.errors import NotReady, Refused, UnknownName
from sutdol.core.settings import Settings
from sutdol.core.types import Example
from sutdol.flow import inline
from sutdol.flow.plan import Json, Key
from sutdol.flows import KINDS, Deeds, run_inline
from sutdol.loop import cycle, overview, promote
from sutdol.loop.collect import collect
from sutdol.loop.verify import verify
from sutdol.roles.calibrate import calibrate
from sutdol.roles.labelled import labelled
from sutdol.storage import (
    battles,
    evaluations,
    looks,
    requests,
    server_tables,
    sessions,
    turns,
    uploads,
    users,
    verdicts,
    versions,
)
from sutdol.storage.check import check
from sutdol.storage.requests import Request
from sutdol.storage.uploads import Receiving, Upload
from sutdol.storage.writer import Writer

DAY = timedelta(days=1)


def ticking() -> Callable[[], datetime]:
    """A clock that is one second later at each look."""
    seconds = iter(range(1_000_000))
    return lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))


def opened(home: Path, database_url: str | None = None) -> Sutdol:
    """Sutdol in `home`, with small rounds; what the environment says does not count."""
    settings = Settings.load(
        home=home,
        database_url=database_url or f"sqlite:///{home}/sutdol.db",
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


def fight(sutdol: Sutdol, **asked: Any) -> dict[str, Any]:
    """A battle here and now; its JSON."""
    ended = run_inline(sutdol, "battle", sutdol.plan(**asked).args())
    with sutdol.db.read() as tx:
        return told(tx, ended["battle"])


@pytest.fixture(scope="module")
def undisturbed(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home after a battle of two rounds."""
    home = copytree(trained, tmp_path_factory.mktemp("fought") / "home")
    with opened(home) as sutdol:
        fight(sutdol, rounds=2, seed=1)
    return home


def test_a_battle_learns_and_each_round_is_on_record(undisturbed: Path) -> None:
    with opened(undisturbed) as sutdol, sutdol.db.read() as tx:
        fought = told(tx, "1")["rounds"]
        stored = battles.rounds(tx, "1")
        assert battles.get(tx, "1").state == "done"
        judged = [verdicts.get(tx, one["verdict"]["id"]).told() for one in fought]
    assert [one.body for one in stored] == fought
    assert [one["round"] for one in fought] == [1, 2]
    assert all(one["learned"] > 0 for one in fought)
    assert [one["verdict"] for one in fought] == judged


def test_a_battle_killed_after_every_step_comes_to_the_same_rounds(
    trained: Path, undisturbed: Path, tmp_path: Path
) -> None:
    home, mortal = copytree(trained, tmp_path / "killed"), Mortal()
    with opened(home) as sutdol:
        args = sutdol.plan(rounds=2, seed=1).args()

    def another_process() -> Json:
        with opened(home) as fresh:
            deeds = mortal.deeds(Deeds(fresh).all())
            return inline.run(
                "battle", args, flow="battle-1", kinds=KINDS, deeds=deeds, tell=lambda _: None
            )

    assert mortal.to_its_end(another_process) == {"battle": "1"}
    with opened(home) as again, opened(undisturbed) as other:
        with again.db.read() as tx, other.db.read() as other_tx:
            assert told(tx, "1")["rounds"] == told(other_tx, "1")["rounds"]
            assert [one.position for one in looks.all(tx, "guard")] == [1, 2]
            made = [one.id for one in versions.all(tx, "guard")]
            assert turns.holder(tx, "improve-guard") is None
        assert {one.state for one in check(again.db, home)} == {"ok"}
    assert made == ["guard-v1", "guard-v2", "guard-v3"]
    steps = {key.step for key in mortal.record}
    assert steps >= {"claim-1", "snapshot", "train", "evaluate", "gate", "release", "2/record"}


def test_a_flow_that_runs_inline_holds_its_turn_as_this_process(sutdol: Sutdol) -> None:
    holders: list[str | None] = []

    def tell(event: Json) -> None:
        with sutdol.db.read() as tx:
            holders.append(turns.holder(tx, "improve-guard"))

    with pytest.raises(Refused, match="guard-v1 reigns already"):
        run_inline(sutdol, "found", {"role": "guard", "seed": 0, "wait": False}, tell)
    tell({})
    during, after = holders
    assert str(during).startswith(turns.this_process())
    assert after is None


def test_an_evaluation_measures_the_champion_and_keeps_its_figures(sutdol: Sutdol) -> None:
    args = {"role": "guard", "seed": 0}
    ended = run_inline(sutdol, "evaluation", args, flow="evaluation-1")

    with sutdol.db.read() as tx:
        (kept,) = evaluations.all(tx, "guard")
    assert (kept.version, kept.flow) == ("guard-v1", "evaluation-1")
    assert ended == {"version": "guard-v1", "seen": kept.body["seen"], "why": None}
    assert {"seen", "held_out", "adaptive", "fpr_clean", "fpr_twins"} <= set(kept.body)
    again = run_inline(sutdol, "evaluation", args, flow="evaluation-1")
    assert again == ended
    with sutdol.db.read() as tx:
        assert evaluations.all(tx, "guard") == [kept]


def test_whether_a_turn_is_due_goes_by_the_settings(sutdol: Sutdol) -> None:
    collect(sutdol.guard, some(1_501)[1_500:], kind="data", reviewed=True, part="train")
    home, loop = sutdol.settings.home, {"after_examples": 1, "cooldown": 0}
    settings = Settings.load(home=home, database_url=f"sqlite:///{home}/sutdol.db", loop=loop)

    def look(with_settings: Sutdol) -> Json:
        deed = Deeds(with_settings).all()["evaluation.look"]
        return deed(Key(flow="f", step="look"), {"role": "guard"}, lambda _: None)

    with Sutdol.open(settings, lambda: datetime(2027, 1, 1, tzinfo=UTC)) as eager:
        assert look(eager) == {"why": "1 new examples"}
    assert look(sutdol) == {"why": None}


def old_and_young(sutdol: Sutdol) -> tuple[Upload, Upload]:
    """Something past its time of each kind beside something living; the two uploads."""
    now, second = sutdol.guard.now(), timedelta(seconds=1)
    rows = [
        Request(id=f"{days}", route="/x", status=200, milliseconds=1.0, created_at=now - days * DAY)
        for days in (399, 401)
    ]
    with sutdol.db.write() as tx:
        kim = users.create(tx, "kim", "admin", now)
        for lasts in (second, DAY):
            sessions.open(tx, b"p" * 32, kim.id, now, lasts=lasts)
    made = []
    for lasts in (second, DAY):
        with Receiving.begin(sutdol.settings.home, most=99) as receiving:
            receiving.take(str(lasts).encode())
            with sutdol.db.write() as tx:
                how = {"user": kim.id, "name": "a", "purpose": "batch", "now": now}
                made.append(receiving.keep(tx, expires_at=now + lasts, **how))
    writer = Writer(sutdol.db)
    writer.write_through([requests.row(one) for one in rows])
    writer.close()
    return made[0], made[1]


def left(sutdol: Sutdol) -> dict[str, int]:
    with sutdol.db.read() as tx:
        tables = server_tables.session, server_tables.upload, server_tables.request
        return {
            table.name: tx.scalar(select(func.count()).select_from(table)) or 0 for table in tables
        }


def test_what_is_past_its_time_goes_and_the_rest_stays(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as sutdol:
        old, young = old_and_young(sutdol)
        assert left(sutdol) == {"session": 2, "upload": 2, "request": 2}
        sutdol.tidy()

        assert left(sutdol) == {"session": 1, "upload": 1, "request": 1}
        assert not uploads.path(sutdol.settings.home, old).exists()
        assert uploads.path(sutdol.settings.home, young).exists()
        with sutdol.db.read() as tx:
            assert [one.id for one in requests.newest(tx)] == ["399"]
        sutdol.tidy()
        assert left(sutdol) == {"session": 1, "upload": 1, "request": 1}


def test_what_cannot_go_keeps_nothing_else_from_going(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as sutdol:
        old, _ = old_and_young(sutdol)
        content = uploads.path(sutdol.settings.home, old)
        content.unlink()
        content.mkdir()  # nobody can unlink a folder
        with pytest.raises(NotReady):
            sutdol.tidy()

        assert left(sutdol) == {"session": 1, "upload": 2, "request": 1}


def test_a_battle_of_an_unknown_strategy_is_refused_before_any_work(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as sutdol, pytest.raises(UnknownName, match="'mixed'"):
        sutdol.plan(attack_strategy="mixd")


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
        "feedback": 0,
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
    found = {one["name"]: one for one in checkup(sutdol)}

    assert found["guard"]["text"] == "guard-v1 loads"
    assert "hate" in found["untrained categories"]["text"]


def test_without_an_endpoint_nothing_is_rewritten(sutdol: Sutdol) -> None:
    assert sutdol.rewrite() is None


@on_postgresql
def test_a_whole_life_on_postgresql(database_url: str, tmp_path: Path) -> None:
    benign = [one for one in some(1_700)[1_500:] if not one.target]
    with opened(tmp_path / "home", database_url) as sutdol:
        collect(sutdol.guard, some(1_500), kind="data", reviewed=True)
        sutdol.crown_first(seed=0)
        collect(sutdol.guard, corrections(tmp_path), kind="feedback", reviewed=False)
        verdict = cycle.improve(sutdol.guard, seed=0).verdict
        calibrate(sutdol.guard, sutdol.guard_role, benign, fpr=0.2)
        calibrated = champion(sutdol)
        promote.rollback(sutdol.guard, reason="a test")

        assert verify(sutdol.guard, verdict.id, rescore=True).agrees
        assert calibrated != champion(sutdol) == "guard-v1"
        assert overview.forget(sutdol.guard, "feedback:web")["retrain"] == [verdict.challenger]
        assert {one.state for one in check(sutdol.db, tmp_path / "home")} == {"ok"}

    with opened(tmp_path / "home", database_url) as again:
        assert champion(again) == "guard-v1"
        assert {one["state"] for one in checkup(again)} <= {"ok", "absent"}
    assert not (tmp_path / "home" / "sutdol.db").exists()
