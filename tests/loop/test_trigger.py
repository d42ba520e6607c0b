"""Whether a role is due for a turn that nobody asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import NothingToLearn, NotReady
from sutdol.flow import inline
from sutdol.flow.plan import Deed, Json, Key, Kind, Plan, Step, Tell
from sutdol.loop import cycle, promote, trigger
from sutdol.loop.collect import collect
from sutdol.loop.trigger import State, Triggers, due, look, turn_id
from sutdol.loop.workshop import Workshop
from sutdol.storage import evaluations, versions
from sutdol.storage.evaluations import Evaluation

Shop = Workshop[Any]
NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
TRIGGERS = Triggers(after_examples=500, detection=0.9, cooldown=HOUR)
QUIET = State(reigns=True, new_examples=10, last=None, detection=None)


# Pure


def test_nothing_is_due_on_a_quiet_day() -> None:
    assert due(QUIET, TRIGGERS, NOW) is None


def test_enough_new_examples_are_a_reason() -> None:
    assert due(replace(QUIET, new_examples=499), TRIGGERS, NOW) is None
    assert due(replace(QUIET, new_examples=500), TRIGGERS, NOW) == "500 new examples"


def test_without_that_trigger_no_number_of_examples_is_one() -> None:
    never = replace(TRIGGERS, after_examples=0)
    assert due(replace(QUIET, new_examples=10**6), never, NOW) is None


def test_a_guard_that_catches_too_little_is_a_reason() -> None:
    assert due(replace(QUIET, detection=0.9), TRIGGERS, NOW) is None
    weak = replace(QUIET, detection=0.412)
    assert due(weak, TRIGGERS, NOW) == "only 41% of attacks caught"


def test_with_nothing_new_to_learn_no_reason_is_one() -> None:
    assert due(replace(QUIET, new_examples=0, detection=0.1), TRIGGERS, NOW) is None


def test_where_nobody_reigns_nothing_is_due() -> None:
    assert due(replace(QUIET, reigns=False, new_examples=900), TRIGGERS, NOW) is None


def test_between_two_turns_there_is_a_pause() -> None:
    busy = replace(QUIET, new_examples=900, last=NOW - HOUR)
    assert due(busy, TRIGGERS, NOW - timedelta(seconds=1)) is None
    assert due(busy, TRIGGERS, NOW) == "900 new examples"
    assert due(busy, replace(TRIGGERS, cooldown=timedelta(0)), NOW - HOUR) is not None


def test_all_who_see_the_same_state_name_the_same_turn() -> None:
    seen = replace(QUIET, last=NOW)
    assert turn_id("guard", seen) == turn_id("guard", replace(seen, detection=0.1))
    others = [
        turn_id("tutor", seen),
        turn_id("guard", QUIET),
        turn_id("guard", replace(seen, last=NOW + HOUR)),
        turn_id("guard", replace(seen, new_examples=11)),
    ]
    assert len({turn_id("guard", seen), *others}) == 5


# What it goes by


def test_an_empty_workshop_has_nothing_to_go_by(shop: Shop) -> None:
    assert look(shop) == State(reigns=False, new_examples=0, last=None, detection=None)


def test_before_the_first_champion_all_texts_are_new(toy: ModuleType, shop: Shop) -> None:
    texts = [toy.text_for("train", "venom01", n) for n in range(3)]
    collect(shop, [*texts, toy.text_for("hold_out", "venom01")], kind="data", reviewed=True)
    assert look(shop) == State(reigns=False, new_examples=3, last=None, detection=None)


def test_what_the_champion_has_learned_is_not_new(toy: ModuleType, reigning: Shop) -> None:
    with reigning.db.read() as tx:
        made = versions.get(tx, "guard-v1").created_at
    assert look(reigning) == State(reigns=True, new_examples=0, last=made, detection=None)
    collect(reigning, [toy.text_for("train", "venom01", "new")], kind="feedback", reviewed=False)
    assert look(reigning).new_examples == 1
    collect(reigning, [toy.text_for("sealed", "venom01", "new")], kind="data", reviewed=True)
    assert look(reigning).new_examples == 1


def test_what_a_challenger_has_learned_is_not_new_either(toy: ModuleType, reigning: Shop) -> None:
    collect(reigning, [toy.text_for("train", "venom01", "new")], kind="data", reviewed=True)
    assert not cycle.improve(reigning).promoted
    found = look(reigning)
    assert found.new_examples == 0
    with reigning.db.read() as tx:
        assert found.last == versions.get(tx, "guard-v2").created_at


def test_copies_of_the_exam_that_no_snapshot_takes_are_not_new_for_ever(
    toy: ModuleType, reigning: Shop
) -> None:
    original = toy.text_for("hold_out", "venom01", "exam")
    collect(reigning, [original], kind="data", reviewed=True)
    exam = [one for one in toy.stored(reigning, "data") if one.part == "hold_out"]
    copies = [toy.text_near(one, "train") for one in exam[:5]]
    collect(reigning, [*copies, toy.text_for("train", "venom02", "x")], kind="data", reviewed=True)
    assert look(reigning).new_examples == 6
    cycle.improve(reigning)
    assert look(reigning).new_examples == 0


def test_forgotten_texts_make_nothing_new(toy: ModuleType, reigning: Shop) -> None:
    from sutdol.loop import overview

    overview.forget(reigning, "import:a")
    assert look(reigning).new_examples == 0


def test_the_last_evaluation_of_the_champion_counts(promoted: Shop) -> None:
    measured(promoted, "guard-v1", 0.3)
    assert look(promoted).detection is None
    measured(promoted, "guard-v2", 0.8)
    measured(promoted, "guard-v2", 0.7)
    measured(promoted, "guard-v1", 0.2)
    assert look(promoted).detection == 0.7
    promote.rollback(promoted, reason="complaints")
    assert look(promoted).detection == 0.2


@pytest.mark.parametrize("body", [{}, {"seen": None}, {"seen": {"value": None}}])
def test_an_evaluation_without_a_figure_says_nothing(
    reigning: Shop, body: dict[str, object]
) -> None:
    evaluated(reigning, "guard-v1", body)
    assert look(reigning).detection is None


def measured(shop: Shop, version: str, caught: float) -> None:
    evaluated(shop, version, {"seen": {"value": caught}})


def evaluated(shop: Shop, version: str, body: dict[str, object]) -> None:
    done = Evaluation(role="guard", version=version, flow=None, body=body, created_at=shop.now())
    with shop.db.write() as tx:
        evaluations.add(tx, done)


# The scheduled evaluation, as a plan

CHILD = {"role": "guard", "seed": 3, "wait": False}


def evaluate(why: str | None, turn: Any) -> tuple[Json, list[Json]]:
    """What an evaluation ends with, and the arguments of the turns it took."""
    taken: list[Json] = []

    def improved(key: Key, args: Json, tell: Tell) -> Json:
        taken.append(args)
        return turn()  # type: ignore[no-any-return]  # or raises

    def plan(flow: str, args: Json) -> Plan:
        return (yield Step(name="only", deed="improve", args=args))

    done: dict[str, Deed] = {
        "evaluation.measure": lambda *_: {"version": "guard-v1"},
        "evaluation.look": lambda *_: {"why": why},
        "improve": improved,
    }
    kinds = {**trigger.KINDS, "cycle": Kind(plan=plan)}
    asked = {"role": "guard", "seed": 3}
    ended = inline.run("evaluation", asked, flow="f", kinds=kinds, deeds=done, tell=lambda _: None)
    return ended, taken


def test_an_evaluation_that_finds_all_well_takes_no_turn() -> None:
    assert evaluate(None, dict) == ({"version": "guard-v1", "why": None}, [])


def test_an_evaluation_that_finds_it_due_takes_a_turn() -> None:
    ended, taken = evaluate("only 41% caught", lambda: {"promoted": True})
    assert ended == {"version": "guard-v1", "why": "only 41% caught", "promoted": True}
    assert taken == [CHILD]


def test_an_evaluation_with_nothing_to_learn_is_no_failure() -> None:
    def nothing() -> Json:
        raise NothingToLearn("guard-v1 has learned from all there is.")

    ended, _ = evaluate("only 41% caught", nothing)
    assert ended["nothing"] == "guard-v1 has learned from all there is."


def test_an_evaluation_whose_turn_breaks_off_fails() -> None:
    def full() -> Json:
        raise NotReady("The disk is full.")

    with pytest.raises(NotReady, match="disk is full"):
        evaluate("only 41% caught", full)
