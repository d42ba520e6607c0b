"""Adaptive searches: what may be tried, what is counted, and how many texts are asked together."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.arena.attack import Attack, Disguise, Scope
from sutdol.arena.oracle import PATIENCE, Answer, Asking, Oracle
from sutdol.arena.search import SEARCHES, Budget, attack_all, important
from sutdol.arena.space import Candidate, Space, made_of
from sutdol.core.errors import SutdolError, UnknownName, UsageError


def made(name: str, disguise: Disguise, scope: Scope = "word") -> Attack:
    return Attack(
        name=name,
        family="test",
        group="unicode_evasion",
        scope=scope,
        languages=("en",),
        readable=True,
        disguise=disguise,
    )


SHOUT = made("shout", lambda word, _: word.upper())
DOT = made("dot", lambda word, _: f"{word}.")
SPLIT = made("split", lambda word, _: " ".join(word))
NOISE = made("noise", lambda word, random: f"{word}{random.random()}")
QUOTE = made("quote", lambda text, _: f"<{text}>", "message")
ALL = [SHOUT, DOT, SPLIT, NOISE, QUOTE]
TEXT = "a fine  old\twhetstone 100"


def space(text: str = TEXT, attacks: Sequence[Attack] = ALL, edits: int = 2) -> Space:
    return Space(text, attacks, edits=edits, seed=1)


def told(asking: Asking[object], answers: dict[str, Answer]) -> list[list[str]]:
    """What is asked, when these are the answers."""
    asked: list[list[str]] = []
    texts = next(asking, None)
    while texts is not None:
        asked.append(texts)
        try:
            texts = asking.send([answers.get(text, (1.0, True)) for text in texts])
        except StopIteration:
            texts = None
    return asked


def oracle(budget: int = 80, text: str = TEXT) -> Oracle:
    return Oracle(space(text).render, budget=budget)


def on(word: int, *names: str, message: str = "") -> Candidate:
    return made_of({word: names}, message)


class TestSpace:
    def test_nothing_done_reads_as_before(self) -> None:
        assert space().render(Candidate()) == TEXT

    def test_words_are_attacked_in_place_and_the_message_last(self) -> None:
        candidate = made_of({1: ("shout",), 3: ("dot",)}, "quote")
        assert space().render(candidate) == "<a FINE  old\twhetstone. 100>"

    def test_attacks_on_a_word_are_stacked_in_order_and_reach_all_its_parts(self) -> None:
        assert space().render(on(2, "dot", "split")) == "a fine  o l d .\twhetstone 100"
        assert space().render(on(2, "split", "dot")) == "a fine  o. l. d.\twhetstone 100"

    def test_a_word_reads_the_same_whatever_is_done_to_the_others(self) -> None:
        here = space()
        alone = here.render(on(1, "noise")).split()[1]
        both = here.render(made_of({0: ("shout",), 1: ("noise",)})).split()[1]
        assert alone == both == space().render(on(1, "noise")).split()[1]
        assert alone != Space(TEXT, ALL, edits=2, seed=2).render(on(1, "noise")).split()[1]

    def test_only_words_with_letters_are_attacked(self) -> None:
        assert space().words == [0, 1, 2, 3]
        assert space("👍 !! 100").words == []

    def test_no_more_words_than_edits(self) -> None:
        full = made_of({0: ("dot",), 1: ("dot",)})
        assert space().put(full, 2, "dot") == full
        assert space().put(full, 1, "shout").words == ((0, ("dot",)), (1, ("dot", "shout")))

    def test_a_full_stack_gives_up_its_last_attack(self) -> None:
        assert space().put(on(1, "dot", "shout"), 1, "split") == on(1, "dot", "split")
        assert space().put(on(1, "dot"), 1, "dot") == on(1, "dot")

    def test_leaves_words_out_to_see_what_they_matter(self) -> None:
        assert space().without([1, 3]) == "a   old\t 100"

    def test_says_its_steps(self) -> None:
        candidate = made_of({3: ("dot", "split"), 1: ("shout",)}, "quote")
        assert candidate.steps == ((1, "shout"), (3, "dot"), (3, "split"), ("message", "quote"))

    @settings(max_examples=50, deadline=None)
    @given(st.text(), st.integers(0, 2**32), st.integers(1, 4))
    def test_moves_never_break_the_rules(self, text: str, seed: int, edits: int) -> None:
        here, random, candidate = space(text, edits=edits), Random(seed), Candidate()
        for _ in range(20):
            candidate = here.move(candidate, here.words, random)
            assert len(candidate.words) <= edits
            assert all(1 <= len(stack) <= 2 for _, stack in candidate.words)
            here.render(candidate)

    def test_without_attacks_there_is_no_move(self) -> None:
        bare = space(attacks=[])
        assert bare.move(Candidate(), bare.words, Random(0)) == Candidate()


class TestOracle:
    def test_a_batch_is_cut_to_what_is_left(self) -> None:
        asked = oracle(budget=2)
        candidates = [on(word, "shout") for word in (0, 1, 2)]
        assert told(asked.ask(candidates), {}) == [["A fine  old\twhetstone 100", "a FINE  old\twhetstone 100"]]  # fmt: skip
        assert (asked.queries, asked.left, asked.done) == (2, 0, True)

    def test_a_repeated_text_costs_nothing(self) -> None:
        asked = oracle()
        assert len(told(asked.ask([on(0, "shout"), on(0, "shout")]), {})) == 1
        assert told(asked.ask([on(0, "shout")]), {}) == []
        assert asked.queries == 1

    def test_keeps_the_lowest_score(self) -> None:
        asked = oracle()
        answers = {asked._render(on(1, "shout")): (0.6, True)}
        told(asked.ask([on(word, "shout") for word in (0, 1, 2)]), answers)
        told(asked.ask([on(3, "shout")]), {})
        assert (asked.best.candidate, asked.best.score) == (on(1, "shout"), 0.6)
        assert not asked.done

    def test_a_text_that_gets_through_beats_a_lower_score(self) -> None:
        asked = oracle()
        low, through = on(0, "shout"), on(1, "shout")
        answers = {asked._render(low): (0.4, True), asked._render(through): (0.5, False)}
        told(asked.ask([low, through]), answers)
        assert asked.done
        assert asked.trial().evaded
        assert asked.trial().steps == ((1, "shout"),)

    def test_a_probe_counts_but_is_no_disguise(self) -> None:
        asked = oracle()
        told(asked.probe(["fine"]), {"fine": (0.0, False)})
        assert asked.queries == 1
        assert not asked.done
        assert not asked.trial().evaded

    def test_a_search_that_runs_dry_is_done(self) -> None:
        asked = oracle()
        told(asked.ask([Candidate()]), {})
        for _ in range(PATIENCE):
            assert not asked.done
            assert told(asked.ask([Candidate()]), {}) == []
        assert asked.done


def ranked(text: str, bad: set[str], budget: int = 80) -> tuple[list[str], int]:
    here = space(text)
    asked = Oracle(here.render, budget=budget)
    asking = important(here, asked)
    texts = next(asking)
    while True:
        scores = [sum(word in bad for word in text.split()) / 10 for text in texts]
        try:
            texts = asking.send([(score, True) for score in scores])
        except StopIteration as end:
            return [text.split()[word] for word in end.value], asked.queries


def test_words_are_ranked_by_what_the_score_loses_without_them() -> None:
    order, queries = ranked("one bad old word", {"bad"})
    assert order == ["bad", "one", "old", "word"]
    assert queries == 4


def test_a_long_text_is_narrowed_down_within_the_budget() -> None:
    order, queries = ranked(" ".join([*"abcdefgh" * 100, "bad", *"ijkl" * 50]), {"bad"})
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
        attack_all("greedy", ["bad", "worse"], ALL, lambda texts: [(0.9, True)], seed=5)


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
    """One attack of many works: with what it learned it needs fewer queries later on."""
    useless = [made(f"useless_{i}", lambda word, random: f"{word}~") for i in range(30)]
    works = made("works", lambda word, _: word.replace("bad", "b-a-d"))
    texts = [f"bad whetstone number {i}" for i in range(60)]
    # A text at a time: the memory of one run is what is tested.
    bandit = SEARCHES["bandit"]()
    queries = []
    for text in texts:
        here = space(text, [*useless, works], edits=1)
        asked = Oracle(here.render, budget=80)
        asking = bandit(here, asked, Random(text))
        said = next(asking, None)
        while said is not None:
            try:
                said = asking.send(keyword_guard(said))
            except StopIteration:
                said = None
        queries.append(asked.queries)
    assert sum(queries[-20:]) < sum(queries[:20]) / 1.5
