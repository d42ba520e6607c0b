"""One round's fight: what counts as an evasion, what its twins are, and that seeds decide."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.fight import TWINS, Result, Terms, fight
from sutdol.arena.pools import Pool
from sutdol.arena.space import Space, made_of

MakeTerms = Callable[..., Terms]
MakePool = Callable[..., Pool]
Guards = Callable[..., Any]
both_languages = pytest.mark.parametrize("lang", ["en", "ko"])


def origins(pool: Pool) -> dict[str, str]:
    """The text of each group."""
    return {one.group: one.input for one in (*pool.malicious, *pool.harmless)}


@both_languages
def test_evasions_are_attacked_texts_that_slipped_through(
    pool: MakePool, terms: MakeTerms, word_guard: Guards, lang: str
) -> None:
    ours, guard = pool(lang=lang), word_guard()
    found = fight(1, ours, guard, terms())
    assert len(found.evasions) > 20
    for one in found.evasions:
        assert one.target == "harassment"
        assert one.input != origins(ours)[one.group]
        assert not guard.judge([one.input])[1].any()
        assert one.meta["attack"].split("+")[0] in ATTACKS
    assert found.fight.attacks - found.fight.caught >= len(found.evasions)


def test_a_text_that_is_not_caught_clean_is_no_evasion(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    """Else the guard's plain mistakes would be charged to the attacks."""
    found = fight(1, pool(), word_guard(words=["nothing of the kind"]), terms())
    assert found.fight.caught == 0
    assert found.evasions == []
    assert found.twins == []


