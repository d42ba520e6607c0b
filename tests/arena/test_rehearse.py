"""Rehearsal: training texts under attacks that got through, and never under held-out ones."""

from collections.abc import Callable

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.fixed import readable
from sutdol.arena.rehearse import rehearse
from sutdol.core.types import Example

Text = Callable[..., Example]
both_languages = pytest.mark.parametrize("lang", ["en", "ko"])


@both_languages
def test_a_text_is_put_under_the_attacks_that_got_through(toy_text: Text, lang: str) -> None:
    one = toy_text(1, bad=True, lang=lang)
    said = {rehearse(one, ["zero_width"], seed) for seed in range(20)}
    assert len(said) > 5
    assert {text.replace("\u200b", "").replace("\u200d", "") for text in said} != said


@both_languages
def test_held_out_attacks_are_passed_over(toy_text: Text, lang: str) -> None:
    one = toy_text(1, bad=True, lang=lang)
    held = [attack.name for found in readable(lang, unseen=True).values() for attack in found]
    assert held
    for seed in range(20):
        assert rehearse(one, held, seed) == one.input


def test_so_are_llm_attacks_those_of_another_language_and_unknown_ones(toy_text: Text) -> None:
    one = toy_text(1, bad=True, lang="en")
    others = ["llm_paraphrase", "choseong", "gone since"]
    assert {rehearse(one, others, seed) for seed in range(20)} == {one.input}


@both_languages
def test_the_same_repetition_is_the_same_text(toy_text: Text, lang: str) -> None:
    names = [one.name for one in ATTACKS.values()]
    one = toy_text(1, bad=True, lang=lang)
    assert rehearse(one, names, 3) == rehearse(one, names, 3)
    assert len({rehearse(one, names, seed) for seed in range(10)}) > 5


def test_a_text_without_words_stays_a_text() -> None:
    for said in ("", " ", "100 !!", "👍🏽"):
        one = Example(input=said, target="", lang="en", source="a", group="g", part="train")
        rehearse(one, ["leet_digit", "quote_wrap"], 1).encode()
