"""Leaks: near-copies of exam texts are found among training texts, and nothing else."""

import string
from dataclasses import replace
from random import Random
from time import perf_counter
from types import ModuleType
from typing import Any

from sutdol.loop import cycle
from sutdol.loop.collect import collect
from sutdol.loop.leaks import ALIKE, SHINGLE, near_duplicates
from sutdol.loop.workshop import Workshop
from sutdol.storage import exams, looks, snapshots, versions


def jaccard(one: str, other: str) -> float:
    a, b = (
        {key[at : at + SHINGLE] for at in range(len(key) - SHINGLE + 1)} for key in (one, other)
    )
    return len(a & b) / len(a | b)


def sentence(random: Random, words: int) -> str:
    return " ".join("".join(random.choices(string.ascii_lowercase, k=6)) for _ in range(words))


def test_a_pair_is_near_when_four_fifths_of_all_its_letter_fives_are_shared() -> None:
    random = Random(0)
    for _ in range(300):
        key = sentence(random, random.randint(4, 30))
        letters = list(key)
        for _ in range(random.randint(0, 4)):
            letters[random.randrange(len(letters))] = "!"
        copy = "".join(letters)
        assert near_duplicates([copy], [key]) == ([0] if jaccard(copy, key) >= ALIKE else [])


def test_the_indices_are_those_of_the_training_texts() -> None:
    random = Random(1)
    exam = [sentence(random, 12) for _ in range(50)]
    fresh = [sentence(random, 12) for _ in range(50)]
    assert near_duplicates([*fresh, exam[7] + ".", *fresh, exam[3]], exam) == [50, 101]


def test_short_texts_are_compared_whole() -> None:
    assert near_duplicates(["go away", "go awa", "go away!", ""], ["go away"]) == [0]
    assert near_duplicates(["", "a"], [""]) == [0]


def test_korean_and_broken_text_are_compared_by_their_letters() -> None:
    key = "이 영화는 정말 재미있어서 두 번이나 봤습니다 \ud800"
    assert near_duplicates([key + "!", "전혀 다른 이야기를 하고 있는 긴 문장입니다"], [key]) == [0]


def test_nothing_is_near_an_empty_exam() -> None:
    assert near_duplicates(["some text that is long enough"], []) == []


def test_texts_of_one_template_do_not_make_it_slow() -> None:
    random = Random(2)
    frame = sentence(random, 6)
    exam = [f"{frame} {sentence(random, 5)}" for _ in range(200)]
    train = [f"{frame} {sentence(random, 5)}" for _ in range(1_000)]
    started = perf_counter()
    assert near_duplicates(train, exam) == []
    assert perf_counter() - started < 10  # it takes 0.5 s


def test_copies_of_exam_texts_leave_the_training_set_and_the_exam_goes_on(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    with reigning.db.read() as tx:
        exam = exams.current(tx, "guard")
        cases = exams.cases(tx, exam.id)
    copies = [toy.text_near(case, "train") for case in cases[:40]]
    collect(reigning, copies, kind="feedback", reviewed=False)
    outcome = cycle.improve(reigning)
    with reigning.db.read() as tx:
        challenger = versions.get(tx, outcome.verdict.challenger)
        learned = {one.input for one in snapshots.rows(tx, str(challenger.snapshot))}
        assert exams.cases(tx, exam.id) == cases
    assert outcome.promoted
    assert challenger.manifest["near_duplicates_dropped"] == 40
    assert learned.isdisjoint(copy.input for copy in copies)


def test_the_gate_refuses_when_a_copy_remains_all_the_same(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    toy.fight(reigning, toy.BAD)
    with reigning.db.read() as tx:
        cases = exams.cases(tx, exams.current(tx, "guard").id)
    copies = [toy.text_near(case, "train") for case in cases[:3]]
    collect(reigning, copies, kind="data", reviewed=True)
    outcome = cycle.improve(replace(reigning, role=toy.Blinking()))
    assert outcome.verdict.decision == "reject"
    assert outcome.verdict.reason == "3 training rows repeat hold-out texts"
    with reigning.db.read() as tx:
        assert looks.position(tx, "guard") == 1
