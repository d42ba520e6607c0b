"""Adaptive searches: many texts attacked in lock-step, the words that matter, the registry."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

import pytest

from sutdol.arena.attack import Attack, Disguise, Scope
from sutdol.arena.oracle import Answer, Asking, Judge, Oracle
from sutdol.arena.search import SEARCHES, Budget, Search, attack_all, important
from sutdol.arena.space import Candidate, Space
from sutdol.core.errors import SutdolError, UnknownName, UsageError

T = TypeVar("T")


def made(name: str, disguise: Disguise, scope: Scope = "word") -> Attack:
    return Attack(
        name=name,
        family=name,
        group="unicode_evasion",
        scope=scope,
        languages=("en",),
        readable=True,
        disguise=disguise,
    )


ALL = [
    made("dash", lambda word, _: "-".join(word)),
    made("shout", lambda word, _: word.upper()),
    made("noise", lambda word, random: f"{word}{random.random()}"),
    made("quote", lambda text, _: f"<{text}>", "message"),
]


def driven(asking: Asking[T], guard: Judge) -> T:
    """What comes of it when one text is attacked by itself."""
    try:
        texts = next(asking)
        while True:
            texts = asking.send(guard(texts))
    except StopIteration as end:
        return end.value


def ranked(text: str) -> tuple[list[str], int]:
    """The words by importance to a guard that counts, and the queries spent."""

    def guard(texts: Sequence[str]) -> list[Answer]:
        return [(text.split().count("bad") / 10, True) for text in texts]

    space = Space(text, ALL, edits=4, seed=1)
    oracle = Oracle(space.render, budget=80)
    words = driven(important(space, oracle), guard)
    return [text.split()[word] for word in words], oracle.queries


def test_words_are_ranked_by_what_the_score_loses_without_them() -> None:
    order, queries = ranked("one bad old word")
    assert order == ["bad", "one", "old", "word"]
    assert queries == 4


def test_a_long_text_is_narrowed_down_within_the_budget() -> None:
    order, queries = ranked(" ".join([*"abcdefgh" * 100, "bad", *"ijkl" * 50]))
    assert order[0] == "bad"
    assert len(order) == 1001
    assert queries <= 50


def keyword_guard(texts: Sequence[str]) -> list[Answer]:
    return [(0.9, True) if "bad" in text else (0.1, False) for text in texts]


@pytest.mark.parametrize("name", ["greedy", "beam", "genetic"])
def test_texts_attacked_together_fare_as_if_alone(name: str) -> None:
    texts = [f"{word} bad whetstone" for word in ("one", "two", "three")]
    together = attack_all(name, texts, ALL, keyword_guard, seed=5)
    alone = [attack_all(name, [text], ALL, keyword_guard, seed=5)[0] for text in texts]
    assert together == alone


def test_all_texts_are_asked_about_in_one_call_per_step() -> None:
    calls: list[int] = []

    def guard(texts: Sequence[str]) -> list[Answer]:
        calls.append(len(texts))
        return [(0.9, True)] * len(texts)

    texts = [f"bad whetstone number {i}" for i in range(20)]
    trials = attack_all("beam", texts, ALL, guard, seed=5)
    assert calls[0] == 20
    assert sum(calls) == sum(trial.queries for trial in trials)
    assert len(calls) < 40


def test_a_text_that_is_not_caught_needs_no_attack() -> None:
    (trial,) = attack_all("greedy", ["good"], ALL, keyword_guard, seed=5)
    assert (trial.text, trial.evaded, trial.queries, trial.steps) == ("good", True, 1, ())


def test_no_texts_are_no_trials() -> None:
    assert attack_all("greedy", [], ALL, keyword_guard, seed=5) == []


def test_a_guard_that_leaves_texts_out_is_found_out() -> None:
    with pytest.raises(ValueError, match="shorter"):
        attack_all("greedy", ["bad", "worse"], ALL, lambda _: [(0.9, True)], seed=5)


def test_an_unknown_search_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'greedy'"):
        attack_all("gredy", ["bad"], ALL, keyword_guard, seed=5)


@pytest.mark.parametrize(("queries", "edits"), [(0, 4), (80, 0)])
def test_a_budget_of_nothing_makes_no_sense(queries: int, edits: int) -> None:
    with pytest.raises(UsageError):
        Budget(queries=queries, edits=edits)


def test_two_searches_may_not_share_a_name() -> None:
    with pytest.raises(SutdolError, match="Two plugins call themselves search 'greedy'"):
        SEARCHES.add("greedy", SEARCHES["greedy"])


def test_plugins_of_others_are_looked_for_under_a_readable_name() -> None:
    assert SEARCHES.plural == "searches"


def test_the_bandit_learns_from_one_text_for_the_next() -> None:
    useless = [
        made(f"useless_{i}", lambda word, random: f"{word}{random.random()}") for i in range(30)
    ]
    works = made("works", lambda word, _: word.replace("bad", "b-a-d"))

    def queries(bandit: Search, text: str) -> int:
        space = Space(text, [*useless, works], edits=1, seed=1)
        oracle = Oracle(space.render, budget=80)
        driven(oracle.ask([Candidate()]), keyword_guard)
        driven(bandit(space, oracle, Random(text)), keyword_guard)
        return oracle.queries

    texts = [f"bad whetstone number {i}" for i in range(30)]
    old_hand = SEARCHES["bandit"]()
    learnt = [queries(old_hand, text) for text in texts]
    anew = [queries(SEARCHES["bandit"](), text) for text in texts]
    assert sum(learnt) < sum(anew) / 2
