"""Hangul arithmetic."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.core.text.hangul import (
    JAMO_OF_KEY,
    LETTERS,
    compose,
    decompose,
    from_keys,
    has_hangul,
    is_syllable,
    join,
    split,
    to_keys,
)

KOREAN = st.text(st.characters(min_codepoint=ord("가"), max_codepoint=ord("힣")))


def test_letters_agree_with_unicode() -> None:
    assert all(
        len(normalize("NFD", syllable)) == len("".join(letters))
        for syllable, letters in LETTERS.items()
    )


def test_every_syllable_is_the_join_of_its_letters() -> None:
    assert len(LETTERS) == 11_172
    assert all(join(*split(syllable)) == syllable for syllable in LETTERS)


def test_an_open_syllable_has_an_empty_final() -> None:
    assert split("나") == ("ㄴ", "ㅏ", "")
    assert split("닭") == ("ㄷ", "ㅏ", "ㄺ")
    assert join("ㄴ", "ㅏ") == "나"


def test_only_whole_syllables_are_syllables() -> None:
    assert [char for char in "가힣ㄱㅏaㅎ 漢!\u1100" if is_syllable(char)] == ["가", "힣"]


@pytest.mark.parametrize("text", ["숫돌", "ㅋㅋ", normalize("NFD", "숫돌"), "a 가"])
def test_hangul_is_seen_in_any_form(text: str) -> None:
    assert has_hangul(text)
    assert not has_hangul("whetstone 砥石")


def test_decompose_leaves_all_else() -> None:
    assert decompose("안녕, whetstone ㅋㅋ!") == "ㅇㅏㄴㄴㅕㅇ, whetstone ㅋㅋ!"


@given(KOREAN)
def test_compose_undoes_decompose(text: str) -> None:
    assert compose(decompose(text)) == text


@pytest.mark.parametrize(
    ("letters", "syllables"),
    [
        ("ㅅㅜㅅㄷㅗㄹ", "숫돌"),
        ("ㅇㅗㅏ", "와"),  # a vowel of two keys
        ("ㄷㅏㄹㄱ", "닭"),  # a final of two keys
        ("ㄷㅏㄹㄱㅣ", "달기"),  # whose second half begins the next syllable
        ("ㅋㅋㅋ", "ㅋㅋㅋ"),
        ("ㅏㅏ ㄱ", "ㅏㅏ ㄱ"),
        ("ㄱㅏㄸㅏ", "가따"),
        ("", ""),
    ],
)
def test_compose_works_as_a_keyboard_does(letters: str, syllables: str) -> None:
    assert compose(letters) == syllables


@pytest.mark.parametrize(
    ("korean", "keys"),
    [
        ("안녕하세요", "dkssudgktpdy"),
        ("숫돌", "tntehf"),
        ("의자, 닭!", "dmlwk, ekfr!"),
        ("떡", "Ejr"),
    ],
)
def test_keys_go_both_ways(korean: str, keys: str) -> None:
    assert to_keys(korean) == keys
    assert from_keys(keys) == korean


def test_shift_matters_for_seven_keys_only() -> None:
    assert from_keys("DKSSUDGKTPDY".replace("T", "t").replace("P", "p")) == "안녕하세요"
    assert len([key for key in JAMO_OF_KEY if key.isupper()]) == 7


@given(KOREAN)
def test_what_is_typed_reads_back(text: str) -> None:
    assert from_keys(to_keys(text)) == text
