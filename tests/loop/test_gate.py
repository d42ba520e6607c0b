"""The gate: what it promotes, what it refuses, and when it says that it cannot tell."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.loop.evidence import Evidence, Row, Scored, evidence
from sutdol.loop.gate import alpha
from sutdol.loop.rules import Calibration, Measure, Rail, Rules
from sutdol.loop.verdict import Verdict
from sutdol.metrics.paired import Z95, Z975, mcnemar

Exam = Callable[..., Evidence]
Judge = Callable[..., Verdict]

RECOMPUTE = """
import json, sys
from pathlib import Path
from sutdol.loop.evidence import from_json
from sutdol.loop.gate import decide
from sutdol.loop.rules import Alarm, Calibration, Measure, Rail, Rules
from sutdol.loop.verdict import Budget

found = from_json(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
measure = Measure(name="attacked recall", tags=("attacked",))
rules = Rules(
    primary=measure,
    rails=(Rail(measure=measure),),
    alarms=(Alarm(measure=measure, slices=("lang:", "family:")),),
    calibration=Calibration(harmless=("clean", "harmless")),
    resamples=100,
)
print(json.dumps(decide(found, rules, Budget(position=1, alpha=0.01)).json()))
"""


def stored(verdict: Verdict) -> str:
    return json.dumps(verdict.json())


# What is promoted


def test_a_clear_gain_that_harms_nothing_is_promoted(exam: Exam, judge: Judge) -> None:
    assert judge(exam(gain=0.3)).promote


def test_one_lucky_case_is_not_enough(exam: Exam, judge: Judge, answer: Exam) -> None:
    lucky = answer(exam(), lambda row, old: 9.0 if row.case == "m7" else old)
    assert judge(lucky).decision == "inconclusive"


def test_the_same_gain_everywhere_is_no_proof_if_it_is_less_than_one_case(
    exam: Exam, judge: Judge, rules: Rules
) -> None:
    mean = replace(rules, primary=replace(rules.primary, of="score"), alarms=())
    assert judge(exam(gain=1e-4), mean).decision == "inconclusive"


def test_a_proven_loss_is_rejected(exam: Exam, judge: Judge, rules: Rules) -> None:
    verdict = judge(exam(gain=-0.3), replace(rules, alarms=()))
    assert verdict.decision == "reject"
    assert "did not improve" in verdict.reason


def test_a_loss_that_may_be_chance_is_inconclusive(exam: Exam, judge: Judge, rules: Rules) -> None:
    verdict = judge(exam(noise=0.3), replace(rules, alarms=(), rails=()))
    assert verdict.primary.effect < 0
    assert verdict.decision == "inconclusive"


@pytest.mark.parametrize("lost", range(9))
def test_the_upper_end_of_the_effect_decides_between_reject_and_inconclusive(
    lost: int, exam: Exam, judge: Judge, rules: Rules, answer: Exam
) -> None:
    cases = {f"m{i}" for i in range(2 * lost)}
    missed = answer(
        exam(), lambda row, old: -9.0 if row.case in cases and "attacked" in row.tags else old
    )
    verdict = judge(missed, replace(rules, alarms=(), rails=()))
    gain = verdict.primary
    best = gain.effect + (gain.high - gain.effect) * Z95 / Z975
    assert verdict.decision == ("inconclusive" if best > 0 or lost == 0 else "reject")


def test_a_verdict_tells_the_effect_its_interval_and_what_would_be_needed(
    exam: Exam, judge: Judge
) -> None:
    verdict = judge(exam(noise=0.35, gain=0.05))
    gain = verdict.primary
    assert gain.low < gain.effect < gain.high
    for told in (gain.effect, gain.low, gain.high, gain.detectable):
        assert f"{100 * told:.1f}" in verdict.reason
    assert f"{gain.wanted} cases" in verdict.reason


def test_the_wanted_cases_would_find_the_gain_that_is_worth_having(
    exam: Exam, judge: Judge, rules: Rules
) -> None:
    gain = judge(exam(noise=0.35)).primary
    scale = math.sqrt(gain.n / gain.wanted)
    assert gain.detectable * scale == pytest.approx(rules.worth, rel=0.01)


# The error budget


def test_the_first_looks_may_spend_what_the_table_says() -> None:
    assert [round(alpha(j), 4) for j in range(1, 6)] == [0.01, 0.0067, 0.0048, 0.0036, 0.0028]


def test_all_looks_together_spend_five_percent() -> None:
    spent = sum(alpha(j) for j in range(1, 100_001))
    assert spent == pytest.approx(0.05, abs=3e-6)
    assert spent < 0.05


def test_what_the_first_look_promotes_the_twentieth_may_not(exam: Exam, judge: Judge) -> None:
    found = exam(noise=0.05, gain=0.07, seed=1)
    assert judge(found, position=1).promote
    assert judge(found, position=20).decision == "inconclusive"


# The primary cannot be gamed


def test_two_equal_guards_seldom_pass_where_mcnemar_at_fixed_thresholds_often_does(
    exam: Exam, judge: Judge, rules: Rules
) -> None:
    primary = replace(rules, rails=(), alarms=(), resamples=100)
    joint, fixed = 0, 0
    for seed in range(40):
        found = exam(noise=0.25, seed=seed)
        joint += judge(found, primary).primary.p <= 0.05
        fixed += at_fitted_thresholds(found) <= 0.05
    assert joint <= 5
    assert fixed >= 9


def at_fitted_thresholds(found: Evidence) -> float:
    """McNemar's p if each guard's threshold is fitted on the harmless texts and then fixed."""
    harmless = [i for i, row in enumerate(found.rows) if {"clean", "harmless"} <= set(row.tags)]
    attacked = [i for i, row in enumerate(found.rows) if "family:leet" in row.tags]
    attacked = [i for i in attacked if "attacked" in found.rows[i].tags]
    old, new = (
        (model.scores[attacked] > np.quantile(model.scores[harmless], 0.95)).astype(float)
        for model in (found.champion, found.challenger)
    )
    return mcnemar(old, new)


def test_catching_fewer_clean_texts_never_helps_the_primary(
    exam: Exam, judge: Judge, answer: Exam
) -> None:
    honest = exam(noise=0.2, gain=0.2)
    scores = dict(zip(honest.rows, honest.challenger.scores, strict=True))
    missing = answer(
        honest,
        lambda row, _: -9.0 if {"clean", "malicious"} <= set(row.tags) else scores[row],
    )
    assert judge(missing).primary == judge(honest).primary


def test_a_looser_threshold_gains_nothing(exam: Exam, judge: Judge, answer: Exam) -> None:
    loose = answer(exam(), lambda _, old: old + 0.5)
    assert judge(loose).primary.effect == 0
    assert judge(loose).primary.p == 1


def test_a_looser_threshold_is_refused_for_the_false_positives_it_serves(
    exam: Exam, judge: Judge, answer: Exam
) -> None:
    verdict = judge(answer(exam(), lambda _, old: old + 0.5))
    refused = {check.name for check in verdict.guard_rails if check.state == "breached"}
    assert verdict.decision == "reject"
    assert refused == {"false positives"}


def test_flagging_all_that_looks_odd_is_refused_only_because_of_the_benign_twins(
    exam: Exam, judge: Judge, answer: Exam
) -> None:
    odd = answer(exam(), lambda row, old: old if "clean" in row.tags else 9.0)
    verdict = judge(odd)
    failed = {check.name for check in verdict.guard_rails if check.state != "passed"}
    assert verdict.primary.p < 1e-6
    assert verdict.decision == "reject"
    assert failed == {
        "false positives on twins",
        "false positives on twins family:jamo",
        "false positives on twins family:leet",
    }


def test_regression_items_are_no_evidence_of_gain(exam: Exam, judge: Judge) -> None:
    found = exam(noise=0.2)
    items = [
        Row(case=f"s{i}", probe="leet", tags=("suite", "must:flag", "attacked"), calibration="en")
        for i in range(300)
    ]
    won = evidence(
        [*found.rows, *items],
        champion=extended(found.champion, -9.0, 300),
        challenger=extended(found.challenger, 9.0, 300),
    )
    assert judge(won).primary == judge(found).primary


def test_regression_items_do_not_count_towards_the_harmless_texts(exam: Exam, judge: Judge) -> None:
    found = exam(harmless=900, gain=0.3)
    items = [
        Row(case=f"s{i}", probe="", tags=("suite", "clean", "harmless"), calibration="en")
        for i in range(200)
    ]
    padded = evidence(
        [*found.rows, *items],
        champion=extended(found.champion, -9.0, 200),
        challenger=extended(found.challenger, -9.0, 200),
    )
    assert "900 harmless texts" in judge(padded).reason


def extended(model: Scored, score: float, times: int) -> Scored:
    return replace(model, scores=np.concatenate([model.scores, np.full(times, score)]))


# What cannot be judged


@pytest.mark.parametrize("model", ["champion", "challenger", "anchor"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_inconclusive(
    model: str, value: float, exam: Exam, judge: Judge
) -> None:
    found = exam(gain=0.3)
    scores = getattr(found, model).scores.copy()
    scores[5] = value
    broken = replace(found, **{model: replace(getattr(found, model), scores=scores)})
    assert judge(broken).decision == "inconclusive"
    assert "not numbers" in judge(broken).reason


def test_a_graded_answer_that_is_no_number_is_inconclusive(
    answers: Exam, judge: Judge, graded: Rules
) -> None:
    verdict = judge(answers([0.1] * 600, [0.2] * 599 + [math.nan]), graded)
    assert verdict.decision == "inconclusive"
    assert "not numbers" in verdict.reason


def test_no_cases_at_all_are_inconclusive(judge: Judge) -> None:
    nothing = Scored(version="v1", scores=np.array([]), thresholds={})
    verdict = judge(evidence([], champion=nothing, challenger=nothing))
    assert verdict.decision == "inconclusive"
    assert verdict.primary.n == 0


def test_two_models_that_score_all_alike_are_inconclusive(exam: Exam, judge: Judge) -> None:
    assert judge(exam()).decision == "inconclusive"
    assert "alike" in judge(exam()).reason


def test_scores_that_are_all_one_number_are_inconclusive(
    exam: Exam, judge: Judge, answer: Exam
) -> None:
    constant = answer(exam(), lambda *_: 0.5)
    both = replace(constant, champion=replace(constant.challenger, version="guard-v1"))
    assert judge(replace(both, anchor=both.champion)).decision == "inconclusive"


def test_fewer_than_500_malicious_texts_are_inconclusive(exam: Exam, judge: Judge) -> None:
    verdict = judge(exam(malicious=499, gain=0.3))
    assert verdict.decision == "inconclusive"
    assert "499 cases" in verdict.reason
    assert "500 are needed" in verdict.reason


def test_fewer_than_1000_harmless_texts_are_inconclusive(exam: Exam, judge: Judge) -> None:
    verdict = judge(exam(harmless=999, gain=0.3))
    assert verdict.decision == "inconclusive"
    assert "999 harmless texts, 1000 are needed (3,000 are good)" in verdict.reason


def test_a_challenger_without_a_threshold_is_inconclusive_though_it_flags_nothing_harmless(
    exam: Exam, judge: Judge
) -> None:
    found = exam(gain=0.3)
    bare = replace(found, challenger=replace(found.challenger, thresholds={"ko": 0.5}))
    assert judge(bare).decision == "inconclusive"
    assert "guard-v2 ships no threshold for 'en'" in judge(bare).reason


def test_the_pooled_threshold_holds_for_a_language_without_its_own(
    exam: Exam, judge: Judge
) -> None:
    found = exam(gain=0.3)
    pooled = replace(found, challenger=replace(found.challenger, thresholds={"*": 1.645}))
    assert judge(pooled).promote


@pytest.mark.parametrize("least", [{"malicious": 500}, {"harmless": 1_000}])
def test_the_least_numbers_of_texts_are_enough(
    least: dict[str, int], exam: Exam, judge: Judge
) -> None:
    assert judge(exam(gain=0.5, **least)).promote


# The same scores, the same verdict


def test_repeating_every_row_leaves_the_verdict_byte_equal(exam: Exam, judge: Judge) -> None:
    found = exam(noise=0.2, gain=0.2)
    assert stored(judge(rearranged(found, list(range(len(found.rows))) * 2))) == stored(
        judge(found)
    )


def test_the_order_of_rows_does_not_matter(exam: Exam, judge: Judge) -> None:
    found = exam(noise=0.2, gain=0.2)
    shuffled = list(np.random.default_rng(3).permutation(len(found.rows)))
    assert stored(judge(rearranged(found, shuffled))) == stored(judge(found))


def rearranged(found: Evidence, order: list[int]) -> Evidence:
    models = {
        name: replace(getattr(found, name), scores=getattr(found, name).scores[order])
        for name in ("champion", "challenger", "anchor")
    }
    return evidence([found.rows[index] for index in order], **models)


def test_the_hash_seed_of_python_does_not_matter(exam: Exam, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(exam(noise=0.2, gain=0.2).json()), encoding="utf-8")
    verdicts = {
        subprocess.run(
            [sys.executable, "-c", RECOMPUTE, str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(verdicts) == 1


# Roles without thresholds


def test_binary_scores_are_tested_by_exact_mcnemar(
    answers: Exam, judge: Judge, graded: Rules
) -> None:
    old, new = [0.0] * 30 + [1.0] * 570, [1.0] * 25 + [0.0] * 10 + [1.0] * 565
    gain = judge(answers(old, new), graded).primary
    assert gain.test == "exact McNemar"
    assert gain.p == mcnemar(np.array(old), np.array(new))


def test_graded_scores_are_tested_by_sign_flips(answers: Exam, judge: Judge, graded: Rules) -> None:
    rng = np.random.default_rng(1)
    old = rng.random(600)
    verdict = judge(answers(list(old), list(old + rng.normal(0.02, 0.1, 600))), graded)
    assert verdict.primary.test == "sign flip"
    assert verdict.promote


def test_fewer_is_better_where_the_rules_say_so(answers: Exam, judge: Judge, graded: Rules) -> None:
    errors = replace(graded, primary=replace(graded.primary, better="low"))
    fewer = answers([1.0] * 100 + [0.0] * 500, [1.0] * 50 + [0.0] * 550)
    assert judge(fewer, errors).promote
    assert judge(fewer, graded).decision == "reject"


# The rules themselves


def test_a_fourth_proven_rail_is_refused() -> None:
    measure = Measure(name="quality", tags=("answer",), of="score")
    with pytest.raises(ValueError, match="three"):
        Rules(primary=measure, rails=(Rail(measure=measure),) * 4)


@pytest.mark.parametrize("of", ["caught", "served"])
def test_nothing_is_caught_by_rules_without_a_calibration(of: str) -> None:
    measure = Measure(name="quality", tags=("answer",), of=of)
    with pytest.raises(ValueError, match="calibration"):
        Rules(primary=measure)
    assert Rules(primary=measure, calibration=Calibration(harmless=("harmless",)))


# Whatever the scores


@settings(max_examples=25, deadline=None)
@given(
    gain=st.floats(-3, 3),
    more=st.floats(0, 3),
    noise=st.floats(0, 1),
    seed=st.integers(0, 1_000),
)
def test_a_constant_gain_on_attacked_texts_never_raises_p(
    gain: float, more: float, noise: float, seed: int, exam: Exam, judge: Judge, rules: Rules
) -> None:
    primary = replace(rules, rails=(), alarms=(), resamples=100)
    asked = {"malicious": 500, "noise": noise, "seed": seed}
    before, after = (
        judge(exam(gain=added, **asked), primary).primary for added in (gain, gain + more)
    )
    assert after.effect >= before.effect
    # above one half p only says "no gain"; far out in the tail, where nothing depends on it, a
    # wider spread may outweigh the gain
    assert min(after.p, 0.5) <= max(before.p, 1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1_000), scale=st.sampled_from([0.0, 1e-9, 1.0, 1e9]))
def test_p_is_a_probability(
    seed: int, scale: float, exam: Exam, judge: Judge, rules: Rules, answer: Exam
) -> None:
    rng = np.random.default_rng(seed)
    primary = replace(rules, rails=(), alarms=(), resamples=50)
    found = answer(exam(malicious=500), lambda *_: scale * rng.standard_normal())
    assert 0 <= judge(found, primary).primary.p <= 1
