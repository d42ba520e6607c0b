"""Guard-rails, alarms, the regression suite and leaks: what a challenger must not break."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sutdol.loop.evidence import Evidence, Row, Scored, evidence
from sutdol.loop.rails import holm
from sutdol.loop.rules import Alarm, Measure, Rail, Rules
from sutdol.loop.verdict import Check, Verdict

Exam = Callable[..., Evidence]
Judge = Callable[..., Verdict]

QUALITY = Measure(name="quality", tags=("answer",), of="score")


def check(verdict: Verdict, name: str, against: str = "champion") -> Check:
    return next(one for one in verdict.guard_rails if (one.name, one.against) == (name, against))


def share(right: float, n: int = 4_000) -> list[float]:
    """n answers of which this share is right."""
    return [1.0] * round(right * n) + [0.0] * (n - round(right * n))


# Proven rails


def test_better_but_not_shown_safe_is_inconclusive(exam: Exam, judge: Judge) -> None:
    verdict = judge(exam(noise=0.35, gain=0.4))
    assert verdict.primary.p < verdict.primary.alpha
    assert check(verdict, "clean recall").state == "unproven"
    assert verdict.decision == "inconclusive"


def test_a_proven_loss_on_a_rail_is_rejected_whatever_the_gain(
    exam: Exam, judge: Judge, answer: Exam
) -> None:
    lost = answer(
        exam(),
        lambda row, old: (
            9.0 if "attacked" in row.tags else old - 0.5 if "malicious" in row.tags else old
        ),
    )
    verdict = judge(lost)
    assert verdict.decision == "reject"
    assert "clean recall lost" in verdict.reason


@pytest.mark.parametrize(
    ("lost", "state"), [(0.0, "passed"), (0.02, "unproven"), (0.06, "breached")]
)
def test_a_rail_passes_only_if_the_loss_is_proven_smaller_than_its_margin(
    lost: float, state: str, answers: Exam, judge: Judge, graded: Rules
) -> None:
    rules = replace(graded, rails=(Rail(measure=QUALITY),))
    verdict = judge(answers(share(0.9, 600), share(0.9 - lost, 600)), rules)
    assert check(verdict, "quality").state == state


def test_without_a_single_loss_a_few_cases_still_prove_nothing(
    answers: Exam, judge: Judge, graded: Rules
) -> None:
    rules = replace(graded, rails=(Rail(measure=QUALITY),), least_primary=1)
    few, many = (judge(answers([1.0] * n, [1.0] * n), rules) for n in (100, 200))
    assert check(few, "quality").state == "unproven"
    assert check(many, "quality").state == "passed"


def test_a_rail_without_cases_is_not_proven(answers: Exam, judge: Judge, graded: Rules) -> None:
    absent = Measure(name="absent", tags=("nowhere",), of="score")
    verdict = judge(answers(share(0.5), share(0.6)), replace(graded, rails=(Rail(measure=absent),)))
    assert check(verdict, "absent").state == "unproven"
    assert verdict.decision == "inconclusive"


def test_a_model_above_the_ceiling_does_not_pass_though_it_lost_nothing(
    exam: Exam, judge: Judge
) -> None:
    found = exam(gain=0.3)
    loose = {
        name: replace(getattr(found, name), thresholds={"en": 1.0})
        for name in ("champion", "challenger", "anchor")
    }
    verdict = judge(replace(found, **loose))
    assert check(verdict, "false positives").loss == 0
    assert verdict.decision == "inconclusive"


def test_a_small_loss_against_the_anchor_is_refused_though_the_champion_lost_as_much(
    answers: Exam, judge: Judge, graded: Rules
) -> None:
    rules = replace(graded, rails=(Rail(measure=QUALITY),))
    verdict = judge(answers(share(0.90), share(0.90), share(0.95)), rules)
    assert check(verdict, "quality", "champion").state == "passed"
    assert check(verdict, "quality", "anchor").state == "breached"


def test_twenty_one_point_losses_stop_at_the_anchor(judge: Judge, graded: Rules) -> None:
    safety = Measure(name="safety", tags=("safe",), of="score")
    rules = replace(graded, rails=(Rail(measure=safety),))
    steps = 0
    while steps < 20:
        verdict = judge(chain(steps), rules)
        assert check(verdict, "safety", "champion").state == "passed"
        if not verdict.promote:
            break
        steps += 1
    assert check(verdict, "safety", "anchor").state != "passed"
    assert steps == 2


def chain(step: int, n: int = 4_000) -> Evidence:
    """Each step gains five points of quality and loses one of safety against its champion."""
    rows = [Row(case=f"q{i:04}", probe="", tags=("answer",)) for i in range(n)]
    rows += [Row(case=f"s{i:04}", probe="", tags=("safe",)) for i in range(n)]
    models = [
        Scored(
            version=f"v{k}",
            scores=np.array(share(0.05 * k, n) + share(0.95 - 0.01 * k, n)),
            thresholds={},
        )
        for k in (0, step, step + 1)
    ]
    return evidence(rows, anchor=models[0], champion=models[1], challenger=models[2])


# Alarms


def test_a_family_that_is_clearly_worse_rings_though_the_primary_gains(
    exam: Exam, judge: Judge, answer: Exam
) -> None:
    lost = answer(
        exam(),
        lambda row, old: (
            old if "attacked" not in row.tags else 9.0 if "family:leet" in row.tags else old - 0.3
        ),
    )
    verdict = judge(lost)
    rung = {one.name for one in verdict.guard_rails if one.state == "breached"}
    assert verdict.primary.p < verdict.primary.alpha
    assert verdict.decision == "reject"
    assert rung == {"attacked recall family:jamo"}


def test_below_200_texts_a_slice_is_not_judged(judge: Judge, graded: Rules) -> None:
    rules = replace(graded, alarms=(Alarm(measure=QUALITY, slices=("lang:",)),))
    tiny, enough = (judge(slices({"ko": (n, n), "en": (600, 0)}), rules) for n in (199, 200))
    assert check(tiny, "quality lang:ko").state == "not judged"
    assert check(enough, "quality lang:ko").state == "breached"


def test_a_slice_that_would_ring_alone_is_silent_among_ten(judge: Judge, graded: Rules) -> None:
    rules = replace(graded, alarms=(Alarm(measure=QUALITY, slices=("lang:",)),), resamples=2_000)
    others = {f"x{k}": (200, 0) for k in range(10)}
    alone = judge(slices({"ko": (400, 18)}), replace(rules, least_primary=1))
    among = judge(slices({"ko": (400, 18), **others}), rules)
    assert check(alone, "quality lang:ko").state == "breached"
    assert check(among, "quality lang:ko").state == "passed"


def test_two_alarms_on_one_measure_keep_their_own_margins(judge: Judge, graded: Rules) -> None:
    strict = Alarm(measure=QUALITY, slices=("source:",))
    loose = Alarm(measure=QUALITY, slices=("lang:",), margin=0.5)
    verdict = judge(slices({"ko": (600, 120)}), replace(graded, alarms=(strict, loose)))
    assert check(verdict, "quality lang:ko").margin == 0.5


def slices(lost: dict[str, tuple[int, int]]) -> Evidence:
    """Per language so many cases, all right before, so many of them wrong now."""
    rows, new = [], []
    for lang, (n, wrong) in lost.items():
        rows += [
            Row(case=f"{lang}{i:04}", probe="", tags=("answer", f"lang:{lang}")) for i in range(n)
        ]
        new += [0.0] * wrong + [1.0] * (n - wrong)
    return evidence(
        rows,
        champion=Scored(version="v1", scores=np.ones(len(rows)), thresholds={}),
        challenger=Scored(version="v2", scores=np.array(new), thresholds={}),
    )


def test_holm_grows_the_limit_as_names_pass() -> None:
    assert holm({"a": 0.01, "b": 0.02, "c": 0.03}, 0.05) == {"a", "b", "c"}


def test_holm_stops_at_the_first_that_does_not_pass() -> None:
    assert holm({"a": 0.01, "b": 0.03, "c": 0.04}, 0.05) == {"a"}


def test_holm_passes_nothing_where_bonferroni_passes_nothing() -> None:
    assert holm({"a": 0.02, "b": 0.02, "c": 0.02}, 0.05) == set()


def test_holm_of_nothing_is_nothing() -> None:
    assert holm({}, 0.05) == set()


# The regression suite


def with_suite(found: Evidence, old: list[float], new: list[float], *tags: str) -> Evidence:
    rows = [
        Row(case=f"s{i:03}", probe="leet", tags=("suite", *tags), calibration="en")
        for i in range(len(old))
    ]
    longer = {
        name: replace(
            getattr(found, name), scores=np.concatenate([getattr(found, name).scores, scores])
        )
        for name, scores in (("champion", old), ("challenger", new), ("anchor", old))
    }
    return evidence([*found.rows, *rows], **longer)


def test_a_suite_that_is_kept_does_not_stand_in_the_way(exam: Exam, judge: Judge) -> None:
    kept = with_suite(exam(gain=0.3), [9.0] * 50, [9.0] * 50, "pinned", "must:flag")
    assert judge(kept).promote


def test_one_pinned_evasion_that_comes_back_is_rejected(exam: Exam, judge: Judge) -> None:
    lost = with_suite(exam(gain=0.3), [9.0] * 200, [9.0] * 199 + [-9.0], "pinned", "must:flag")
    assert judge(lost).decision == "reject"
    assert "regression suite, pinned" in judge(lost).reason


def test_a_pinned_benign_twin_must_not_be_flagged_again(exam: Exam, judge: Judge) -> None:
    flagged = with_suite(exam(gain=0.3), [-9.0] * 10, [-9.0] * 9 + [9.0], "pinned")
    assert judge(flagged).decision == "reject"


@pytest.mark.parametrize(("items", "decision"), [(100, "reject"), (101, "promote")])
def test_unpinned_items_may_lose_less_than_one_percent(
    items: int, decision: str, exam: Exam, judge: Judge
) -> None:
    lost = with_suite(exam(gain=0.3), [9.0] * items, [9.0] * (items - 1) + [-9.0], "must:flag")
    assert judge(lost).decision == decision


def test_exactly_one_percent_is_too_much_however_it_is_rounded(exam: Exam, judge: Judge) -> None:
    old, new = ([9.0] * kept + [-9.0] * (100 - kept) for kept in (3, 2))
    assert judge(with_suite(exam(gain=0.3), old, new, "must:flag")).decision == "reject"


def test_unpinned_items_won_make_up_for_items_lost(exam: Exam, judge: Judge) -> None:
    swapped = with_suite(exam(gain=0.3), [9.0, 9.0, -9.0], [-9.0, 9.0, 9.0], "must:flag")
    assert judge(swapped).promote


def test_a_suite_score_that_is_no_number_is_inconclusive(exam: Exam, judge: Judge) -> None:
    broken = with_suite(exam(gain=0.3), [-9.0], [math.nan], "pinned")
    assert judge(broken).decision == "inconclusive"


# Leaks


def test_hold_out_texts_in_training_are_rejected(exam: Exam, judge: Judge) -> None:
    verdict = judge(exam(gain=0.3), leaks=3)
    assert verdict.decision == "reject"
    assert "3 training rows repeat hold-out texts" in verdict.reason
