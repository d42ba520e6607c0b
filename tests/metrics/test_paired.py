"""Paired tests against their textbooks: SciPy, exact enumeration, and themselves under the null."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from sutdol.metrics.draws import Draws
from sutdol.metrics.paired import mcnemar, normal_quantile, normal_tail, sign_flip


def binary(better: int, worse: int, alike: int = 5) -> tuple[np.ndarray, np.ndarray]:
    old = np.array([0.0] * better + [1.0] * worse + [1.0] * alike)
    new = np.array([1.0] * better + [0.0] * worse + [1.0] * alike)
    return old, new


@pytest.mark.parametrize("z", [-8.0, -1.0, 0.0, 1.6448536269514722, 6.0])
def test_the_normal_tail_is_scipys(z: float) -> None:
    assert normal_tail(z) == pytest.approx(stats.norm.sf(z), rel=1e-12)


@pytest.mark.parametrize("p", [1e-9, 0.05, 0.5, 0.975, 0.99])
def test_the_normal_quantile_is_scipys(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(stats.norm.ppf(p), abs=1e-9)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (1, 0), (9, 3), (3, 9), (40, 40), (70, 30)])
def test_mcnemar_is_the_one_sided_binomial_test(better: int, worse: int) -> None:
    trials = better + worse
    expected = stats.binomtest(better, trials, alternative="greater").pvalue if trials else 1.0
    assert mcnemar(*binary(better, worse)) == pytest.approx(expected, rel=1e-12)


def test_mcnemar_does_not_count_cases_both_get_alike() -> None:
    assert mcnemar(*binary(9, 3, alike=0)) == mcnemar(*binary(9, 3, alike=1_000))


def test_mcnemar_takes_thousands_of_differences() -> None:
    assert mcnemar(*binary(1_500, 1_500)) == pytest.approx(0.5, abs=0.01)


def test_sign_flips_agree_with_all_of_them_counted() -> None:
    differences = np.random.default_rng(5).normal(0.3, 1.0, 10)
    sums = np.array([np.dot(signs, differences) for signs in product((-1, 1), repeat=10)])
    exact = float(np.mean(sums >= differences.sum() - 1e-12))
    assert 0.02 < exact < 0.5
    assert sign_flip(differences, Draws(1)) == pytest.approx(exact, abs=0.01)


def test_sign_flip_p_is_uniform_where_nothing_differs() -> None:
    rng = np.random.default_rng(2)
    chances = [sign_flip(rng.normal(0, 1, 60), Draws(k), times=400) for k in range(500)]
    assert stats.kstest(chances, "uniform").pvalue > 0.01


def test_sign_flip_p_is_never_zero() -> None:
    assert sign_flip(np.ones(200), Draws(3), times=999) == 1 / 1_000


def test_sign_flips_ignore_cases_that_did_not_move() -> None:
    differences = np.array([0.5, -0.2, 0.1, 0.4])
    padded = np.concatenate([differences, np.zeros(100)])
    assert sign_flip(padded, Draws(4)) == sign_flip(differences, Draws(4))


def test_sign_flip_p_is_one_if_no_case_moved() -> None:
    assert sign_flip(np.zeros(10), Draws(5)) == 1.0


def test_a_gain_and_the_same_loss_are_mirrored() -> None:
    differences = np.random.default_rng(6).normal(0.1, 1.0, 50)
    up, down = sign_flip(differences, Draws(6)), sign_flip(-differences, Draws(6))
    assert up + down == pytest.approx(1.0, abs=0.02)
