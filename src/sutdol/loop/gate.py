"""Decide whether a challenger may replace the champion. Pure: no I/O, no clock."""

import math
from collections.abc import Sequence

import numpy as np

from sutdol.loop.evidence import Evidence, Scored
from sutdol.loop.rails import alarm_checks, leak_checks, rail_checks, suite_checks
from sutdol.loop.resample import Comparison, Effect, carries
from sutdol.loop.rules import Measure, Rules
from sutdol.loop.verdict import Budget, Check, Decision, Gain, Verdict
from sutdol.metrics.draws import Draws, seed_from
from sutdol.metrics.paired import Z95, Z975, mcnemar, normal_quantile, normal_tail, sign_flip


def alpha(position: int) -> float:
    """What look `position` (1, 2, ...) since the last gate promotion may spend.

    The sum over all positions is 0.05: with no real change, the chance of any false promotion
    is at most 5 %, over any number of looks.
    """
    return 0.2 / ((position + 3) * (position + 4))


def decide(evidence: Evidence, rules: Rules, budget: Budget, *, leaks: int = 0) -> Verdict:
    """The verdict on these scores: the same scores give the same verdict, any day.

    `leaks`: training rows of the challenger that are near-duplicates of hold-out texts.
    """
    judged = evidence.without("suite")  # evasions known to be fixed are no evidence of gain
    comparison = Comparison(judged, rules)
    gain = superiority(comparison, judged, rules, budget)
    checks = (
        *rail_checks(comparison, rules),
        *alarm_checks(comparison, rules),
        *suite_checks(evidence),
        *leak_checks(leaks),
    )
    decision, reason = _conclude(evidence, rules, gain, checks)
    return Verdict(
        decision=decision, reason=reason, primary=gain, guard_rails=checks, budget=budget
    )


def superiority(comparison: Comparison, evidence: Evidence, rules: Rules, budget: Budget) -> Gain:
    """Is the challenger better on the primary measure? One-sided p and the effect."""
    effect = comparison.effect(rules.primary.name)
    # one case is the finest step a mean of n cases can take: a smaller spread is an accident
    sd = max(effect.sd, 1.0 / effect.n) if effect.n else math.nan
    p, test = _p(evidence, rules, effect, sd)
    detectable = (normal_quantile(1.0 - budget.alpha) + normal_quantile(0.8)) * sd
    return Gain(
        name=rules.primary.name,
        champion=effect.champion,
        challenger=effect.challenger,
        effect=effect.gain,
        low=effect.gain - Z975 * sd,
        high=effect.gain + Z975 * sd,
        p=p,
        alpha=budget.alpha,
        n=effect.n,
        test=test,
        detectable=detectable,
        wanted=math.ceil(effect.n * (detectable / rules.worth) ** 2)
        if math.isfinite(detectable)
        else 0,
    )


def _p(evidence: Evidence, rules: Rules, effect: Effect, sd: float) -> tuple[float, str]:
    if not effect.n or math.isnan(effect.gain):
        return 1.0, "none"
    if rules.calibration is not None:
        return normal_tail(effect.gain / sd) if effect.gain else 1.0, "joint paired bootstrap"
    old = group_means(evidence, evidence.champion, rules.primary)
    new = group_means(evidence, evidence.challenger, rules.primary)
    if rules.primary.better == "low":
        old, new = -old, -new
    if np.isin(np.concatenate([old, new]), (-1.0, 0.0, 1.0)).all():
        return mcnemar(old, new), "exact McNemar"
    seed = seed_from("sign flip", evidence.cases_hash)
    return sign_flip(new - old, Draws(seed)), "sign flip"


