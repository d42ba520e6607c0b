"""Wilson's interval against the published values of Newcombe, Statistics in Medicine 17 (1998)."""

import math

import pytest

from sutdol.metrics.interval import wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    found = wilson(hits, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_all_mirrors_that_of_none() -> None:
    none, all_ = wilson(0, 50), wilson(50, 50)
    assert (all_.low, all_.high) == pytest.approx((1 - none.high, 1 - none.low))


@pytest.mark.parametrize("hits", [0, 1, 5, 9, 10])
def test_the_interval_holds_the_share_and_stays_within_bounds(hits: int) -> None:
    found = wilson(hits, 10)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_larger_z_gives_a_wider_interval() -> None:
    assert wilson(5, 20, z=2.5758).low < wilson(5, 20).low


def test_no_texts_give_no_share() -> None:
    assert math.isnan(wilson(0, 0).value)
    assert wilson(0, 0).json() == {"value": None, "low": None, "high": None, "n": 0}


def test_hits_may_be_a_sum_of_means() -> None:
    assert wilson(7.5, 10).json()["value"] == 0.75
