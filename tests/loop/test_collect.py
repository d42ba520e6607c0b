"""Collect: every text gets its part once, and only reviewed labels can write the exam."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from sutdol.loop import examine
from sutdol.loop.collect import collect
from sutdol.loop.parts import SHARES, part_of
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples


def test_a_second_import_adds_nothing(toy: ModuleType, shop: Workshop[Any]) -> None:
    first = collect(shop, toy.texts(2), kind="data", reviewed=True)
    again = collect(shop, toy.texts(3), kind="data", reviewed=True)
    assert (first.new, first.known) == (80, 0)
    assert (again.new, again.known) == (40, 80)


def test_texts_fall_into_all_four_parts_by_their_group(
    toy: ModuleType, shop: Workshop[Any]
) -> None:
    collect(shop, toy.texts(5), kind="data", reviewed=True)
    with shop.db.read() as tx:
        kept = examples.find(tx, "guard")
    assert {one.part for one in kept} == set(SHARES)
    assert all(one.part == part_of("guard", one.group) for one in kept)


def test_a_later_text_of_a_known_group_keeps_its_part(toy: ModuleType, shop: Workshop[Any]) -> None:
    held = toy.text_for("hold_out", "venom01")
    collect(shop, [held], kind="data", reviewed=True)
    evasion = replace(toy.disguises([held])[0], part="train")
    collect(shop, [evasion], kind="evasion", reviewed=True)
    collect(shop, [replace(held, source="feedback:web")], kind="feedback", reviewed=False)
    with shop.db.read() as tx:
        assert [one.part for one in examples.find(tx, "guard")] == ["hold_out"] * 3


def test_a_part_once_chosen_outlives_another_rule(toy: ModuleType, shop: Workshop[Any]) -> None:
    one = toy.text_for("hold_out", "venom01")
    collect(shop, [one], kind="data", reviewed=True, part="train")
    collect(shop, [replace(one, source="import:b")], kind="data", reviewed=True)
    with shop.db.read() as tx:
        assert {kept.part for kept in examples.find(tx, "guard")} == {"train"}


def test_flipped_labels_that_nobody_reviewed_never_reach_the_exam(
    toy: ModuleType, shop: Workshop[Any]
) -> None:
    honest = toy.texts(12)
    flipped = [
        replace(one, target="" if one.target else "spam", source="feedback:web")
        for one in (*honest, *toy.texts(12, salt="poison"))
    ]
    collect(shop, flipped, kind="feedback", reviewed=False)
    collect(shop, honest, kind="data", reviewed=True)
    _, cases = examine.current(shop)
    assert {case.source for case in cases} == {"import:a"}
    assert all(bool(case.target) == case.input.startswith("venom") for case in cases)