def group_means(
    evidence: Evidence, model: Scored, measure: Measure
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One number per group: the mean over its cases, each the mean score of its rows.

    Cases of one group lean together and are no independent evidence. One without is its own.
    """
    chosen = [index for index, row in enumerate(evidence.rows) if carries(row, measure.tags)]
    rows = [evidence.rows[index] for index in chosen]
    cases, where = np.unique([row.case for row in rows], return_inverse=True)
    means = np.bincount(where, weights=model.scores[chosen]) / np.bincount(where)
    group = {row.case: row.group or row.case for row in rows}
    _, where = np.unique([group[case] for case in cases.tolist()], return_inverse=True)
    return np.bincount(where, weights=means) / np.bincount(where)


def _conclude(
    evidence: Evidence, rules: Rules, gain: Gain, checks: Sequence[Check]
) -> tuple[Decision, str]:
    """The first rule that applies, in the order of severity."""
    breached = [check for check in checks if check.state == "breached"]
    unproven = [check for check in checks if check.state == "unproven"]
    best = gain.effect + (gain.high - gain.effect) * Z95 / Z975
    unfit = _unfit(evidence, rules)
    if unfit:
        return "inconclusive", unfit
    if breached or best <= 0:
        worst = "; ".join(_breach(check) for check in breached[:3])
        return "reject", worst or f"{gain.name} did not improve: at best {100 * best:+.1f} points"
    if gain.p > gain.alpha or unproven:
        return "inconclusive", _weak(gain) if gain.p > gain.alpha else _unsafe(unproven)
    return "promote", (
        f"{gain.name} {100 * gain.effect:+.1f} points"
        f" [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}],"
        f" p {gain.p:.2g} <= {gain.alpha:.4f}, all guard-rails passed"
    )


def _unfit(evidence: Evidence, rules: Rules) -> str:
    """Why these scores cannot be judged at all; empty if they can."""
    cases = _count(evidence, rules.primary.tags)
    harmless = _count(evidence, rules.calibration.harmless) if rules.calibration else None
    uncut = _without_threshold(evidence) if rules.calibration else ""
    models = (evidence.champion, evidence.challenger, evidence.anchor)
    reasons = {
        "some scores are not numbers; look at the model's training run": any(
            not np.isfinite(model.scores).all() for model in models
        ),
        uncut: bool(uncut),
        f"{cases} cases for {rules.primary.name}, {rules.least_primary} are needed: add labels": (
            cases < rules.least_primary
        ),
        f"{harmless} harmless texts, {rules.least_harmless} are needed (3,000 are good)": (
            harmless is not None and harmless < rules.least_harmless
        ),
        "champion and challenger score every case alike": np.array_equal(
            evidence.champion.scores, evidence.challenger.scores
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _without_threshold(evidence: Evidence) -> str:
    """Who ships no threshold where one is needed: it flags nothing, so it seems to do no harm."""
    groups = sorted({row.calibration for row in evidence.rows})
    lacking = [
        f"{model.version} ships no threshold for {group!r}"
        for model in (evidence.champion, evidence.challenger, evidence.anchor)
        for group in groups
        if not math.isfinite(model.threshold(group))
    ]
    return lacking[0] if lacking else ""


def _count(evidence: Evidence, tags: Sequence[str]) -> int:
    """How many groups, a case without one being its own: what can be counted as evidence."""
    rows = evidence.without("suite").rows
    return len({row.group or row.case for row in rows if carries(row, tags)})


def _breach(check: Check) -> str:
    if check.kind == "leak":
        return f"{check.n} training rows repeat hold-out texts"
    return (
        f"{check.name} lost {100 * check.loss:.1f} points against the {check.against}"
        f" (limit {100 * check.margin:.0f}, n {check.n})"
    )


def _weak(gain: Gain) -> str:
    return (
        f"{gain.name} {100 * gain.effect:+.1f} points"
        f" [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}] with n {gain.n}:"
        f" p {gain.p:.2g} > {gain.alpha:.4f}; this look finds"
        f" {100 * gain.detectable:.1f} points, {gain.wanted} cases would find 3"
    )


def _unsafe(unproven: Sequence[Check]) -> str:
    return "better, but not shown safe: " + "; ".join(
        f"{check.name} may lose {100 * check.bound:.1f} points against the {check.against}"
        f" (limit {100 * check.margin:.0f})"
        for check in unproven[:3]
    )
