"""Korean in Latin letters, read back."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.arena.attack import ATTACKS
from sutdol.core.text.carrier import Plain
from sutdol.core.text.hangul import compose, decompose
from sutdol.core.text.romanisation import hangul_of
from sutdol.core.text.views import skeleton

OPEN = [
    "나무", "하나", "두부", "고기", "구두", "다리", "모자", "바지",
    "지도", "카메라", "토마토", "파도", "사자", "보리", "소리",
]  # fmt: skip
CLOSED = [
    "숫돌", "안녕", "한국", "김밥", "신문", "정말", "감사", "선생님",
    "건강", "학교", "대학", "강아지", "고양이", "사람", "시장",
]  # fmt: skip


def read_back(word: str, seed: int) -> bool:
    """Whether the attack's spelling reads as what sounds like the word."""
    latin = ATTACKS["romanised"].disguise(word, Random(seed))
    return sounds(hangul_of(latin) or "") == sounds(decompose(word))


def sounds(jamo: str) -> str:
    return skeleton(Plain(jamo)).text


@pytest.mark.parametrize(
    ("latin", "korean"),
    [
        ("annyeong", "안녕"),
        ("gamsa", "감사"),
        ("hanguk", "한국"),
        ("ddeok", "떡"),
        ("tteok", "떡"),
        ("bbang", "빵"),
        ("chingu", "친구"),
        ("namoo", "나무"),
        ("shijang", "시장"),
        ("uija", "의자"),
        ("ayu", "아유"),
        ("gada", "가다"),  # a consonant between vowels begins a syllable
        ("gangada", "간가다"),
    ],
)
def test_examples(latin: str, korean: str) -> None:
    assert compose(hangul_of(latin) or "") == korean


@pytest.mark.parametrize(
    "word", ["strong", "xylophone", "what", "q", "안녕", "a-b", "ok1", "Annyeong"]
)
def test_what_is_no_row_of_korean_syllables_is_none(word: str) -> None:
    assert hangul_of(word) is None


def test_nothing_is_no_syllable_and_no_failure() -> None:
    assert hangul_of("") == ""


def test_open_syllables_come_back_whatever_the_spelling() -> None:
    missed = [(word, seed) for word in OPEN for seed in range(10) if not read_back(word, seed)]
    assert missed == []


def test_most_closed_syllables_come_back_too() -> None:
    found = [read_back(word, seed) for word in CLOSED for seed in range(10)]
    assert sum(found) / len(found) > 0.6


@given(st.one_of(st.text(), st.text("aeiouyngklmtpshjbdrwc", max_size=60)))
def test_reads_all_of_a_word_or_nothing(word: str) -> None:
    jamo = hangul_of(word)
    assert jamo is None or re.fullmatch("[ㄱ-ㅣ]*", jamo)
    assert jamo is None or bool(jamo) == bool(word)
