"""Paired one-sided tests for scores without a threshold, and the normal distribution."""

import math

import numpy as np
from numpy.typing import NDArray

from sutdol.metrics.draws import Draws

Scores = NDArray[np.float64]
Z95 = 1.6448536269514722  # one-sided 95 %
Z975 = 1.959963984540054  # two-sided 95 %


def normal_tail(z: float) -> float:
    """P(N(0,1) > z)."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def normal_quantile(p: float) -> float:
    """The z with P(N(0,1) <= z) = p, by bisection on the tail: exact to 1e-12, no tables."""
    low, high = -40.0, 40.0
    for _ in range(200):
        middle = (low + high) / 2
        if normal_tail(-middle) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def mcnemar(champion: Scores, challenger: Scores) -> float:
    """One-sided exact McNemar test on binary scores: p that the challenger is no better.

    Source: McNemar, Psychometrika 12 (1947), in its exact binomial form.
    """
    better = int(np.sum(challenger > champion))
    worse = int(np.sum(challenger < champion))
    trials = better + worse
    ways = sum(math.comb(trials, k) for k in range(better, trials + 1))
    return float(ways / 2**trials)


def sign_flip(differences: Scores, draws: Draws, times: int = 20_000) -> float:
    """One-sided sign-flip test on per-case differences: p that their mean is not above zero.

    The observed arrangement counts as one of the draws, so p is never 0 (Phipson and Smyth 2010).
    """
    moved = differences[differences != 0.0]
    if len(moved) == 0:
        return 1.0
    observed, reached, chunk = float(moved.sum()), 0, max(1, 2_000_000 // len(moved))
    for start in range(0, times, chunk):
        signs = draws.signs((min(chunk, times - start), len(moved)))
        reached += int(np.sum(signs @ moved >= observed - 1e-12))
    return (1 + reached) / (1 + times)
