"""How much a text looks like English or Korean, without looking at the numbers."""

from importlib.resources import files
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.core.text.hangul import decompose
from sutdol.core.text.plausible import LETTERS, both_ways, classes, plausibility

ENGLISH = "could you send me the notes from yesterday"
KOREAN = decompose("어제 강의 노트 좀 보내 줄 수 있어")
WILD = st.text(st.one_of(st.characters(), st.characters(categories=["Cs"])))

each_language = pytest.mark.parametrize("text", [ENGLISH, KOREAN], ids=["en", "ko"])


@each_language
def test_a_sentence_is_more_plausible_than_its_letters_in_any_order(text: str) -> None:
    for seed in range(20):
        shuffled = "".join(Random(seed).sample(text, len(text)))
        assert plausibility(text) > plausibility(shuffled) + 0.3


@each_language
def test_a_sentence_is_more_plausible_than_itself_backwards(text: str) -> None:
    forwards, backwards = both_ways(text)
    assert forwards > backwards


@pytest.mark.parametrize("noise", ["xqzjv kqx", "ㅋㅏㅏㅎㅗㅗㅃ", "qqqq zzzz"])
def test_noise_is_less_plausible_than_a_sentence(noise: str) -> None:
    assert plausibility(noise) < min(plausibility(ENGLISH), plausibility(KOREAN)) - 0.5


@given(WILD)
def test_backwards_is_the_plausibility_of_the_letters_in_reverse(text: str) -> None:
    assert both_ways(text) == pytest.approx((plausibility(text), plausibility(text[::-1])))


@given(WILD)
def test_no_text_is_more_than_certain_or_out_of_the_table(text: str) -> None:
    assert -20 < plausibility(text) < 0
    assert len(classes(text)) == len(text) + 2
    assert set(classes(text).tolist()) <= set(range(len(LETTERS) + 1))


def test_words_have_borders_at_both_ends() -> None:
    border = LETTERS.index(" ")
    assert classes("a").tolist() == [border, 0, border]


def test_what_may_follow_a_letter_adds_up_to_certainty() -> None:
    stored = files("sutdol.core.text").joinpath("bigrams.txt").read_text(encoding="utf-8")
    rows = [line.split() for line in stored.splitlines() if not line.startswith("#")]
    chances = np.exp(np.array(rows, dtype=float) / 100)
    assert chances.shape == (len(LETTERS) + 1, len(LETTERS) + 1)
    assert chances.sum(axis=1) == pytest.approx(1.0, abs=0.03)  # rounded to two digits
