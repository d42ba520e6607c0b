"""One turn of the loop: who is promoted, what a look costs, and what a crash leaves behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import Busy, NotReady, Refused
from sutdol.loop import cycle, evaluate, gate, live, promote
from sutdol.loop.collect import collect
from sutdol.loop.verify import verify
from sutdol.loop.workshop import Workshop
from sutdol.storage import looks, promotions, turns, verdicts, versions
from sutdol.storage.looks import Look


class Crash(Exception):
    """The process died here."""


def crash_at(nth: int) -> Callable[[], None]:
    """A hook that crashes when it is called for the nth time."""
    calls = iter(range(1, nth + 1))

    def called() -> None:
        if next(calls, 0) == nth:
            raise Crash

    return called


def charged(shop: Workshop[Any]) -> list[Look]:
    with shop.db.read() as tx:
        return looks.all(tx, shop.role.name)


def kinds(shop: Workshop[Any]) -> list[str]:
    with shop.db.read() as tx:
        return [row.kind for row in promotions.all(tx, shop.role.name)]


def model_of(shop: Workshop[Any]) -> Path:
    return shop.home / live.champion(shop).path


def learn_nothing(toy: ModuleType, shop: Workshop[Any], salt: str) -> None:
    """One more text with a word that is known."""
    collect(shop, [toy.text_for("train", "venom01", salt)], kind="data", reviewed=True)


@pytest.fixture
def fought(toy: ModuleType, reigning: Workshop[Any]) -> Workshop[Any]:
    """guard-v1 reigns, and there is much to learn."""
    toy.fight(reigning, toy.BAD)
    return reigning


@pytest.fixture
def child(fought: Workshop[Any]) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of training a challenger."""
    program = Path(__file__).with_name("toy.py")
    source = Path(cycle.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(program), str(fought.home), "pause"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        yield process
        process.kill()


def test_the_first_champion_needs_no_look(reigning: Workshop[Any]) -> None:
    assert live.champion(reigning).id == "guard-v1"
    assert kinds(reigning) == ["initial"]
    assert charged(reigning) == []


def test_there_is_one_first_champion(toy: ModuleType, reigning: Workshop[Any]) -> None:
    learn_nothing(toy, reigning, "new")
    with pytest.raises(Refused, match="guard-v1 reigns already"):
        cycle.found(reigning, seed=0)
    with reigning.db.read() as tx:
        assert len(versions.all(tx, "guard")) == 1


def test_a_champion_that_no_longer_loads_is_trained_anew(reigning: Workshop[Any]) -> None:
    with reigning.db.read() as tx:
        broken = versions.get(tx, "guard-v1")
    model = reigning.home / broken.path / "model.json"
    written = model.read_bytes()
    model.write_bytes(b"damaged")
    assert cycle.found(reigning, seed=0).id == "guard-v2"
    assert kinds(reigning) == ["initial", "initial"]
    assert model.read_bytes() == written  # the same training gives the same bytes, and mends them
    assert evaluate.anchor(reigning).id == "guard-v2"


def test_without_texts_there_is_no_first_champion(shop: Workshop[Any]) -> None:
    with pytest.raises(NotReady, match="import labelled texts"):
        cycle.found(shop, seed=0)


def test_without_a_champion_there_is_nothing_to_improve(shop: Workshop[Any]) -> None:
    with pytest.raises(NotReady, match="no guard yet"):
        cycle.improve(shop)


def test_a_better_challenger_is_promoted(fought: Workshop[Any]) -> None:
    steps: list[str] = []
    outcome = cycle.improve(fought, progress=steps.append)
    assert (outcome.promoted, outcome.verdict.decision) == (True, "promote")
    assert (outcome.verdict.champion, outcome.verdict.challenger) == ("guard-v1", "guard-v2")
    assert live.champion(fought).id == "guard-v2"
    assert kinds(fought) == ["initial", "promote"]
    assert steps == ["snapshot", "train", "evaluate", "promote"]


def test_an_equal_challenger_is_not(toy: ModuleType, reigning: Workshop[Any]) -> None:
    learn_nothing(toy, reigning, "dull")
    outcome = cycle.improve(reigning)
    assert (outcome.promoted, outcome.verdict.decision) == (False, "inconclusive")
    assert live.champion(reigning).id == "guard-v1"
    assert kinds(reigning) == ["initial"]


def test_a_challenger_spoilt_by_flipped_labels_is_rejected(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    flipped = [
        replace(toy.text_for("train", word, "flip"), target="", source="feedback:web")
        for word in toy.BAD[:10]
    ]
    collect(reigning, flipped, kind="feedback", reviewed=False)
    verdict = cycle.improve(reigning).verdict
    assert verdict.decision == "reject"
    assert "clean recall" in verdict.reason


def test_with_nothing_new_to_learn_it_says_so_and_costs_nothing(fought: Workshop[Any]) -> None:
    assert cycle.improve(fought).promoted
    spent = charged(fought)
    with pytest.raises(NotReady, match="guard-v2 has learned from all there is"):
        cycle.improve(fought)
    assert charged(fought) == spent


def test_each_look_may_spend_less_than_the_one_before(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    for salt in ("a", "b"):
        learn_nothing(toy, reigning, salt)
        cycle.improve(reigning)
    toy.fight(reigning, toy.BAD)
    assert cycle.improve(reigning).verdict.body["budget"] == {
        "position": 3,
        "alpha": gate.alpha(3),
    }
    toy.fight(reigning, toy.BAD, salt="again")
    assert cycle.improve(reigning).verdict.body["budget"] == {
        "position": 1,
        "alpha": gate.alpha(1),
    }


def test_two_versions_with_the_same_bytes_are_two_looks(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    for salt in ("a", "b"):
        learn_nothing(toy, reigning, salt)
        assert cycle.improve(reigning).verdict.decision == "inconclusive"
    with reigning.db.read() as tx:
        first, second = versions.all(tx, "guard")[1:]
    assert first.checksum == second.checksum
    assert [look.position for look in charged(reigning)] == [1, 2]


def test_the_look_is_paid_for_all_to_see_before_any_score_is_computed(
    toy: ModuleType, fought: Workshop[Any]
) -> None:
    seen: list[list[Look]] = []
    with toy.open_database(fought.home) as elsewhere:

        def scoring() -> None:
            with elsewhere.read() as tx:
                seen.append(looks.all(tx, "guard"))

        cycle.improve(replace(fought, role=toy.Spotter(scoring=scoring)))
    assert len(seen) >= 2
    assert all([look.challenger for look in told] == ["guard-v2"] for told in seen)


def test_a_crash_between_payment_and_score_gives_no_free_look_and_no_second_bill(
    toy: ModuleType, fought: Workshop[Any]
) -> None:
    with pytest.raises(Crash):
        cycle.improve(replace(fought, role=toy.Spotter(scoring=crash_at(1))))
    paid = charged(fought)
    assert [look.position for look in paid] == [1]
    with fought.db.read() as tx:
        assert verdicts.all(tx, "guard") == []
    outcome = cycle.improve(fought)
    assert outcome.promoted
    assert charged(fought) == paid


def test_a_crash_between_verdict_and_promotion_promotes_once(
    toy: ModuleType, fought: Workshop[Any]
) -> None:
    with pytest.raises(Crash):  # champion, challenger, then what was learned
        cycle.improve(replace(fought, role=toy.Spotter(scoring=crash_at(3))))
    assert live.champion(fought).id == "guard-v1"
    assert cycle.improve(fought).promoted
    with pytest.raises(NotReady):
        cycle.improve(fought)
    assert kinds(fought) == ["initial", "promote"]
    assert len(charged(fought)) == 1
    with fought.db.read() as tx:
        assert len(verdicts.all(tx, "guard")) == 1
        assert len(versions.all(tx, "guard")) == 2


def test_a_dry_run_costs_the_look_and_the_real_run_no_other(
    toy: ModuleType, fought: Workshop[Any]
) -> None:
    dry = cycle.improve(fought, dry_run=True)
    assert (dry.promoted, dry.verdict.decision) == (False, "promote")
    assert live.champion(fought).id == "guard-v1"
    assert [look.purpose for look in charged(fought)] == ["dry run"]
    silent = toy.Spotter()
    again = cycle.improve(replace(fought, role=silent), dry_run=True)
    assert again == dry
    assert silent.scored == []
    real = cycle.improve(fought)
    assert (real.promoted, real.verdict) == (True, dry.verdict)
    assert len(charged(fought)) == 1


def test_what_was_rolled_back_does_not_return_by_itself(
    toy: ModuleType, fought: Workshop[Any]
) -> None:
    assert cycle.improve(fought).promoted
    promote.rollback(fought, reason="complaints")
    with pytest.raises(NotReady, match="guard-v2 was rolled back, and there is nothing new"):
        cycle.improve(fought)
    assert len(charged(fought)) == 1
    toy.fight(fought, toy.BAD, salt="again")
    outcome = cycle.improve(fought)
    assert (outcome.promoted, outcome.verdict.challenger) == (True, "guard-v3")
    assert outcome.verdict.body["budget"] == {"position": 2, "alpha": gate.alpha(2)}


def test_fresh_reviewed_labels_replace_the_exam_a_promotion_was_won_on(
    toy: ModuleType, fought: Workshop[Any]
) -> None:
    collect(fought, toy.texts(14, salt="fresh"), kind="data", reviewed=True)
    assert cycle.improve(fought).exam == "guard-exam-1 retired to training"
    toy.fight(fought, toy.BAD, salt="again")
    assert cycle.improve(fought).verdict.exam == "guard-exam-2"


def test_while_one_process_improves_another_is_told_who_is_busy(
    fought: Workshop[Any], child: subprocess.Popen[str]
) -> None:
    with pytest.raises(Busy, match=f"pid {child.pid}"):
        cycle.improve(fought)
    assert charged(fought) == []


def test_a_training_killed_half_way_leaves_nothing_that_anyone_refers_to(
    fought: Workshop[Any], child: subprocess.Popen[str]
) -> None:
    child.kill()
    child.wait()
    assert len(list((fought.home / "models").glob(".writing-*/half.json"))) == 1
    with fought.db.read() as tx:
        assert [one.id for one in versions.all(tx, "guard")] == ["guard-v1"]
    assert charged(fought) == []
    outcome = cycle.improve(fought)
    assert (outcome.promoted, outcome.verdict.challenger) == (True, "guard-v2")
    assert [path.name for path in model_of(fought).iterdir()] == ["model.json"]


def test_a_turn_that_fails_gives_the_turn_to_the_next(
    toy: ModuleType, fought: Workshop[Any]
) -> None:
    with pytest.raises(Crash):
        cycle.improve(replace(fought, role=toy.Spotter(training=crash_at(1))))
    with fought.db.read() as tx:
        assert turns.holder(tx, "improve-guard") is None
    assert cycle.improve(fought).promoted


def test_a_role_without_thresholds_turns_the_same_loop(
    toy: ModuleType, shop: Workshop[Any]
) -> None:
    tutor = replace(shop, role=toy.Tutor())
    questions = [replace(one, target="an answer") for one in toy.texts(4)]
    collect(tutor, questions[::2], kind="data", reviewed=True, part="hold_out")
    collect(tutor, questions[1:40:2], kind="data", reviewed=True, part="train")
    assert cycle.found(tutor, seed=0).id == "tutor-v1"
    collect(tutor, questions[41::2], kind="data", reviewed=True, part="train")
    outcome = cycle.improve(tutor)
    assert outcome.verdict.body["primary"]["test"] == "sign flip"  # type: ignore[index]
    assert outcome.promoted
    assert verify(tutor, outcome.verdict.id, rescore=True).agrees
    assert promote.rollback(tutor, reason="complaints").to_version == "tutor-v1"
