"""Random draws: the same for ever, and fair."""

import numpy as np
import pytest

from sutdol.metrics.draws import Draws, seed_from


def test_a_seed_is_the_same_for_ever() -> None:
    assert seed_from("gate", "a", "b") == 2474020122445316591


def test_the_first_draws_are_the_same_for_ever() -> None:
    assert Draws(0).integers(1_000, (8,)).tolist() == [636, 850, 269, 511, 40, 307, 16, 75]
    assert Draws(0).signs((8,)).tolist() == [1, 1, -1, 1, -1, -1, -1, -1]
    assert Draws(7).weights(5, 3).tolist() == [[0, 0, 0, 3, 2], [1, 2, 1, 0, 1], [1, 1, 0, 0, 3]]


def test_a_seed_knows_where_its_parts_end() -> None:
    assert seed_from("ab", "c") != seed_from("a", "bc")


def test_a_seed_takes_half_a_surrogate_pair() -> None:
    assert seed_from("\ud83d") != seed_from("")


def test_draws_of_an_odd_shape_fill_it() -> None:
    assert Draws(1).integers(3, (5, 7)).shape == (5, 7)


def test_integers_are_within_range_and_even() -> None:
    counts = np.bincount(Draws(2).integers(10, (100_000,)), minlength=10)
    assert len(counts) == 10
    assert counts == pytest.approx(np.full(10, 10_000), abs=400)


def test_the_largest_range_does_not_overflow() -> None:
    drawn = Draws(3).integers(2**31 - 1, (10_000,))
    assert drawn.min() >= 0
    assert 0.99 * 2**31 < drawn.max() < 2**31 - 1


def test_signs_are_fair() -> None:
    signs = Draws(4).signs((100_000,))
    assert set(signs.tolist()) == {-1, 1}
    assert abs(int(signs.sum())) < 1_500


def test_each_resample_has_as_many_cases_as_there_are() -> None:
    assert Draws(5).weights(100, 50).sum(axis=1).tolist() == [100] * 50


def test_nothing_to_draw_from_gives_nothing() -> None:
    assert Draws(6).weights(0, 5).shape == (5, 0)
