"""A small battle through all real parts: what it trains on, and what it reports."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from sutdol.arena.attack import ATTACKS
from sutdol.arena.families import HELD_OUT, held_out
from sutdol.arena.report import page

ROUND = {
    "round", "attacks", "detection_rate", "evasion_rate", "accuracy", "precision", "recall", "f1",
    "seen", "held_out", "adaptive", "independent", "fpr_clean", "fpr_twins", "fpr_twins_worst",
    "verdict", "resists",
}  # fmt: skip
FIGURES = ("seen", "held_out", "adaptive", "fpr_clean", "fpr_twins", "fpr_twins_worst")


def test_with_no_guard_yet_one_is_trained_first(fought: Any) -> None:
    assert fought.body["rounds"][0]["guard"] == "guard-v1"


def test_every_round_is_written_as_the_contract_says(fought: Any) -> None:
    assert {"battle", "seed", "data", "rounds", "timing"} <= set(fought.body)
    assert [one["round"] for one in fought.body["rounds"]] == [1, 2]
    for one in fought.body["rounds"]:
        assert set(one) >= ROUND
        for name in FIGURES:
            assert 0 <= one[name]["low"] <= one[name]["value"] <= one[name]["high"] <= 1
            assert one[name]["n"] >= 10
        assert one["fpr_twins_worst"]["attack"] in ATTACKS
        assert one["independent"] is None
        assert one["detection_rate"] + one["evasion_rate"] == 1
    assert json.loads(json.dumps(fought.body, allow_nan=False)) == fought.body


def test_equal_seeds_give_equal_rounds(fought: Any, real_battle: Callable[..., Any]) -> None:
    again = real_battle(seed=1)
    assert again.body["rounds"] == fought.body["rounds"]
    assert again.body["data"] == fought.body["data"]


def test_what_was_learned_are_evasions_and_twins_of_training_texts(fought: Any) -> None:
    learned = [one for one in fought.stored if one.kind in ("evasion", "twin")]
    texts = {one.group: one for one in fought.stored if one.kind == "data"}
    evasions = [one for one in learned if one.kind == "evasion"]
    twins = [one for one in learned if one.kind == "twin"]
    assert len(evasions) > 20
    assert len(twins) > len(evasions)
    assert all(one.target for one in evasions)
    assert not any(one.target for one in twins)
    for one in learned:
        assert texts[one.group].part == one.part == "train"
        assert texts[one.group].target == one.target
        assert one.source in ("battle:1/1", "battle:1/2")
    assert sum(one["learned"] for one in fought.body["rounds"]) == len(learned)


def test_no_example_of_a_held_out_family_is_ever_learned(fought: Any) -> None:
    learned = [one for one in fought.stored if one.kind in ("evasion", "twin")]
    used: set[tuple[str, str]] = set()
    for one in learned:
        used |= {(one.lang, ATTACKS[name].family) for name in one.meta["attack"].split("+")}
    assert len({family for _, family in used}) >= 8
    assert not [pair for pair in used if held_out(pair[1], pair[0])]
    for lang, families in HELD_OUT.items():
        assert {family for language, family in used if language == lang}.isdisjoint(families)


def test_what_a_search_found_is_readable_and_meant_for_the_language(fought: Any) -> None:
    found = [one for one in fought.stored if one.meta.get("family") == "adaptive"]
    assert found
    for one in found:
        for name in one.meta["attack"].split("+"):
            assert ATTACKS[name].readable
            assert one.lang in ATTACKS[name].languages


def test_held_out_families_are_measured_in_every_round(fought: Any) -> None:
    for one in fought.body["rounds"]:
        for families in HELD_OUT.values():
            assert set(families) <= set(one["families_held_out"])


def test_rounds_hold_nothing_that_was_measured_in_time(fought: Any) -> None:
    def names(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(names, value.values()))
        return set().union(*map(names, value)) if isinstance(value, list) else set()

    assert not {name for name in names(fought.body["rounds"]) if "time" in name or "second" in name}
    assert set(fought.body["timing"]) == {"1", "2"}
    assert set(fought.body["timing"]["1"]) >= {"measure", "fight", "improve"}


def test_a_verdict_names_its_look_and_where_it_comes_from(fought: Any) -> None:
    verdicts = [one["verdict"] for one in fought.body["rounds"] if one["verdict"]]
    assert verdicts
    for verdict in verdicts:
        assert {"id", "role", "champion", "challenger", "decision", "reason", "primary"} <= set(
            verdict
        )
        assert {"guard_rails", "budget", "snapshot"} <= set(verdict)
    positions = [one["budget"]["position"] for one in verdicts]
    assert all(later > earlier for earlier, later in pairwise(positions))


def test_the_page_of_a_real_battle_can_be_made(fought: Any) -> None:
    made = page(fought.body)
    assert "<svg" in made
    assert all(name in made for name in fought.body["rounds"][-1]["families"])
