"""Twenty looks at challengers that are no better: what the gate promotes, and what McNemar would.

Two guards see the same 1,000 malicious and 1,000 harmless texts, each through its own noise, so
that each has a threshold of its own; every look has fresh texts.
"""

import numpy as np

from sutdol.loop.evidence import Evidence, Row, Scored, evidence
from sutdol.loop.gate import alpha, decide
from sutdol.loop.rules import Calibration, Measure, Rules
from sutdol.loop.verdict import Budget
from sutdol.metrics.paired import mcnemar

SERIES, LOOKS, TEXTS = 20, 20, 1_000
NOISE = 0.25  # about 8 % of the texts are decided otherwise by the other guard
RULES = Rules(
    primary=Measure(name="attacked recall", tags=("attacked",)),
    calibration=Calibration(harmless=("clean", "harmless")),
    resamples=100,  # of 2,000: quick, and steady enough to tell 5 % from 40 %
)
ROWS = [
    Row(case=f"{kind}{n:04}", probe="", tags=tags, calibration="en")
    for kind, tags in (("m", ("attacked", "malicious")), ("h", ("clean", "harmless")))
    for n in range(TEXTS)
]


def seen(rng: np.random.Generator, gain: float = 0.0) -> np.ndarray:
    """The scores of two guards, of which the second may be better. Shape (2, rows)."""
    latent = np.concatenate([rng.standard_normal(TEXTS) + 2.5, rng.standard_normal(TEXTS)])
    scores = latent + NOISE * rng.standard_normal((2, 2 * TEXTS))
    scores[1, :TEXTS] += gain
    return scores


def caught(scores: np.ndarray) -> np.ndarray:
    """Which malicious texts a guard flags at 5 % of the harmless ones. Shape (texts,)."""
    return (scores[:TEXTS] > np.quantile(scores[TEXTS:], 0.95)).astype(np.float64)


def judged(scores: np.ndarray) -> Evidence:
    champion, challenger = (
        Scored(version=f"guard-v{n}", scores=one, thresholds={"en": 1.7})
        for n, one in enumerate(scores, 1)
    )
    return evidence(ROWS, champion=champion, challenger=challenger)


def test_equal_guards_are_seldom_promoted_in_twenty_looks_where_mcnemar_promotes_them() -> None:
    gate = fixed = 0
    for series in range(SERIES):
        rng = np.random.default_rng([5, series])
        promoted = by_mcnemar = False
        for position in range(1, LOOKS + 1):
            scores, spent = seen(rng), alpha(position)
            old, new = caught(scores[0]), caught(scores[1])
            if new.mean() <= old.mean():
                continue  # no gain: p is at least a half for both
            by_mcnemar = by_mcnemar or mcnemar(old, new) <= spent
            budget = Budget(position=position, alpha=spent)
            promoted = promoted or decide(judged(scores), RULES, budget).promote
        gate += promoted
        fixed += by_mcnemar
    assert gate <= 2
    assert fixed >= 6


def test_a_guard_that_is_better_is_promoted_by_the_same_rules() -> None:
    scores = seen(np.random.default_rng(5), gain=0.5)
    assert decide(judged(scores), RULES, Budget(position=20, alpha=alpha(20))).promote
