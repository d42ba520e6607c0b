"""Rounds: measured, fought, learned from and judged, against guards that are functions."""

from collections.abc import Callable
from dataclasses import fields
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.arena.ring import Ring

from sutdol.arena.campaign import PATIENCE
from sutdol.arena.round import Curves
from sutdol.core.types import Example
from sutdol.flow.plan import Json
from sutdol.loop.parts import on_panel
from sutdol.storage.database import Database

Guards = Callable[..., Any]
Text = Callable[..., Example]
MakeRing = Callable[..., Ring]
BATTLE = {"rounds": 3, "texts": 40, "trigger": 0.97}
PANEL = 40  # texts of a kind and language
FIGHTERS = 8


@pytest.fixture(scope="session")
def stocked(homes: Callable[..., Path], toy_text: Text) -> Callable[..., Path]:
    """`stocked("en")`: a home with 8 texts of each kind that fight, and 40 that watch."""
    made: dict[tuple[str, ...], Path] = {}

    def home(*languages: str) -> Path:
        if languages not in made:
            made[languages] = homes(
                [one for lang in languages for one in _texts(toy_text, lang)],
            )
        return made[languages]

    return home


def _texts(toy_text: Text, lang: str) -> list[Example]:
    found = [toy_text(n, bad=bad, lang=lang) for n in range(FIGHTERS) for bad in (True, False)]
    for bad in (True, False):
        watching = (toy_text(n, bad=bad, lang=lang, part="dev") for n in count(1_000))
        shown = (one for one in watching if on_panel("guard", one.group))
        found += [next(shown) for _ in range(PANEL)]
    return found


@pytest.fixture
def ring(opened: Callable[[Path], Database], stocked: Callable[..., Path]) -> MakeRing:
    """`ring([guard], verdicts=["promote"])`: a ring with a database of its own."""

    def made(guards: list[Any], *languages: str, **asked: Any) -> Ring:
        return Ring(opened(stocked(*(languages or ("en", "ko")))), guards, **asked)

    return made


def rounds(ring: Ring, **asked: Any) -> list[dict[str, Any]]:
    """The rounds of a small battle."""
    told: list[dict[str, Any]] = ring.fight(**{**BATTLE, **asked})["rounds"]
    return told


def figures(told: dict[str, Any]) -> dict[str, Any]:
    """What the panel says of the guard of a round."""
    return {one.name: told[one.name] for one in fields(Curves) if one.name != "per_text"}


def decisions(told: list[dict[str, Any]]) -> list[str | None]:
    return [one["verdict"] and one["verdict"]["decision"] for one in told]


def test_each_round_is_fought_and_measured_with_the_guard_that_reigns(
    ring: MakeRing, word_guard: Guards
) -> None:
    better = word_guard(words=["wom", "웜"], version="guard-v2")
    told = rounds(ring([word_guard(), better], verdicts=["reject", "promote"]), rounds=4)
    assert [one["round"] for one in told] == [1, 2, 3, 4]
    assert [one["guard"] for one in told] == ["guard-v1", "guard-v1", "guard-v2", "guard-v2"]
    assert figures(told[1]) == figures(told[0])
    assert told[2]["seen"]["value"] > told[1]["seen"]["value"]
    assert decisions(told) == ["reject", "promote", None, None]


def test_the_same_texts_are_asked_about_in_every_round(ring: MakeRing, word_guard: Guards) -> None:
    guards = [word_guard(version=f"guard-v{n}") for n in (1, 2, 3)]
    rounds(ring(list(guards), verdicts=["promote", "promote"]))
    first, *others = [guard.asked_again for guard in guards]
    drawn = 2 * FIGHTERS  # besides the panel, the fight asks about the clean texts it has drawn
    assert len(set(first)) > 4 * PANEL * 10
    for asked in others:
        assert asked[: len(first) - drawn] == first[:-drawn]


def test_what_slipped_through_is_learned_with_its_twins(ring: MakeRing, word_guard: Guards) -> None:
    fought = ring([word_guard()])
    told = rounds(fought, rounds=2)
    assert len(fought.learned) == 2
    for one, (evasions, twins) in zip(told, fought.learned, strict=True):
        assert len(twins) == 2 * len(evasions) > 0
        assert one["learned"] == len(evasions) + len(twins)


def test_a_guard_that_catches_enough_is_left_alone(ring: MakeRing, word_guard: Guards) -> None:
    fought = ring([word_guard()], verdicts=["reject"])
    (only,) = rounds(fought, rounds=1, trigger=0.0)
    assert only["verdict"] is None
    assert fought.turns == []
    assert only["learned"] > 0


def test_with_nothing_new_to_learn_nobody_is_judged(ring: MakeRing, word_guard: Guards) -> None:
    fought = ring([word_guard()], verdicts=["reject"], learn=lambda *_: 0)
    (only,) = rounds(fought, rounds=1)
    assert (only["verdict"], only["learned"]) == (None, 0)
    assert fought.turns == []


