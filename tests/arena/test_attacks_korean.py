"""What the Korean attacks make of a few harmless words; a changed example is a changed attack."""

from random import Random
from unicodedata import normalize

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.disguise import disguise


@pytest.mark.parametrize(
    ("attack", "seed", "before", "after"),
    [
        ("jamo_split", 1, "숫돌", "ㅅㅜㅅ돌"),
        ("jamo_split", 3, "안녕하세요", "ㅇㅏㄴㄴㅕㅇㅎㅏㅅㅔㅇㅛ"),
        ("nfd", 0, "숫돌", normalize("NFD", "숫돌")),
        ("circled_jamo", 3, "숫돌", "㉦ㅜ㉦㉢ㅗ㉣"),
        ("jamo_lookalike", 1, "숫돌", "^ㅜㅅC⊥己"),
        ("choseong", 0, "안녕하세요!", "ㅇㄴㅎㅅㅇ!"),
        ("yaminjeongeum", 0, "귀여운 비빔면", "커여운 네넴띤"),
        ("liaison", 4, "먹었어요", "머거써요"),
        ("liaison", 0, "비빔면", "빕임면"),
        ("tense", 0, "숫돌", "숫똘"),
        ("vowel_swap", 0, "안녕하세요", "안녕하새요"),
        ("fake_final", 0, "안녕하세요", "안녕하세욥"),
        ("keyboard_qwerty", 0, "안녕하세요", "dkssudgktpdy"),
        ("romanised", 1, "안녕하세요", "annyeonghaseyo"),
        ("romanised", 3, "할머니와", "halmeoniwa"),
        ("syllable_swap", 1, "안녕하세요", "안하녕세요"),
        ("syllable_swap", 0, "숫돌", "돌숫"),
        ("stretch", 1, "숫돌", "숫도오오오올"),
        ("stretch", 2, "안녕하세요", "안녕하세요ㅛㅛㅛ"),
        ("mask", 1, "안녕하세요", "안O하세요"),
        ("swap", 1, "숫돌", "숟솔"),
        ("drop", 1, "숫돌", "수돌"),
        ("drop", 0, "안녕하세요", "안녕하요"),
        ("keyboard", 1, "안녕하세요", "안녕하새요"),
        ("space_out", 2, "안녕하세요", "안 녕 하 세 요"),
    ],
)
def test_examples(attack: str, seed: int, before: str, after: str) -> None:
    assert disguise(ATTACKS[attack], before, Random(seed)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [("앉아", "안자"), ("좋아", "조아"), ("많이", "마니"), ("싫어", "시러"), ("같이", "가치"),
     ("닭을", "달글"), ("있어", "이써"), ("강아지", "강앚이")],
)  # fmt: skip
def test_liaison_follows_the_rules_of_speech(before: str, after: str) -> None:
    assert ATTACKS["liaison"].disguise(before, Random(0)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [("대구", "머극"), ("명작", "띵작"), ("유머", "윾대"), ("왕", "앟"), ("파", "과")],
)
def test_yaminjeongeum_goes_by_looks_both_ways(before: str, after: str) -> None:
    assert set(after) <= {
        char
        for seed in range(9)
        for char in ATTACKS["yaminjeongeum"].disguise(before, Random(seed))
    }
    assert set(before) <= {
        char for seed in range(9) for char in ATTACKS["yaminjeongeum"].disguise(after, Random(seed))
    }


def test_a_one_syllable_word_is_not_masked() -> None:
    assert ATTACKS["mask"].disguise("숫", Random(0)) == "숫"


def test_fake_finals_go_to_open_syllables_only() -> None:
    assert ATTACKS["fake_final"].disguise("숫돌", Random(0)) == "숫돌"


def test_small_talk_is_korean_for_a_korean_message() -> None:
    padded = disguise(ATTACKS["benign_suffix"], "숫돌 있어요?", Random(0))
    assert padded.startswith("숫돌 있어요? ")
    assert not any("a" <= char.lower() <= "z" for char in padded)
