"""Evaluation: the rows that are asked, what a look is, and what a promotion adds to the suite."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from sutdol.loop import cycle, evaluate, live, overview
from sutdol.loop.collect import collect
from sutdol.loop.evaluate import look_key, questions
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples, exams, suite, versions
from sutdol.storage.examples import StoredExample
from sutdol.storage.suite import SuiteItem


def cases(shop: Workshop[Any]) -> list[StoredExample]:
    with shop.db.read() as tx:
        exam = exams.current(tx, "guard")
        return exams.cases(tx, exam.id)


def put_in_suite(shop: Workshop[Any], one: Any, *seeds: int, pinned: bool = False) -> None:
    collect(shop, [one], kind="evasion", reviewed=True)
    with shop.db.write() as tx:
        id_ = examples.identity("guard", "evasion", one)
        for seed in seeds:
            key = suite.key("guard", one.input, "e3", seed)
            item = SuiteItem(
                key=key,
                role="guard",
                example=id_,
                attack="e3",
                seed=seed,
                fixed_by="guard-v1",
                pinned=pinned,
            )
            suite.add(tx, item)


def test_the_rows_are_the_exam_clean_and_attacked_and_the_suite(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    put_in_suite(reigning, toy.disguises([toy.text_for("train", "venom01")])[0], 1)
    probes = questions(reigning, cases(reigning)).probes
    tags = [set(probe.row.tags) for probe in probes]
    assert len(probes) == 2 * len(cases(reigning)) + 1
    assert sum("suite" in one for one in tags) == 1
    assert sum("clean" in one for one in tags) == len(cases(reigning))


def test_one_disguise_twice_in_the_suite_is_asked_once_and_counts_as_pinned(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    evasion = toy.disguises([toy.text_for("train", "venom01")])[0]
    put_in_suite(reigning, evasion, 1)
    put_in_suite(reigning, evasion, 2, pinned=True)
    asked = questions(reigning, cases(reigning)).probes
    assert [one.row.tags for one in asked if "suite" in one.row.tags] == [
        ("suite", "must:flag", "pinned")
    ]


def test_a_look_is_another_one_when_anything_that_decides_is_another(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    old = live.champion(reigning)
    new = replace(old, id="guard-v2")
    asked = {"rows": "r", "texts": "t", "rules": {"rate": 0.05}}
    keys = {
        look_key((old, new), **asked),
        look_key((new, old), **asked),
        look_key((old, replace(new, checksum="c")), **asked),
        look_key((old, replace(new, id="guard-v3")), **asked),
        look_key((old, new), **asked | {"rows": "other"}),
        look_key((old, new), **asked | {"texts": "other"}),
        look_key((old, new), **asked | {"rules": {"rate": 0.06}}),
    }
    assert len(keys) == 7
    assert look_key((old, new), **asked) in keys


def test_the_questions_are_known_by_their_texts_too_whatever_the_order(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    asked = questions(reigning, cases(reigning))
    turned = replace(asked, probes=asked.probes[::-1])
    other = replace(asked, probes=[*asked.probes[1:], replace(asked.probes[0], input="other")])
    assert (turned.rows, turned.texts) == (asked.rows, asked.texts)
    assert other.rows == asked.rows
    assert other.texts != asked.texts


def test_the_anchor_is_the_first_champion_for_ever(promoted: Workshop[Any]) -> None:
    assert live.champion(promoted).id == "guard-v2"
    assert evaluate.anchor(promoted).id == "guard-v1"


def test_fixed_evasions_enter_the_suite_with_their_twins(
    toy: ModuleType, promoted: Workshop[Any]
) -> None:
    with promoted.db.read() as tx:
        found = suite.items_with_examples(tx, "guard")
        battle = examples.find(tx, "guard", part="train", kinds=["evasion", "twin"])
    assert {example.id for _, example in found} == {one.id for one in battle}
    assert {example.kind for _, example in found} == {"evasion", "twin"}
    assert {(item.attack, item.seed, item.fixed_by) for item, _ in found} == {("e3", 7, "guard-v2")}


def test_what_the_new_champion_still_misses_does_not_enter(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    spoilt = toy.disguises([toy.text_for("train", word, "spoilt") for word in toy.BAD[:5]])
    told = [replace(one, target="", source="feedback:web") for one in spoilt]
    collect(reigning, told, kind="feedback", reviewed=False)
    assert cycle.improve(reigning).promoted
    with reigning.db.read() as tx:
        words = {one.input.split()[0] for _, one in suite.items_with_examples(tx, "guard")}
    assert {toy.disguised(word) for word in toy.BAD[5:]} < words
    assert words.isdisjoint(toy.disguised(word) for word in toy.BAD[:5])


def test_forgetting_a_battle_takes_its_items_out_and_leaves_tombstones(
    promoted: Workshop[Any],
) -> None:
    with promoted.db.read() as tx:
        before = suite.items(tx, "guard")
    overview.forget(promoted, "battle:1/1")
    with promoted.db.read() as tx:
        assert suite.items(tx, "guard") == []
        gone = suite.items(tx, "guard", removed=True)
    assert [item.key for item in gone] == [item.key for item in before]
    assert {item.removed_why for item in gone} == {"forgotten"}


def test_a_pinned_item_that_fails_rejects_the_challenger(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    unseen = replace(toy.text_for("hold_out", "weasel"), target="spam", source="battle:0/1")
    put_in_suite(reigning, unseen, 1, pinned=True)
    verdict = cycle.improve(reigning).verdict
    assert verdict.decision == "reject"
    assert "regression suite, pinned" in verdict.reason


def test_items_that_are_not_pinned_may_fail_as_they_did_before(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    unseen = replace(toy.text_for("hold_out", "weasel"), target="spam", source="battle:0/1")
    put_in_suite(reigning, unseen, 1)
    assert cycle.improve(reigning).promoted


def test_a_role_without_thresholds_knows_no_right_and_wrong_and_fills_no_suite(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    champion = live.champion(reigning)
    tutor = replace(reigning, role=toy.Tutor())
    with reigning.db.read() as tx:
        rows = examples.find(tx, "guard", kinds=["evasion", "twin"])
        challenger = versions.get(tx, champion.id)
    assert evaluate.learned(tutor, rows, champion, challenger) == []
