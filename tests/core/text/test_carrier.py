"""The two carriers: one text, whatever is done to it, and the way back to the original."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.core.text.carrier import Carrier, Plain, Replacement, Span, Traced
from sutdol.core.text.fold import FOLD

ALL = re.compile("(.+)", re.DOTALL)
SUBSTITUTIONS: dict[str, tuple[str, Replacement]] = {
    "drop vowels": ("[aeiou]+", ""),
    "double": ("(b)", r"\1\1"),
    "upper": ("[a-z]+", lambda match: match.group().upper()),
    "between": ("", "-"),  # matches that are empty
    "around": ("x*", "."),  # and matches that are now and then
    "nothing": (r"\d{9}", "!"),
}
REVERSALS = ("(.+)", r"<([^>]*)>?", r"(\S*)\s")
STEPS = st.lists(
    st.sampled_from(["fold", "squeeze", *SUBSTITUTIONS, *REVERSALS]), min_size=1, max_size=5
)
TEXTS = st.text(st.one_of(st.sampled_from("aabbxx<> 가ﬁ½é\u0301\u200d\ud800"), st.characters()))


def step(carrier: Carrier, name: str) -> Carrier:
    if name in SUBSTITUTIONS:
        pattern, replacement = SUBSTITUTIONS[name]
        return carrier.sub(re.compile(pattern), replacement)
    if name in REVERSALS:
        return carrier.reverse(re.compile(name))
    return carrier.fold(FOLD) if name == "fold" else carrier.squeeze()


def test_squeezing_takes_all_kinds_of_characters() -> None:
    assert Plain("").squeeze().text == ""
    assert Plain("aab\0\0ㅋㅋㅋ가👍👍\ud83d\ude00\ud83d\ud83d").squeeze().text == (
        "ab\0ㅋ가👍\ud83d\ude00\ud83d"
    )


def test_a_whole_match_stands_for_all_of_itself() -> None:
    words = re.compile("[a-z]+")
    assert Plain("ab cd!").whole(words).text == Traced("ab cd!").whole(words).text == "ab cd!"
    assert Traced("ab c!").whole(words).spans == [(0, 2), (0, 2), (2, 3), (3, 4), (4, 5)]


def origins(text: str, spans: list[Span]) -> list[str]:
    return [text[start:end] for start, end in spans]


@given(TEXTS, STEPS)
def test_both_carry_the_same_text(text: str, steps: list[str]) -> None:
    plain: Carrier = Plain(text)
    traced: Carrier = Traced(text)
    for name in steps:
        plain, traced = step(plain, name), step(traced, name)
        assert traced.text == plain.text


@given(TEXTS, STEPS)
def test_every_character_knows_where_it_came_from(text: str, steps: list[str]) -> None:
    carrier: Carrier = Traced(text)
    for name in steps:
        carrier = step(carrier, name)
    assert isinstance(carrier, Traced)
    assert len(carrier.spans) == len(carrier.text)
    assert all(0 <= start <= end <= len(text) for start, end in carrier.spans)


@given(TEXTS, STEPS)
def test_nothing_overtakes_without_a_reversal(text: str, steps: list[str]) -> None:
    traced: Carrier = Traced(text)
    for name in steps:
        if name not in REVERSALS and name not in ("between", "around"):
            traced = step(traced, name)
    assert isinstance(traced, Traced)
    assert all(one[0] <= next_[0] and one[1] <= next_[1] for one, next_ in pairwise(traced.spans))


def test_a_fresh_text_comes_from_itself() -> None:
    assert Traced("숫돌").spans == [(0, 1), (1, 2)]
    assert Traced("").spans == []


def test_folding_splits_and_drops_characters() -> None:
    folded = Traced("가\u0301ﬁ").fold(FOLD)
    assert folded.text == "ㄱㅏfi"
    assert folded.spans == [(0, 1), (0, 1), (2, 3), (2, 3)]


def test_what_replaces_a_match_stands_for_all_of_it() -> None:
    mended = Traced("a&#98;c").sub(re.compile(r"&#\d+;"), "b")
    assert mended.text == "abc"
    assert mended.spans == [(0, 1), (1, 6), (6, 7)]


def test_what_replaces_a_match_can_be_made_of_it() -> None:
    mended = Traced("soooo").sub(re.compile(r"(\w)\1{2,}"), r"\1")
    assert mended.text == "so"
    assert mended.spans == [(0, 1), (1, 5)]


def test_a_squeezed_run_stands_for_all_of_it() -> None:
    squeezed = Traced("hellooo").squeeze()
    assert squeezed.text == "helo"
    assert squeezed.spans == [(0, 1), (1, 2), (2, 4), (4, 7)]


def test_reversed_characters_keep_their_origin() -> None:
    turned = Traced("ab <cd> e").reverse(re.compile("<([^>]*)>"))
    assert turned.text == "ab dc e"
    assert origins("ab <cd> e", turned.spans) == list(turned.text)


@pytest.mark.parametrize("carrier", [Plain("olleh"), Traced("olleh")], ids=["plain", "traced"])
def test_reversed_and_reversed_again(carrier: Carrier) -> None:
    assert carrier.reverse(ALL).text == "hello"
    assert carrier.reverse(ALL).reverse(ALL).text == "olleh"


def test_a_stretch_comes_from_all_between_its_ends() -> None:
    turned = Traced("abcdef").reverse(ALL)
    assert turned.text == "fedcba"
    assert turned.span(0, 2) == (4, 6)
    assert turned.span(1, 5) == (1, 5)


def test_an_empty_stretch_comes_from_nowhere() -> None:
    assert Traced("abc").span(1, 1) == (0, 0)
    assert Traced("").span(0, 0) == (0, 0)