def test_a_guard_nobody_fools_learns_nothing(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    found = fight(1, pool(), word_guard(words=[""]), terms())
    assert found.fight.caught == found.fight.attacks > 0
    assert (found.evasions, found.twins) == ([], [])


@both_languages
def test_each_evasion_brings_two_harmless_twins_under_the_same_attack(
    pool: MakePool, terms: MakeTerms, word_guard: Guards, lang: str
) -> None:
    found = fight(1, pool(lang=lang), word_guard(), terms())
    assert TWINS == 2
    assert len(found.twins) == 2 * len(found.evasions)
    for place, one in enumerate(found.evasions):
        for twin in found.twins[2 * place : 2 * place + 2]:
            assert twin.target == ""
            assert twin.meta["attack"] == one.meta["attack"]
            assert twin.meta["family"] == one.meta["family"]
            assert twin.group in {text.group for text in pool(lang=lang).harmless}


def test_harmless_texts_that_an_attack_got_flagged_are_learned_too(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    ours, guard = pool(), word_guard(odd=True)
    found = fight(1, ours, guard, terms())
    more = found.twins[TWINS * len(found.evasions) :]
    assert 0 < len(more) <= len(found.evasions)
    assert found.fight.twins_flagged >= len(more)
    assert all(not one.target for one in more)
    assert guard.judge([one.input for one in more])[1].all()


def test_they_are_never_more_than_the_evasions(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    guard = word_guard(words=["wombat", "sparrow"])  # flags every harmless text
    found = fight(1, pool(), guard, terms("leet_digit"))
    assert found.fight.twins_flagged < found.fight.twins
    assert len(found.twins) <= (TWINS + 1) * len(found.evasions)


@pytest.mark.parametrize("name", ["mixed", "adaptive", "leet", "unicode_evasion"])
def test_equal_seeds_are_equal_fights(
    pool: MakePool, terms: MakeTerms, word_guard: Guards, name: str
) -> None:
    first, again = (fight(1, pool(), word_guard(), terms(name)) for _ in range(2))
    assert again == first


def test_other_seeds_and_rounds_are_other_fights(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    def texts(found: Result) -> set[str]:
        return {one.input for one in found.evasions}

    first = texts(fight(1, pool(), word_guard(), terms()))
    assert texts(fight(2, pool(), word_guard(), terms())) != first
    assert texts(fight(1, pool(), word_guard(), terms(seed=1))) != first


def test_every_round_draws_texts_of_its_own(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    def drawn(number: int) -> set[str]:
        found = fight(number, pool(40), word_guard(), terms("case", texts=8))
        return {one.group for one in found.evasions}

    assert drawn(1) == drawn(1)
    assert len(drawn(1) & drawn(2)) < 8


def test_every_example_says_where_it_comes_from(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    ours = pool()
    ids = {one.group: one.meta["id"] for one in (*ours.malicious, *ours.harmless)}
    found = fight(3, ours, word_guard(), terms())
    for one in (*found.evasions, *found.twins):
        assert one.source == "battle:7/3"
        assert set(one.meta) == {"attack", "family", "seed", "of"}
        assert one.meta["of"] == ids[one.group]
        assert 0 <= int(one.meta["seed"]) < 2**63


@both_languages
def test_a_searchs_twin_takes_the_same_steps(
    pool: MakePool, terms: MakeTerms, word_guard: Guards, lang: str
) -> None:
    found = fight(1, pool(40, lang=lang), word_guard(), terms("adaptive", texts=40))
    assert len(found.evasions) >= 4
    for place, one in enumerate(found.evasions):
        for twin in found.twins[TWINS * place : TWINS * place + TWINS]:
            assert twin.input in disguised_alike(one.meta["attack"], twin, pool(40, lang=lang))


def disguised_alike(attack: str, twin: Any, pool: Pool) -> set[str]:
    """Every way to do these steps to one or two words of the twin's original."""
    names = attack.split("+")
    attacks = [ATTACKS[name] for name in names]
    original = origins(pool)[twin.group]
    space = Space(original, attacks, edits=4, seed=int(twin.meta["seed"]))
    message = next((name for name in names if ATTACKS[name].scope == "message"), "")
    stack = tuple(name for name in names if ATTACKS[name].scope == "word")
    ways = [] if stack else [made_of({}, message)]
    for word in space.words:
        ways += [made_of({word: part}, message) for part in (stack, stack[:1], stack[1:]) if part]
        ways += [
            made_of({word: stack[:1], other: stack[-1:]}, message)
            for other in space.words
            if other != word and stack
        ]
    return {space.render(way) for way in ways}


def test_a_search_costs_no_more_than_its_budget(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    guard = word_guard(words=[""])  # flags everything: every search spends all it has
    asked = terms("adaptive", texts=40)
    found = fight(1, pool(40), guard, asked)
    searched = found.fight.attacks
    assert searched == 20  # half of the texts
    found_texts = searched + found.fight.twins
    assert len(guard.asked) - found_texts <= searched * asked.budget.queries


def test_a_strategy_attacks_with_its_families_only(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    found = fight(1, pool(), word_guard(), terms("leet"))
    assert {one.meta["family"] for one in (*found.evasions, *found.twins)} == {"leet"}
    assert found.fight.attacks == 8


def test_a_small_pool_fights_with_all_it_has(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    found = fight(1, pool(2), word_guard(), terms("leet"))
    assert (found.fight.attacks, found.fight.twins) == (2, 2)


# LLM attacks, answered by a function


def spoken(attack: str, texts: Sequence[str], seed: int) -> list[str | None]:
    return [text.replace("wombat", "furry one").replace("sparrow", "bird") for text in texts]


def test_a_language_model_rewrites_malicious_and_harmless_texts_alike(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    found = fight(1, pool(), word_guard(), terms("llm_euphemism", rewrite=spoken))
    assert (found.fight.attacks, found.fight.twins) == (8, 8)
    assert len(found.evasions) == 8
    assert all("furry one" in one.input for one in found.evasions)
    assert all("bird" in one.input and not one.target for one in found.twins)
    assert {one.meta["attack"] for one in found.twins} == {"llm_euphemism"}


def test_answers_of_no_use_are_no_attacks(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    def half(attack: str, texts: Sequence[str], seed: int) -> list[str | None]:
        return [said if place % 2 else None for place, said in enumerate(spoken("", texts, 0))]

    found = fight(1, pool(), word_guard(), terms("llm_euphemism", rewrite=half))
    assert (found.fight.attacks, found.fight.twins, len(found.evasions)) == (4, 4, 4)


def test_a_model_that_says_nothing_of_use_leaves_a_round_without_attacks(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    def silent(attack: str, texts: Sequence[str], seed: int) -> list[str | None]:
        return [None] * len(texts)

    found = fight(1, pool(), word_guard(), terms("llm_euphemism", rewrite=silent))
    assert (found.fight.attacks, found.evasions, found.twins) == (0, [], [])


def test_a_model_that_repeats_the_text_evades_nobody(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    def parrot(attack: str, texts: Sequence[str], seed: int) -> list[str | None]:
        return list(texts)

    found = fight(1, pool(), word_guard(), terms("llm_euphemism", rewrite=parrot))
    assert found.fight.caught == found.fight.attacks == 8
    assert found.evasions == []


def test_the_text_itself_is_never_its_own_evasion(
    pool: MakePool, terms: MakeTerms, word_guard: Guards
) -> None:
    ours = pool()
    short = replace(ours, malicious=[replace(one, input="!! wombat !!") for one in ours.malicious])
    found = fight(1, short, word_guard(), terms())
    assert all(one.input != "!! wombat !!" for one in found.evasions)
