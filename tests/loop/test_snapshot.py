"""Snapshots: what a challenger may learn from, frozen under one hash."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import NotReady
from sutdol.loop import cycle, overview
from sutdol.loop.collect import collect
from sutdol.loop.snapshot import snapshot
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples, exams, snapshots, versions


def test_the_same_texts_give_the_same_hash_in_whatever_order_they_came(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    first = snapshot(reigning)
    assert snapshot(reigning).hash == first.hash
    collect(reigning, [toy.text_for("train", "venom01", "new")], kind="data", reviewed=True)
    assert snapshot(reigning).hash != first.hash


def test_only_training_texts_are_frozen_disguises_of_held_out_texts_are_not(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    held = toy.text_for("hold_out", "venom01", "new")
    collect(reigning, toy.disguises([held]), kind="evasion", reviewed=True)
    rows = snapshot(reigning).rows
    assert {one.part for one in rows} == {"train"}
    assert toy.disguised(held.input) not in {one.input for one in rows}


def test_unreviewed_feedback_is_learned_from(toy: ModuleType, reigning: Workshop[Any]) -> None:
    told = toy.text_for("train", "venom01", "new")
    collect(reigning, [told], kind="feedback", reviewed=False)
    assert told.input in {one.input for one in snapshot(reigning).rows}


def test_with_nothing_to_learn_from_it_says_so(toy: ModuleType, shop: Workshop[Any]) -> None:
    held = [toy.text_for("hold_out", word) for word in toy.BAD[:3]]
    collect(shop, held, kind="data", reviewed=True)
    with pytest.raises(NotReady, match="no guard texts to learn from"):
        snapshot(shop)


def test_lineage_names_every_example_behind_a_version(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    frozen = snapshot(reigning)
    outcome = cycle.improve(reigning)
    child, parent = overview.descent(reigning, outcome.verdict.challenger)["ancestors"]
    assert (child["version"], parent["version"]) == ("guard-v2", "guard-v1")
    assert child["examples"] == [one.id for one in frozen.rows]
    assert {origin["kind"] for origin in child["origins"]} == {"data", "evasion", "twin"}
    assert set(parent["examples"]) < set(child["examples"])


def test_forgetting_a_source_names_the_versions_to_train_again(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    told = toy.text_for("train", "venom01", "told")
    collect(reigning, [replace(told, source="feedback:kim")], kind="feedback", reviewed=False)
    toy.fight(reigning, toy.BAD)
    assert cycle.improve(reigning).promoted
    gone = overview.forget(reigning, "feedback:kim")
    assert (gone["forgotten"], gone["feedback"], gone["retrain"]) == (1, 0, ["guard-v2"])
    with reigning.db.read() as tx:
        root = versions.get(tx, "guard-v2").snapshot
        assert snapshots.get(tx, str(root)).rows == len(snapshots.rows(tx, str(root))) + 1
    assert told.input not in {one.input for one in snapshot(reigning).rows}


def test_forgetting_a_text_of_the_exam_takes_it_out(toy: ModuleType, shop: Workshop[Any]) -> None:
    collect(shop, toy.texts(12), kind="data", reviewed=True)
    collect(shop, toy.texts(1, salt="b", source="import:b"), kind="data", reviewed=True)
    cycle.found(shop, seed=0)
    overview.forget(shop, "import:b")
    with shop.db.read() as tx:
        exam = exams.current(tx, "guard")
        assert {case.source for case in exams.cases(tx, exam.id)} == {"import:a"}
        assert not examples.find(tx, "guard", sources=["import:b"])
