"""The exam: drawn once, used up by looks, refilled from fresh reviewed labels."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import NotReady
from sutdol.core.types import Example
from sutdol.loop import examine
from sutdol.loop.collect import collect
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples, exams, looks
from sutdol.storage.examples import StoredExample
from sutdol.storage.looks import NewLook


def look_at(shop: Workshop[Any], exam: str, times: int) -> None:
    with shop.db.write() as tx:
        for index in range(times):
            wanted = NewLook(
                key=f"{exam} {index}",
                champion=None,
                challenger="guard-v1",
                purpose="gate",
                exam=exam,
            )
            looks.charge(tx, "guard", wanted, alpha=lambda _: 0.01, now=shop.now())


def stored(texts: Iterable[Example], kind: examples.Kind = "data") -> list[StoredExample]:
    return [
        StoredExample(
            id=examples.identity("guard", kind, one),
            kind=kind,
            reviewed=True,
            **{name: getattr(one, name) for name in Example.__dataclass_fields__},
        )
        for one in texts
    ]


def sources(cases: Sequence[StoredExample]) -> Counter[str]:
    return Counter(case.source for case in cases)


def test_an_exam_is_drawn_once_and_stays(toy: ModuleType, shop: Workshop[Any]) -> None:
    collect(shop, toy.texts(12), kind="data", reviewed=True)
    exam, cases = examine.current(shop)
    collect(shop, toy.texts(12, salt="more"), kind="data", reviewed=True)
    assert examine.current(shop) == (exam, cases)
    assert {case.part for case in cases} == {"hold_out"}


def test_without_reviewed_labels_it_says_what_to_do(toy: ModuleType, shop: Workshop[Any]) -> None:
    collect(shop, toy.texts(3), kind="feedback", reviewed=False)
    with pytest.raises(NotReady, match="import labelled texts"):
        examine.current(shop)


def test_the_same_text_from_two_sources_stands_in_it_once(toy: ModuleType) -> None:
    texts = toy.texts(3)
    copies = [replace(one, source="import:b") for one in texts]
    drawn = examine.draw(stored([*texts, *copies]))
    assert len(drawn) == len({case.input for case in drawn}) == len(texts)


def test_there_are_at_most_three_thousand_of_each_kind(toy: ModuleType) -> None:
    drawn = examine.draw(stored(toy.texts(160)))
    assert Counter(bool(case.target) for case in drawn) == {True: 3_000, False: 3_000}


def test_a_source_of_feedback_writes_at_most_a_fifth_of_each_kind(toy: ModuleType) -> None:
    flood = stored(toy.texts(40, salt="flood", source="feedback:web"), "feedback")
    drawn = examine.draw([*flood, *stored(toy.texts(5))])
    for kind in (True, False):
        told = sources([case for case in drawn if bool(case.target) == kind])
        assert told == {"import:a": 100, "feedback:web": 25}


def test_no_source_of_feedback_writes_an_exam_alone(toy: ModuleType) -> None:
    assert examine.draw(stored(toy.texts(40, source="feedback:web"), "feedback")) == []


def test_five_sources_of_feedback_may_write_it_together(toy: ModuleType) -> None:
    many = [
        one for number in range(5) for one in toy.texts(2, salt=number, source=f"feedback:{number}")
    ]
    assert len(examine.draw(stored(many, "feedback"))) == len(many)


def test_imported_data_is_not_capped(toy: ModuleType) -> None:
    assert len(examine.draw(stored(toy.texts(5)))) == 200


def test_after_twenty_looks_it_is_worn_out_and_says_what_to_do(reigning: Workshop[Any]) -> None:
    exam, _ = examine.current(reigning)
    look_at(reigning, exam.id, 19)
    assert examine.current(reigning)[0].id == exam.id
    look_at(reigning, exam.id, 20)
    with pytest.raises(NotReady, match="feedback import FILE --role guard --reviewed"):
        examine.current(reigning)


def test_a_worn_exam_is_refilled_and_its_texts_are_trained_on(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    old, used = examine.current(reigning)
    look_at(reigning, old.id, 20)
    collect(reigning, toy.texts(14, salt="fresh"), kind="data", reviewed=True)
    new, cases = examine.current(reigning)
    assert (old.id, new.id, new.looks) == ("guard-exam-1", "guard-exam-2", 0)
    assert {case.group for case in used}.isdisjoint(case.group for case in cases)
    with reigning.db.read() as tx:
        assert exams.get(tx, old.id).why == "20 looks"
        trained = {one.id for one in examples.find(tx, "guard", part="train")}
    assert {case.id for case in used} <= trained


def test_unreviewed_labels_refill_nothing(toy: ModuleType, reigning: Workshop[Any]) -> None:
    exam, _ = examine.current(reigning)
    look_at(reigning, exam.id, 20)
    collect(reigning, toy.texts(14, salt="fresh"), kind="feedback", reviewed=False)
    with pytest.raises(NotReady, match="worn out"):
        examine.current(reigning)


def test_after_a_promotion_it_stays_when_nothing_can_replace_it(reigning: Workshop[Any]) -> None:
    exam, _ = examine.current(reigning)
    with reigning.db.write() as tx:
        assert examine.after_promotion(reigning, tx).startswith("guard-exam-1 stays")
    assert examine.current(reigning)[0].id == exam.id


def test_after_a_promotion_it_is_retired_when_fresh_labels_can_replace_it(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    collect(reigning, toy.texts(14, salt="fresh"), kind="data", reviewed=True)
    with reigning.db.write() as tx:
        assert examine.after_promotion(reigning, tx) == "guard-exam-1 retired to training"
        assert examine.after_promotion(reigning, tx) == "no exam is open"
    assert examine.current(reigning)[0].id == "guard-exam-2"


def test_an_exam_too_small_to_judge_is_replaced_once_there_are_texts(
    toy: ModuleType, shop: Workshop[Any]
) -> None:
    collect(shop, toy.texts(4), kind="data", reviewed=True)
    small, cases = examine.current(shop)
    assert not examine.judges(shop.role.rules, cases)
    collect(shop, toy.texts(2, salt="few"), kind="data", reviewed=True)
    assert examine.current(shop)[0] == small
    collect(shop, toy.texts(14, salt="many"), kind="data", reviewed=True)
    large, cases = examine.current(shop)
    assert large.id == "guard-exam-2"
    assert examine.judges(shop.role.rules, cases)


def test_a_role_without_harmless_texts_needs_none_for_a_refill(toy: ModuleType) -> None:
    answers = [one for one in stored(toy.texts(3)) if one.target]
    assert examine.judges(toy.Tutor.rules, answers)
    assert not examine.judges(toy.Spotter.rules, answers)
