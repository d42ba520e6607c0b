"""The panel: the four curves and the false positives, each over texts, not over attacks."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.families import held_out
from sutdol.arena.fixed import readable
from sutdol.arena.panel import Panel, measure, panel
from sutdol.arena.pools import Pool
from sutdol.arena.search import Budget

MakePool = Callable[..., Pool]
Guards = Callable[..., Any]
BUDGET = Budget(queries=12, edits=2)


@pytest.fixture
def shown(pool: MakePool) -> Callable[..., Panel]:
    def made(
        count: int = 30, *, langs: Sequence[str] = ("en", "ko"), independent: Sequence[str] = ()
    ) -> Panel:
        pools = [pool(40, lang=lang, part="dev") for lang in langs]
        return panel(pools, count, budget=BUDGET, seed=0, independent=independent)

    return made


def test_every_text_is_attacked_once_by_every_readable_family(shown: Callable[..., Panel]) -> None:
    found = shown(10)
    assert len(found.malicious) == len(found.harmless) == 20
    for one in (*found.malicious, *found.harmless):
        families = [disguised.family for disguised in one.disguises]
        assert sorted(families) == sorted(readable(one.example.lang))


def test_a_guard_nobody_fools_catches_all_and_loses_nothing(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    found = measure(shown(), word_guard(words=[""]))
    assert found.seen.value == found.held_out.value == found.clean.value == 1
    assert found.adaptive.value == 0
    assert found.fpr_clean.value == found.fpr_twins.value == 1
    assert all(figure.value == 1 for figure in found.families.values())


def test_a_guard_that_flags_nothing_has_nothing_to_retain(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    found = measure(shown(), word_guard(words=["nothing of the kind"]))
    assert found.seen.value == found.held_out.value == found.fpr_twins.value == 0
    assert found.adaptive.json()["value"] is None
    assert found.retention_seen.n == found.retention_held_out.n == 0
    assert found.families == {}


def test_a_guard_of_words_is_fooled_by_a_search_most_of_the_time(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    found = measure(shown(), word_guard())
    assert found.clean.value == 1
    assert found.adaptive.value > 0.9
    assert 0 < found.seen.value < 0.6
    assert found.fpr_clean.value == found.fpr_twins.value == 0


def test_n_counts_texts_not_attacks(shown: Callable[..., Panel], word_guard: Guards) -> None:
    found = measure(shown(30), word_guard())
    assert found.seen.n == found.held_out.n == found.clean.n == found.adaptive.n == 60
    assert found.fpr_twins.n == found.fpr_twins_unseen.n == 60
    assert found.fpr_clean.n == 80  # all harmless texts: they cost next to nothing
    assert found.families["invisible"].n == 60
    assert found.families["choseong"].n == 30


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_seen_and_held_out_curves_rest_on_their_own_families(
    shown: Callable[..., Panel], word_guard: Guards, lang: str
) -> None:
    """A guard that knows by heart what held-out families make of the texts, and nothing else."""
    asked = shown(10, langs=[lang])
    unseen = [
        disguised.text
        for one in asked.malicious
        for disguised in one.disguises
        if held_out(disguised.family, lang)
    ]
    found = measure(asked, word_guard(words=unseen))
    assert found.held_out.value == 1
    assert found.seen.value < 0.5


def test_a_curve_is_over_all_texts_and_retention_over_those_caught_clean(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    """Retention alone could be raised by catching fewer clean texts."""
    every = measure(shown(langs=["en"]), word_guard(words=["wombat"]))
    some = measure(shown(langs=["en"]), word_guard(words=["wombat number 1"]))
    assert some.clean.value < every.clean.value
    assert some.retention_seen.n == round(some.clean.value * 30)
    assert some.seen.n == every.seen.n == 30
    assert some.seen.value < every.seen.value


def test_the_worst_twin_is_the_attack_flagged_most(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    name, figure = measure(shown(40), word_guard(odd=True)).fpr_twins_worst
    assert name in ATTACKS
    assert figure.n >= 30
    assert figure.value == 1
    assert measure(shown(40), word_guard()).fpr_twins_worst[1].value == 0


def test_of_a_few_twins_none_is_the_worst(shown: Callable[..., Panel], word_guard: Guards) -> None:
    name, figure = measure(shown(5), word_guard(odd=True)).fpr_twins_worst
    assert (name, figure.n) == ("none", 0)


def test_twins_flagged_are_told_apart_by_seen_and_held_out(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    """English: diacritics are odd, typos are not, so half of the held-out twins are flagged."""
    found = measure(shown(langs=["en"]), word_guard(odd=True))
    assert 0.3 < found.fpr_twins_unseen.value <= 0.5
    assert 0 < found.fpr_twins.value < 1


def test_an_independent_attacker_is_measured_when_there_is_one(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    texts = ["a wombat", "a w0mbat", "the w o m b a t", "wombats"]
    figure = measure(shown(3, independent=texts), word_guard()).independent
    assert figure is not None
    assert (figure.value, figure.n) == (0.5, 4)
    assert measure(shown(3), word_guard()).independent is None


def test_the_same_guard_gets_the_same_figures(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    assert measure(shown(), word_guard()) == measure(shown(), word_guard())


def test_another_seed_attacks_the_same_texts_otherwise(pool: MakePool) -> None:
    one, other = (panel([pool(5)], 5, budget=BUDGET, seed=seed) for seed in (0, 1))
    assert [text.example for text in one.malicious] == [text.example for text in other.malicious]
    assert one.malicious != other.malicious


def test_the_adaptive_attacker_keeps_to_its_budget(
    shown: Callable[..., Panel], word_guard: Guards
) -> None:
    guard = word_guard(words=[""])
    measure(shown(10), guard)
    assert 0 < len(guard.asked) <= 20 * BUDGET.queries
