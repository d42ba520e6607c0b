"""The monitor: go back only when quality surely fell."""

import math

import pytest

from sutdol.loop.monitor import watch


def test_a_clear_fall_rings() -> None:
    alarm = watch("recall", [1.0] * 100, [1.0] * 80 + [0.0] * 20)
    assert alarm is not None
    assert (round(alarm.loss, 6), alarm.n) == (0.2, 100)
    assert 0.02 < alarm.lower < alarm.loss
    assert str(alarm) == "recall fell by 20.0 points (surely by 13.4, n 100)"


def test_a_small_or_unsure_fall_does_not() -> None:
    assert watch("recall", [1.0] * 100, [1.0] * 98 + [0.0] * 2) is None
    assert watch("recall", [1.0] * 10, [1.0] * 9 + [0.0]) is None


def test_getting_better_does_not() -> None:
    assert watch("recall", [0.0] * 100, [1.0] * 100) is None


def test_the_margin_may_be_wider() -> None:
    old, new = [1.0] * 100, [1.0] * 80 + [0.0] * 20
    assert watch("recall", old, new, margin=0.15) is None


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_a_handful_of_cases_proves_nothing(n: int) -> None:
    assert watch("recall", [1.0] * n, [0.0] * n) is None


def test_scores_that_are_no_numbers_prove_nothing() -> None:
    assert watch("recall", [1.0] * 100, [math.nan] * 100) is None
    assert watch("recall", [math.inf] * 100, [0.0] * 100) is None


def test_cases_that_do_not_match_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        watch("recall", [1.0] * 100, [0.0])
