"""Fixed attacks: a text's disguises in an exam are a function of the text alone."""

from collections.abc import Callable
from dataclasses import replace
from random import Random, seed

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.disguise import disguise
from sutdol.arena.families import held_out
from sutdol.arena.fixed import COMPOSED, apply, by_family, exam_disguises, readable
from sutdol.core.types import Example

Text = Callable[..., Example]
both_languages = pytest.mark.parametrize("lang", ["en", "ko"])


@both_languages
@pytest.mark.parametrize("bad", [True, False])
def test_an_exam_attacks_by_the_text_and_by_nothing_else(
    toy_text: Text, lang: str, bad: bool
) -> None:
    one = toy_text(4, bad=bad, lang=lang)
    known = exam_disguises(one)
    seed(99)  # the global generator must not matter
    elsewhere = replace(
        one, source="feedback:web", group="another", part="hold_out", meta={"id": "9"}
    )
    assert exam_disguises(elsewhere) == known
    assert exam_disguises(replace(elsewhere, target="spam" if bad else "")) == known
    assert exam_disguises(toy_text(5, bad=bad, lang=lang)) != known


@both_languages
def test_a_malicious_text_is_attacked_by_two_seen_families_a_held_out_one_and_several_at_once(
    toy_text: Text, lang: str
) -> None:
    for number in range(20):
        families = [one.family for one in exam_disguises(toy_text(number, bad=True, lang=lang))]
        assert len(set(families)) == 4
        assert [held_out(family, lang) for family in families] == [False, False, True, False]
        assert families[-1] == COMPOSED


@both_languages
def test_a_harmless_text_has_a_twin_of_every_kind(toy_text: Text, lang: str) -> None:
    for number in range(20):
        families = [one.family for one in exam_disguises(toy_text(number, bad=False, lang=lang))]
        assert [held_out(family, lang) for family in families] == [False, True, False]
        assert families[-1] == COMPOSED


@both_languages
def test_over_many_texts_every_readable_family_is_asked(toy_text: Text, lang: str) -> None:
    asked = {
        one.family
        for number in range(150)
        for one in exam_disguises(toy_text(number, bad=True, lang=lang))
    }
    assert asked == {*readable(lang), COMPOSED}


@both_languages
def test_a_readable_attack_is_readable_and_of_the_language(lang: str) -> None:
    for family, attacks in readable(lang).items():
        for one in attacks:
            assert one.readable
            assert one.family == family
            assert lang in one.languages
            assert one.group != "llm_generated"


def test_the_seed_makes_a_disguise_again_and_fits_a_database(toy_text: Text) -> None:
    said = toy_text(1, bad=True).input
    for families in (readable("en"), readable("ko")):
        for one in by_family(said, families, "salt"):
            assert 0 <= one.seed < 2**63
            assert disguise(ATTACKS[one.attack], said, Random(one.seed)) == one.text


def test_one_attack_of_every_family_and_another_salt_another_choice(toy_text: Text) -> None:
    said, families = toy_text(1, bad=True).input, readable("en")
    first = by_family(said, families, "a")
    assert [one.family for one in first] == sorted(families)
    assert by_family(said, families, "a") == first
    assert by_family(said, families, "b") != first


def test_the_same_attack_reads_differently_by_salt_only() -> None:
    one = ATTACKS["homoglyph"]
    assert apply(one, "a fine old whetstone") == apply(one, "a fine old whetstone")
    seeds = {apply(one, "a fine old whetstone", salt).seed for salt in ("", "a", "b")}
    assert len(seeds) == 3
