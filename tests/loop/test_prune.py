"""Pruning a role: room is given back, and the loop goes on as if nothing had happened."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import pytest
from tests.databases import Databases
from tests.loop.conftest import moved

from sutdol.core.errors import Busy, NotReady, SutdolError
from sutdol.loop import cycle, live, overview, promote, turn
from sutdol.loop.collect import collect
from sutdol.loop.prune import prune
from sutdol.loop.verify import verify
from sutdol.loop.workshop import Workshop
from sutdol.storage import audit, files, verdicts, versions
from sutdol.storage.check import check
from sutdol.storage.promotions import Crowning


@pytest.fixture
def tried(
    toy: ModuleType, databases: Databases, tmp_path: Path, laden: Path
) -> Iterator[Workshop[Any]]:
    """After guard-v2 was promoted, three challengers came to nothing: v3, v4 and v5."""
    with moved(toy, databases, laden, tmp_path) as db:
        yield Workshop(db=db, home=tmp_path, role=toy.Spotter(), now=toy.Clock(days=2))


def models(shop: Workshop[Any]) -> set[str]:
    """The versions whose model is there."""
    with shop.db.read() as tx:
        known = versions.all(tx, "guard")
    return {one.id for one in known if (shop.home / one.path).exists()}


def a_month_later(shop: Workshop[Any]) -> Workshop[Any]:
    return replace(shop, now=lambda: shop.now() + timedelta(days=30))


def test_models_that_came_to_nothing_go(tried: Workshop[Any]) -> None:
    before = sum(path.stat().st_size for path in tried.home.rglob("model.json"))
    done = prune(tried, keep=1)

    after = sum(path.stat().st_size for path in tried.home.rglob("model.json"))
    assert done.versions == ["guard-v3", "guard-v4"]
    assert models(tried) == {"guard-v1", "guard-v2", "guard-v5"}
    assert done.bytes == before - after > 0
    assert prune(tried, keep=1).versions == []


def test_five_are_kept_unless_told_otherwise(tried: Workshop[Any]) -> None:
    assert prune(tried).versions == []


def test_it_is_put_on_record(tried: Workshop[Any]) -> None:
    prune(tried, keep=1)
    with tried.db.read() as tx:
        last = audit.events(tx, limit=2)
    assert [(one.actor, one.action) for one in last] == [("local", "prune")] * 2
    assert {one.subject for one in last} == {"guard-v3", "guard-v4"}


def test_a_dry_run_says_the_same_and_deletes_nothing(tried: Workshop[Any]) -> None:
    with tried.db.read() as tx:
        log = audit.events(tx, limit=9)
    kept = {path: path.read_bytes() for path in tried.home.rglob("model.json")}

    with turn.hold(tried):  # nor does it wait for anybody
        said = prune(tried, keep=1, dry_run=True)

    assert {path: path.read_bytes() for path in tried.home.rglob("model.json")} == kept
    with tried.db.read() as tx:
        assert audit.events(tx, limit=9) == log
    assert said == prune(tried, keep=1)


def test_lineage_verdicts_and_the_way_back_stay(tried: Workshop[Any]) -> None:
    with tried.db.read() as tx:
        judged = [one.id for one in verdicts.all(tx, "guard")]
    lineage = overview.descent(tried, "guard-v4")
    history = overview.history(tried)

    prune(a_month_later(tried), keep=1)

    assert overview.descent(tried, "guard-v4") == lineage
    assert overview.history(tried) == history
    assert [verify(tried, one).agrees for one in judged] == [True] * 4
    assert verify(tried, judged[0], rescore=True).agrees
    assert promote.rollback(tried, reason="test").to_version == "guard-v1"
    assert live.Live(tried)() is not None


def test_what_is_pruned_is_no_damage(tried: Workshop[Any]) -> None:
    prune(tried, keep=1)
    assert [one.text for one in check(tried.db, tried.home) if one.state == "broken"] == []


def test_a_pruned_model_says_what_to_do(tried: Workshop[Any]) -> None:
    prune(tried, keep=1)
    with tried.db.read() as tx:
        gone = versions.get(tx, "guard-v3")
        judged = [one for one in verdicts.all(tx, "guard") if one.challenger == "guard-v3"]
    said = "guard-v3 was pruned: train it again, or restore a backup"
    with pytest.raises(NotReady, match=said):
        live.load(tried, gone)
    with pytest.raises(NotReady, match=said):
        verify(tried, judged[0].id, rescore=True)
    assert not live.loads(tried, gone)


def test_trained_again_it_is_there_again(tried: Workshop[Any]) -> None:
    with tried.db.read() as tx:
        gone = versions.get(tx, "guard-v3")
    again = (tried.home / gone.path / "model.json").read_bytes()
    prune(tried, keep=1)
    files.shelve(tried.home, "models", lambda folder: _write(folder / "model.json", again))
    assert live.load(tried, gone)


def test_the_loop_goes_on(toy: ModuleType, tried: Workshop[Any]) -> None:
    prune(a_month_later(tried), keep=1)
    outcome = cycle.improve(tried, seed=1)
    assert outcome.verdict.challenger == "guard-v6"
    toy.fight(tried, toy.BAD, salt="again")
    assert cycle.improve(tried).verdict.challenger == "guard-v7"
    assert live.champion(tried).id in models(tried)


def test_a_snapshot_that_nothing_came_of_goes_after_a_week(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    collect(reigning, [toy.text_for("train", "more")], kind="data", reviewed=True)

    def dies() -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        cycle.improve(replace(reigning, role=toy.Spotter(training=dies)))
    assert prune(reigning).snapshots == []
    done = prune(a_month_later(reigning))
    assert len(done.snapshots) == 1
    assert done.rows > 100
    assert cycle.improve(reigning).verdict.challenger == "guard-v2"


def test_while_somebody_improves_nothing_is_pruned(toy: ModuleType, tried: Workshop[Any]) -> None:
    collect(tried, [toy.text_for("train", "newest")], kind="data", reviewed=True)
    with improving(toy, tried.home), pytest.raises(Busy, match="is improving the guard"):
        prune(tried, keep=1)
    assert models(tried) == {f"guard-v{number}" for number in range(1, 6)}
    assert prune(tried, keep=1).versions  # its turn died with it


def test_what_killed_processes_left_is_swept_out(toy: ModuleType, tried: Workshop[Any]) -> None:
    collect(tried, [toy.text_for("train", "newest")], kind="data", reviewed=True)
    with improving(toy, tried.home):
        assert list(tried.home.glob("models/.writing-*"))
    assert prune(tried).drafts == 1
    assert not list(tried.home.glob("models/.writing-*"))


def test_going_back_and_forth_meanwhile_the_champion_always_loads(
    toy: ModuleType, tried: Workshop[Any]
) -> None:
    over = Event()

    def wander() -> int:
        with toy.open_database(tried.home) as db:
            mine, moves = replace(tried, db=db, now=toy.Clock(days=9)), 0
            while not over.is_set():
                with suppress(NotReady):  # there is none before the first
                    promote.rollback(mine, reason="test")
                moves += live.Live(mine)() is not None
                with suppress(Busy):  # another was crowned meanwhile
                    forwards(mine)
                moves += live.Live(mine)() is not None
            return moves

    with ThreadPoolExecutor() as pool:
        wandering = pool.submit(wander)
        for number in range(4):
            collect(tried, [toy.text_for("train", f"pie{number}")], kind="data", reviewed=True)
            with suppress(SutdolError):  # the champion may go while it is being judged
                cycle.improve(tried)
            prune(tried, keep=1)
        over.set()
        assert wandering.result() > 0
    assert {"guard-v1", "guard-v2"} <= models(tried)


def forwards(shop: Workshop[Any]) -> None:
    """Crown guard-v2 in place of guard-v1, by force."""
    wish = Crowning(
        role="guard",
        from_version="guard-v1",
        to_version="guard-v2",
        kind="force",
        reason="test",
        actor="test",
    )
    with shop.db.write() as tx:
        promote.crown(shop, tx, wish)


@contextmanager
def improving(toy: ModuleType, home: Path) -> Iterator[None]:
    """Another process that trains within the block, and is killed at its end."""
    command = [sys.executable, str(toy.__file__), str(home), "pause"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        try:
            yield
        finally:
            process.kill()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