def test_a_turn_of_the_loop_is_taken_with_the_seed_of_the_battle_and_waited_for(
    ring: MakeRing, word_guard: Guards
) -> None:
    fought = ring([word_guard()], verdicts=["reject"])
    rounds(fought, rounds=1, seed=5)
    assert fought.turns == [{"role": "guard", "seed": 5, "wait": True}]


def test_where_nobody_reigns_a_first_guard_is_founded(ring: MakeRing, word_guard: Guards) -> None:
    events: list[Json] = []
    fought = ring([word_guard()], reigns=False)
    (only,) = rounds(fought, rounds=1, seed=5, trigger=0.0, tell=events.append)
    assert fought.turns == [{"role": "guard", "seed": 5, "wait": True}]
    assert events[0] == {"stage": "found"}
    assert only["guard"] == "guard-v1"


def test_a_new_champion_that_is_surely_worse_on_the_panel_is_taken_back(
    ring: MakeRing, word_guard: Guards
) -> None:
    worse = word_guard(words=["wombat number 1 "], version="guard-v2")
    good = word_guard(words=["wom", "웜"])
    fought = ring([good, worse], verdicts=["promote"])
    first, second, third = rounds(fought)
    (reason,) = fought.reasons
    assert reason.startswith("recall on the panel fell by")
    assert second["rolled_back"] == reason
    assert second["guard"] == "guard-v1"
    assert figures(second) == figures(first)
    assert (first["rolled_back"], third["rolled_back"]) == (None, None)


def test_a_new_champion_that_is_no_worse_stays(ring: MakeRing, word_guard: Guards) -> None:
    fought = ring([word_guard(), word_guard(version="guard-v2")], verdicts=["promote"])
    told = rounds(fought)
    assert fought.reasons == []
    assert told[-1]["guard"] == "guard-v2"


def test_families_resist_only_after_rounds_of_learning_and_only_if_surely_weak(
    ring: MakeRing, word_guard: Guards
) -> None:
    told = [one["resists"] for one in rounds(ring([word_guard()]), rounds=PATIENCE + 1)]
    assert told[:PATIENCE] == [[]] * PATIENCE
    assert "lookalike" in told[-1]
    assert "padding" not in told[-1]  # leaves the words as they are
    assert told[-1] == sorted(told[-1])
    strong = rounds(ring([word_guard(words=[""])]), rounds=PATIENCE + 1)
    assert strong[-1]["resists"] == []


def test_a_round_is_on_record_and_told_before_the_next_begins(
    ring: MakeRing, word_guard: Guards
) -> None:
    fought = ring([word_guard()])
    seen: list[tuple[int, int, int]] = []

    def tell(event: Json) -> None:
        if "round" in event and "stage" not in event:
            seen.append((event["round"], len(fought.bodies()), len(fought.learned)))

    rounds(fought, tell=tell)
    assert seen == [(1, 1, 1), (2, 2, 2), (3, 3, 3)]


def test_progress_names_the_stages_in_order(ring: MakeRing, word_guard: Guards) -> None:
    events: list[Json] = []
    rounds(ring([word_guard()]), rounds=2, tell=events.append)
    begun, *told = events
    assert begun == {"battle": "1", "rounds": 2}
    stages = ("measure", "fight", "improve")
    assert told == [
        event
        for number in (1, 2)
        for event in (
            *({"stage": stage, "round": number} for stage in stages),
            {"battle": "1", "round": number},
        )
    ]


def test_times_stand_beside_the_round_never_in_it(ring: MakeRing, word_guard: Guards) -> None:
    told = ring([word_guard()]).fight(**{**BATTLE, "rounds": 1})
    assert set(told["timing"]["1"]) == {"measure", "fight", "improve"}
    assert all(seconds >= 0 for seconds in told["timing"]["1"].values())
    assert "timing" not in told["rounds"][0]


def test_equal_seeds_are_equal_battles(ring: MakeRing, word_guard: Guards) -> None:
    first, again = (rounds(ring([word_guard()]), rounds=2) for _ in range(2))
    assert again == first
    assert rounds(ring([word_guard()]), rounds=2, seed=5) != first


def test_two_languages_are_one_round(ring: MakeRing, word_guard: Guards) -> None:
    fought = ring([word_guard()])
    (both,) = rounds(fought, rounds=1)
    single = [rounds(ring([word_guard()], lang), rounds=1)[0] for lang in ("en", "ko")]
    assert both["attacks"] == sum(one["attacks"] for one in single)
    caught = [round(one["attacks"] * one["detection_rate"]) for one in (both, *single)]
    assert caught[0] == caught[1] + caught[2] > 0
    assert {one.lang for one in fought.learned[0][0]} == {"en", "ko"}
