"""Each metric against the library everybody knows, and cases counted by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_score, recall_score, roc_auc_score

from sutdol.metrics.measure import METRICS, Decisions, mean, metric, only

Score = Callable[[Decisions], float]

PEERS: dict[str, Score] = {
    "accuracy": lambda d: accuracy_score(d.expected, d.flagged),
    "precision": lambda d: precision_score(d.expected, d.flagged),
    "recall": lambda d: recall_score(d.expected, d.flagged),
    "fpr": lambda d: 1 - recall_score(~d.expected, ~d.flagged),
    "auroc": lambda d: roc_auc_score(d.expected, d.scores),
}


def noisy(seed: int, n: int = 300) -> Decisions:
    """Scores with many ties, and flags at half the scale."""
    rng = np.random.default_rng(seed)
    expected = rng.random(n) < 0.4
    scores = np.round(np.clip(0.3 * expected + rng.normal(0.4, 0.25, n), 0, 1), 1)
    return Decisions(expected=expected, flagged=scores >= 0.5, scores=scores)


def by_hand(expected: str, flagged: str, scores: list[float] | None = None) -> Decisions:
    return Decisions(
        expected=np.array([mark == "+" for mark in expected]),
        flagged=np.array([mark == "+" for mark in flagged]),
        scores=np.array(scores or [0.5] * len(expected)),
    )


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_has_a_peer_here(name: str) -> None:
    assert name in PEERS


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scikit_learn(name: str, seed: int) -> None:
    found = noisy(seed)
    assert mean(METRICS[name](found)).value == pytest.approx(PEERS[name](found), abs=1e-12)


def test_accuracy_counts_every_text() -> None:
    np.testing.assert_array_equal(METRICS["accuracy"](by_hand("++--", "+-+-")), [1, 0, 0, 1])


def test_recall_counts_violating_texts_only() -> None:
    values = METRICS["recall"](by_hand("++--", "+-+-"))
    np.testing.assert_array_equal(values, [1, 0, math.nan, math.nan])


def test_precision_counts_flagged_texts_only() -> None:
    values = METRICS["precision"](by_hand("++--", "+-+-"))
    np.testing.assert_array_equal(values, [1, math.nan, 0, math.nan])


def test_false_positives_count_harmless_texts_only() -> None:
    values = METRICS["fpr"](by_hand("++--", "+-+-"))
    np.testing.assert_array_equal(values, [math.nan, math.nan, 1, 0])


def test_a_tie_is_half_a_win() -> None:
    values = METRICS["auroc"](by_hand("+---", "----", [0.5, 0.1, 0.5, 0.9]))
    np.testing.assert_array_equal(values[:1], [0.5])


def test_without_harmless_texts_nothing_scores_above_one() -> None:
    assert mean(METRICS["auroc"](by_hand("++", "++"))).n == 0


def test_the_mean_is_over_the_cases_that_count_and_has_an_interval() -> None:
    figure = mean(only(np.array([1.0, 0.0, 1.0, 1.0]), np.array([True, True, False, True])))
    assert (figure.value, figure.n) == (pytest.approx(2 / 3), 3)
    assert figure.low < 2 / 3 < figure.high


def test_a_name_is_given_once() -> None:
    with pytest.raises(Exception, match="Two plugins call themselves metric 'recall'"):
        metric("recall")(METRICS["fpr"])
