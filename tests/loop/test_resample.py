"""The joint paired bootstrap: thresholds, effects, and how sure they are."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sutdol.loop.evidence import Evidence, Row, Scored, evidence
from sutdol.loop.resample import Comparison, cut
from sutdol.loop.rules import Rules

Exam = Callable[..., Evidence]


def plain(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    return np.ones((1, n), dtype=np.int32)


def test_the_threshold_lets_the_asked_share_through() -> None:
    scores = np.arange(1_000, dtype=np.float64)
    threshold = cut(scores, plain(1_000), 0.05)[0]
    assert np.sum(scores > threshold) == 50


def test_ties_at_the_threshold_are_not_let_through() -> None:
    scores = np.array([0.0] * 90 + [1.0] * 10)
    assert cut(scores, plain(100), 0.05)[0] == 1.0


def test_too_few_texts_for_the_share_let_nothing_through() -> None:
    scores = np.arange(10, dtype=np.float64)
    assert cut(scores, plain(10), 0.05)[0] == 9.0


def test_each_resample_has_its_own_threshold() -> None:
    weights = np.array([[4, 0, 0, 0], [0, 0, 0, 4], [1, 1, 1, 1]], dtype=np.int32)
    assert list(cut(np.array([1.0, 2.0, 3.0, 4.0]), weights, 0.25)) == [1.0, 4.0, 3.0]


def test_only_the_order_of_a_models_scores_matters(exam: Exam, rules: Rules) -> None:
    found = exam(noise=0.2, gain=0.2)
    stretched = replace(found.challenger, scores=np.exp(found.challenger.scores) + 3)
    same, other = (
        Comparison(one, rules).effect("attacked recall")
        for one in (found, replace(found, challenger=stretched))
    )
    assert same == other


def test_a_score_that_stands_at_the_threshold_is_not_caught(
    exam: Exam, rules: Rules, answer: Exam
) -> None:
    saturated = answer(exam(), lambda _, old: min(old, 1.0))
    assert Comparison(saturated, rules).effect("attacked recall").challenger == 0


def test_better_is_positive_whichever_way_a_measure_points(
    exam: Exam, rules: Rules, answer: Exam
) -> None:
    better = answer(exam(), lambda row, old: old - 1 if "twin" in row.tags else old)
    effect = Comparison(better, rules).effect("false positives on twins")
    assert effect.challenger < effect.champion
    assert effect.gain > 0


def test_rows_of_one_text_are_one_case(exam: Exam, rules: Rules) -> None:
    assert Comparison(exam(), rules).effect("attacked recall").n == 1_000


def test_a_case_weighs_the_same_however_many_attacks_it_has(graded: Rules) -> None:
    rows = [Row(case="many", probe=f"{i}", tags=("answer",)) for i in range(9)]
    rows.append(Row(case="one", probe="0", tags=("answer",)))
    models = [
        Scored(version=name, scores=np.array([1.0] * 9 + [last]), thresholds={})
        for name, last in (("v1", 0.0), ("v2", 1.0))
    ]
    found = evidence(rows, champion=models[0], challenger=models[1])
    assert Comparison(found, graded).effect("quality").gain == pytest.approx(0.5)


def test_the_spread_of_a_mean_is_that_of_the_textbook(answers: Exam, graded: Rules) -> None:
    rng = np.random.default_rng(0)
    old, new = rng.random(1_000), rng.random(1_000)
    effect = Comparison(answers(list(old), list(new)), replace(graded, resamples=2_000)).effect(
        "quality"
    )
    assert effect.sd == pytest.approx((new - old).std() / np.sqrt(1_000), rel=0.05)


def test_copies_of_one_group_prove_no_more_than_one_of_them(answers: Exam, graded: Rules) -> None:
    rng = np.random.default_rng(0)
    alone = answers(list(rng.random(500)), list(rng.random(500)))
    copies = [
        replace(row, case=f"{row.case} {copy}", group=row.case)
        for copy in range(4)
        for row in alone.rows
    ]
    models = {
        name: replace(getattr(alone, name), scores=np.tile(getattr(alone, name).scores, 4))
        for name in ("champion", "challenger")
    }
    many = replace(graded, resamples=2_000)
    one, four = (
        Comparison(found, many).effect("quality") for found in (alone, evidence(copies, **models))
    )
    assert four.n == 4 * one.n
    assert four.sd == pytest.approx(one.sd, rel=0.06)


def test_the_luck_of_fitting_a_threshold_widens_the_spread(exam: Exam, rules: Rules) -> None:
    found, fixed = exam(noise=0.3), replace(rules.primary, name="fixed", of="served")
    refitted = Comparison(found, rules).effect("attacked recall")
    taken = Comparison(found, replace(rules, primary=fixed)).effect("fixed")
    assert refitted.sd > 1.3 * taken.sd


def test_a_language_with_few_harmless_texts_is_cut_with_all_together(
    exam: Exam, rules: Rules
) -> None:
    found = exam(noise=0.2, gain=0.2)
    foreign = {"h0", "h1", *(f"m{i}" for i in range(900))}
    rows = [replace(row, calibration="ja") if row.case in foreign else row for row in found.rows]
    mixed = evidence(rows, champion=found.champion, challenger=found.challenger)
    all_together = Comparison(found, rules).effect("attacked recall")
    assert Comparison(mixed, rules).effect("attacked recall").challenger == pytest.approx(
        all_together.challenger, abs=0.003
    )


def test_the_anchor_is_the_champion_unless_another_is_given(exam: Exam, rules: Rules) -> None:
    comparison = Comparison(exam(noise=0.2), rules)
    assert comparison.effect("clean recall", "anchor") == comparison.effect("clean recall")
