"""Columns are stored in every model: they must be the same on any machine, for ever."""

from random import Random
from string import ascii_lowercase
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.models.ngrams import (
    COLUMNS,
    LONGEST,
    SHORTEST,
    columns,
    distinct,
    hashed,
    of_views,
)

WILD = st.text(
    st.one_of(st.sampled_from("ab 가"), st.characters(), st.characters(categories=["Cs"]))
)
LONG = "the quick brown fox jumps over the lazy dog 다람쥐 헌 쳇바퀴에 타고파 " * 3


@pytest.mark.parametrize(
    ("text", "golden"),
    [
        ("ab", [557_189]),
        ("숫돌", [550_227]),
        ("🍋🍋", [948_088]),
        ("\ud800x", [895_300]),
        ("aaaa", [414_685, 620_686, 987_365]),
        ("a", []),
        ("", []),
    ],
)
def test_columns_never_change(text: str, golden: list[int]) -> None:
    assert columns(text).tolist() == golden


def test_columns_of_a_long_text_never_change() -> None:
    assert crc32(hashed(LONG).astype("<u4").tobytes()) == 2_942_597_446
    assert crc32(columns(LONG).astype("<u4").tobytes()) == 1_030_710_641


@given(WILD)
def test_columns_are_sorted_distinct_and_within_the_table(text: str) -> None:
    found = columns(text)
    assert found.dtype == np.uint32
    assert found.tolist() == sorted(set(hashed(text).tolist()))
    assert all(0 <= column < COLUMNS for column in found.tolist())


@given(WILD)
def test_every_run_of_two_to_five_letters_has_one_column(text: str) -> None:
    wanted = sum(max(0, len(text) - length + 1) for length in range(SHORTEST, LONGEST + 1))
    assert len(hashed(text)) == wanted


@given(WILD, WILD)
def test_a_longer_text_has_all_columns_of_a_shorter_one(one: str, other: str) -> None:
    assert set(columns(one).tolist()) <= set(columns(one + other).tolist())
    assert set(columns(other).tolist()) <= set(columns(one + other).tolist())


def test_words_share_no_more_columns_than_chance_has_it() -> None:
    random = Random(0)
    words = {"".join(random.choices(ascii_lowercase, k=LONGEST)) for _ in range(20_000)}
    taken = {int(hashed(word)[-1]) for word in words}
    by_chance = COLUMNS * (1 - (1 - 1 / COLUMNS) ** len(words))
    assert len(taken) == pytest.approx(by_chance, abs=60)


def test_the_order_of_letters_matters() -> None:
    assert set(columns("ab").tolist()).isdisjoint(columns("ba").tolist())


@given(st.lists(st.integers(0, COLUMNS - 1)))
def test_distinct_is_what_numpy_calls_unique(found: list[int]) -> None:
    given_ = np.array(found, dtype=np.uint32)
    assert distinct(given_).tolist() == np.unique(given_).tolist()


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_views_together_are_the_views_one_by_one(views: list[str]) -> None:
    found, sizes = of_views(views)
    each = [columns(view) for view in views]
    assert sizes.tolist() == [len(one) for one in each]
    assert found.tolist() == [column for one in each for column in one.tolist()]
