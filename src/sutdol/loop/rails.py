"""Guard-rails, alarms, regression suite, leaks: what a challenger must not break. Pure."""

import math
from collections.abc import Sequence
from typing import Literal

from sutdol.loop.evidence import Evidence, Scored
from sutdol.loop.resample import Comparison, Effect
from sutdol.loop.rules import Rail, Rules
from sutdol.loop.verdict import Check
from sutdol.metrics.paired import Z95, normal_tail

FAMILY_ERROR = 0.05  # of all alarms together, Holm
LOSS_OF_SUITE = 0.01  # net share of unpinned regression items a challenger may lose
EPSILON = 1e-12

Kind = Literal["proven", "alarm", "suite", "leak"]
State = Literal["passed", "unproven", "breached", "not judged"]


def rail_checks(comparison: Comparison, rules: Rules) -> list[Check]:
    """Each proven rail, against the champion and against the pinned anchor."""
    return [
        _rail(rail, comparison.effect(rail.measure.name, against), against)
        for against in ("champion", "anchor")
        for rail in rules.rails
    ]


def _rail(rail: Rail, effect: Effect, against: str) -> Check:
    margin = rail.margin if against == "champion" else rail.anchor_margin
    loss, n = -effect.gain, effect.n
    # with no case that differs, at most 3 in n may (the rule of three)
    spread = max(Z95 * effect.sd, 3.0 / n) if n else math.nan
    over = rail.ceiling is not None and effect.challenger > rail.ceiling
    state: State = "passed" if loss + spread < margin and not over else "unproven"
    if loss - spread >= margin:
        state = "breached"
    return _check(rail.measure.name, "proven", against, effect, (loss + spread, margin), state)


def alarm_checks(comparison: Comparison, rules: Rules) -> list[Check]:
    """Refuse what is clearly worse in any slice, Holm over all slices that can be judged."""
    watched = {
        name: next(
            alarm
            for alarm in rules.alarms
            if alarm.measure == selection.measure and selection.tag.startswith(alarm.slices)
        )
        for name, selection in comparison.selections.items()
        if selection.tag
    }
    effects = {name: comparison.effect(name) for name in watched}
    chances = {
        name: _alarm_p(effects[name], alarm.margin)
        for name, alarm in watched.items()
        if effects[name].n >= alarm.least
    }
    ringing = holm(chances, FAMILY_ERROR)
    return [
        _check(
            name,
            "alarm",
            "champion",
            effects[name],
            (-effects[name].gain - Z95 * effects[name].sd, alarm.margin),
            "not judged" if name not in chances else "breached" if name in ringing else "passed",
        )
        for name, alarm in watched.items()
    ]


def _alarm_p(effect: Effect, margin: float) -> float:
    return normal_tail((-effect.gain - margin) / max(effect.sd, 1.0 / effect.n))


def holm(chances: dict[str, float], error: float) -> set[str]:
    """Names whose p passes Holm's step-down test at family-wise `error` (Holm 1979)."""
    passed: set[str] = set()
    for rank, name in enumerate(sorted(chances, key=lambda key: (chances[key], key))):
        if chances[name] > error / (len(chances) - rank):
            break
        passed.add(name)
    return passed


def suite_checks(evidence: Evidence) -> list[Check]:
    """The regression suite at shipped thresholds: pinned items all pass, the rest barely lose."""
    checks = []
    for name, margin in (("pinned", 0.0), ("unpinned", LOSS_OF_SUITE)):
        rows = [
            index
            for index, row in enumerate(evidence.rows)
            if "suite" in row.tags and (("pinned" in row.tags) == (name == "pinned"))
        ]
        if not rows:
            continue
        old, new = (_passes(evidence, m, rows) for m in (evidence.champion, evidence.challenger))
        loss = 1.0 - new if name == "pinned" else old - new
        within = loss <= EPSILON if name == "pinned" else loss < margin - EPSILON
        checks.append(
            Check(
                name=f"regression suite, {name}",
                kind="suite",
                against="champion",
                champion=old,
                challenger=new,
                loss=loss,
                bound=loss,
                margin=margin,
                n=len(rows),
                state="passed" if within else "breached",
            )
        )
    return checks


def _passes(evidence: Evidence, model: Scored, rows: Sequence[int]) -> float:
    """Share of suite rows the model gets right at the thresholds it ships with."""
    right = 0
    for index in rows:
        row = evidence.rows[index]
        flagged = model.scores[index] >= model.threshold(row.calibration)
        right += bool(flagged) == ("must:flag" in row.tags)
    return right / len(rows)


def leak_checks(leaks: int) -> list[Check]:
    """Training rows that repeat hold-out texts: none may remain."""
    if not leaks:
        return []
    return [
        Check(
            name="hold-out texts in training",
            kind="leak",
            against="hold-out",
            champion=0.0,
            challenger=float(leaks),
            loss=float(leaks),
            bound=float(leaks),
            margin=0.0,
            n=leaks,
            state="breached",
        )
    ]


def _check(
    name: str, kind: Kind, against: str, effect: Effect, limits: tuple[float, float], state: State
) -> Check:
    bound, margin = limits
    return Check(
        name=name,
        kind=kind,
        against=against,
        champion=effect.champion,
        challenger=effect.challenger,
        loss=-effect.gain,
        bound=bound,
        margin=margin,
        n=effect.n,
        state=state,
    )
