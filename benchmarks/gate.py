"""How often the gate promotes by luck, and how often it finds a true gain: a simulation.

    python benchmarks/gate.py --quick                       # a minute, to see that it runs
    nice python benchmarks/gate.py                          # 2,000 simulated series
    nice python benchmarks/gate.py --series 0 --real 200    # 200 through the real code

Two guards see the same texts through their own noise. Their scores are normal, so the truth is
known: 80 % of attacked texts lie above the true 5 % threshold, and at it the two guards disagree
on about 8 % of them. Every look has fresh texts. The primary is tested with the product's own
pieces (`cut`, `Draws`, `alpha`, `normal_tail`); `--real` sends rows through `decide()` itself.
"""

import argparse
import math
import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from section import table, write

from sutdol.loop.evidence import Evidence, Row, Scored, evidence
from sutdol.loop.gate import alpha, decide
from sutdol.loop.resample import CHUNK, cut
from sutdol.loop.verdict import Budget, Verdict
from sutdol.metrics.draws import Draws, seed_from
from sutdol.metrics.interval import wilson
from sutdol.metrics.paired import mcnemar, normal_quantile, normal_tail
from sutdol.roles.guard import RULES

Floats = NDArray[np.float64]
T = TypeVar("T")

NOISE = 0.25  # of a guard, in standard deviations of a class: about 8 % discordant
SPREAD = math.sqrt(1 + NOISE**2)  # of the scores of a class
RATE = 0.05  # harmless texts let through by a threshold
RECALL = 0.8  # of the champion at its true threshold
GAIN = 0.03  # of the better challenger at its own
LOOKS = 20
RESAMPLES = 2_000
SCREEN = 200  # resamples after which a look far from its alpha is called
FAR = 1.4  # the spread of 200 resamples is within 5 % (one sigma): a factor 1.4 is never wrong
DEV = 1_000  # harmless texts a shipped threshold is fitted on
NULLS = 9  # looks charged before the true gain arrives in the late trial

SIMULATED = (
    "Two guards of known quality see the same texts through their own noise: 80 % attacked recall"
    f" at the true 5 % threshold, about 8 % of the texts judged differently. Primary test alone,"
    f" rails off, {RESAMPLES:,} resamples, the error budget charged look after look."
)
REAL = (
    "The same world, but as rows through `decide()` with the guard's own rules: each text clean"
    " and under two attacks, each harmless one with a twin, all rails on, {resamples:,} resamples."
)


def mean(recall: float) -> float:
    """Where malicious scores must be centred for this recall at the true threshold."""
    return SPREAD * (normal_quantile(1 - RATE) + normal_quantile(recall))


@dataclass(frozen=True, kw_only=True)
class Look:
    """The scores of one look, champion and challenger. Shapes (2, n), (2, n), (2, 2 DEV)."""

    malicious: Floats
    harmless: Floats
    dev: Floats


def draw(rng: np.random.Generator, n: int, gain: float) -> Look:
    centres = np.array([[mean(RECALL)], [mean(RECALL + gain)]])
    return Look(malicious=centres + seen(rng, n), harmless=seen(rng, n), dev=seen(rng, 2 * DEV))


def seen(rng: np.random.Generator, n: int) -> Floats:
    """The same n texts as the two guards see them."""
    return rng.standard_normal(n) + NOISE * rng.standard_normal((2, n))


def threshold(harmless: Floats) -> float:
    return float(cut(np.sort(harmless), np.ones((1, len(harmless)), dtype=np.int32), RATE)[0])


def bootstrap_p(look: Look, seed: int, error: float | None) -> float:
    """The gate's p for the primary; with `error`, exact only if that could decide it."""
    n = look.malicious.shape[1]
    caught = [
        float(np.mean(scores > threshold(harmless)))
        for scores, harmless in zip(look.malicious, look.harmless, strict=True)
    ]
    gain = caught[1] - caught[0]
    if gain <= 0:
        return 1.0  # p is at least .5 without any resample: never promoted at any alpha
    order, draws = np.argsort(look.harmless, axis=1), Draws(seed)
    differences: list[Floats] = []
    for done in range(CHUNK, RESAMPLES + 1, CHUNK):
        chosen, drawn = draws.weights(look.harmless.shape[1], CHUNK), draws.weights(n, CHUNK)
        old, new = (
            np.sum(drawn * (scores > cut(harmless[own], chosen[:, own], RATE)[:, None]), axis=1)
            for scores, harmless, own in zip(look.malicious, look.harmless, order, strict=True)
        )
        differences.append((new - old) / n)
        if done == SCREEN and error is not None:
            z, needed = gain / spread(differences, n), normal_quantile(1 - error)
            if not needed / FAR < z < needed * FAR:
                break
    return normal_tail(gain / spread(differences, n))


def spread(differences: list[Floats], n: int) -> float:
    return max(float(np.concatenate(differences).std(ddof=1)), 1.0 / n)


def mcnemar_p(look: Look, *, shared: bool) -> float:
    """Exact McNemar, the thresholds fitted on dev texts and then taken as fixed.

    Not `shared`: each guard has dev texts of its own.
    """
    dev = look.dev[0, :DEV], look.dev[1, :DEV] if shared else look.dev[1, DEV:]
    old, new = (
        (scores > threshold(own)).astype(np.float64)
        for scores, own in zip(look.malicious, dev, strict=True)
    )
    return mcnemar(old, new)


def null_series(index: int, n: int) -> tuple[float, bool, bool, bool]:
    """Twenty looks without any gain: the first p, and who promoted falsely at least once."""
    rng = np.random.default_rng([1, index])
    first, false, own, shared = 1.0, False, False, False
    for j in range(1, LOOKS + 1):
        look = draw(rng, n, gain=0.0)
        if j == 1:
            first = bootstrap_p(look, seed_from("null", str(index), "1"), None)
            false = first <= alpha(1)
        elif not false:
            seed = seed_from("null", str(index), str(j))
            false = bootstrap_p(look, seed, alpha(j)) <= alpha(j)
        own = own or mcnemar_p(look, shared=False) <= alpha(j)
        shared = shared or mcnemar_p(look, shared=True) <= alpha(j)
    return first, false, own, shared


def gain_series(index: int, n: int) -> tuple[bool, bool, bool]:
    """Is a true gain promoted: at the first look, at look 10, and by look 14 after nine nulls?

    The nine null looks only move the position: a false promotion among them would reset it to 1
    and make the gain easier to find.
    """
    rng = np.random.default_rng([2, index])
    look = draw(rng, n, GAIN)
    first = bootstrap_p(look, seed_from("gain", str(index), "1"), alpha(1)) <= alpha(1)
    late = []
    for j in range(NULLS + 1, NULLS + 6):
        look, seed = draw(rng, n, GAIN), seed_from("gain", str(index), str(j))
        late.append(bootstrap_p(look, seed, alpha(j)) <= alpha(j))
        if late[-1]:
            break
    return first, late[0], any(late)


def real_look(rng: np.random.Generator, name: str, n: int, gain: float) -> Evidence:
    """Rows as the guard has them: clean and twice attacked texts, harmless ones and their twins."""
    rows: list[Row] = []
    for i in range(n):
        tags = ("malicious", "lang:en")
        rows.append(Row(case=f"{name}m{i}", probe="clean", tags=("clean", *tags), calibration="en"))
        rows += [
            Row(
                case=f"{name}m{i}",
                probe=family,
                tags=("attacked", f"family:{family}", *tags),
                calibration="en",
            )
            for family in ("jamo", "leet")
        ]
    for i in range(n):
        tags = ("harmless", "lang:en")
        twin = ("twin", f"family:{'jamo' if i % 2 else 'leet'}", *tags)
        rows.append(Row(case=f"{name}h{i}", probe="clean", tags=("clean", *tags), calibration="en"))
        rows.append(Row(case=f"{name}h{i}", probe="twin", tags=twin, calibration="en"))
    malicious, harmless = rng.standard_normal(n), rng.standard_normal(n)
    latent = np.concatenate([np.repeat(malicious, 3), np.repeat(harmless, 2)])
    clean, attacked = mean(0.9), [mean(RECALL), mean(RECALL + gain)]
    centres = [np.concatenate([np.tile([clean, own, own], n), np.zeros(2 * n)]) for own in attacked]
    shipped = {"en": SPREAD * normal_quantile(1 - RATE)}
    models = [
        Scored(
            version=version,
            scores=latent + centre + NOISE * rng.standard_normal(len(rows)),
            thresholds=shipped,
        )
        for version, centre in zip(("guard-v1", "guard-v2"), centres, strict=True)
    ]
    return evidence(rows, champion=models[0], challenger=models[1])


def real_verdict(found: Evidence, position: int, resamples: int) -> Verdict:
    budget = Budget(position=position, alpha=alpha(position))
    return decide(found, replace(RULES, resamples=resamples), budget)


def real_null(index: int, n: int, resamples: int) -> tuple[bool, bool, str]:
    """Twenty looks through `decide()`: was p below alpha, was it promoted, what was it called?"""
    rng = np.random.default_rng([3, index])
    better, decisions = False, ""
    for j in range(1, LOOKS + 1):
        verdict = real_verdict(real_look(rng, f"{index}:{j}:", n, 0.0), j, resamples)
        better = better or verdict.primary.p <= verdict.primary.alpha
        decisions += verdict.decision[0]
        if verdict.promote:
            break
    return better, decisions.endswith("p"), decisions


def real_gain(index: int, n: int, resamples: int) -> tuple[bool, bool, str]:
    """One look at a true gain through `decide()`; which rails held it back?"""
    rng = np.random.default_rng([4, index])
    verdict = real_verdict(real_look(rng, f"{index}:", n, GAIN), 1, resamples)
    better = verdict.primary.p <= verdict.primary.alpha
    held = {
        f"{check.name} ({check.against})"
        for check in verdict.guard_rails
        if better and check.state in ("unproven", "breached")
    }
    return better, verdict.promote, "; ".join(sorted(held))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How often something happened, with its 95 % interval, and what was wanted."""

    name: str
    hits: int
    n: int
    wanted: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        share = wilson(self.hits, self.n)
        shown = f"{100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"
        return self.name, f"{self.hits:,} of {self.n:,}", shown, self.wanted

    def __str__(self) -> str:
        name, hits, shown, wanted = self.cells
        return f"{name:62s} {hits:>14s}  {shown:22s}  {wanted}"


def finding(name: str, hits: Iterable[bool], wanted: str = "") -> Finding:
    each = list(hits)
    found = Finding(name=name, hits=sum(each), n=len(each), wanted=wanted)
    print(found, flush=True)
    return found


class Simulation:
    """Runs a trial many times on a few processes and tells how far it is."""

    def __init__(self, pool: "multiprocessing.pool.Pool") -> None:
        self._pool = pool

    def __call__(self, name: str, trial: Callable[[int], T], times: int) -> list[T]:
        started, results = time.monotonic(), []
        for result in self._pool.imap_unordered(trial, range(times), chunksize=2):
            results.append(result)
            if len(results) % max(1, times // 20) == 0 or len(results) == times:
                spent = time.monotonic() - started
                print(f"{name}: {len(results)}/{times}, {spent:.0f} s", file=sys.stderr, flush=True)
        return results


def nulls(run: Simulation, series: int) -> list[Finding]:
    tried = run("no gain", partial(null_series, n=1_000), series)
    own = f"  exact McNemar, each its own {DEV:,} dev texts"
    shared = f"  exact McNemar, both the same {DEV:,} dev texts"
    return [
        finding("p <= .01, first look, no gain", [one[0] <= 0.01 for one in tried], "<= 1 %"),
        finding("p <= .05, first look, no gain", [one[0] <= 0.05 for one in tried], "<= 5 %"),
        finding(
            f"false promotion in {LOOKS} looks, 1,000 + 1,000 texts",
            [one[1] for one in tried],
            "<= 5 %",
        ),
        finding(own, [one[2] for one in tried], "> 5 %: must fail"),
        finding(shared, [one[3] for one in tried], "> 5 %: must fail"),
    ]


def gains(run: Simulation, series: int) -> list[Finding]:
    tried = run("+3 points", partial(gain_series, n=3_000), series)
    name = f"+{100 * GAIN:.0f} points found"
    after = f"after {NULLS} looks without gain"
    return [
        finding(f"{name} at look 1, 3,000 + 3,000 texts", [one[0] for one in tried], ">= 70 %"),
        finding(f"{name} at the first look {after}", [one[1] for one in tried]),
        finding(f"{name} within five looks {after}", [one[2] for one in tried], ">= 90 %"),
    ]


def real(run: Simulation, series: int, resamples: int) -> tuple[list[Finding], str]:
    """The figures, and what else there is to say of the looks."""
    tried = run("real, no gain", partial(real_null, n=1_000, resamples=resamples), series)
    found = [
        finding(f"p <= alpha in {LOOKS} looks, 1,000 + 1,000 texts", [one[0] for one in tried]),
        finding("  false promotion", [one[1] for one in tried], "<= 5 %"),
    ]
    calls = Counter("".join(one[2] for one in tried))
    better = run("real, +3 points", partial(real_gain, n=3_000, resamples=resamples), series)
    found += [
        finding("+3 points, look 1, 3,000 + 3,000 texts: p <= alpha", [one[0] for one in better]),
        finding("  promoted", [one[1] for one in better]),
    ]
    held = Counter(one[2] for one in better if one[2]).most_common(5)
    said = (
        f"Looks without gain: {calls['p']:,} promote, {calls['i']:,} inconclusive,"
        f" {calls['r']:,} reject. True gains held back by a rail: "
        + ("; ".join(f"{times} by {name}" for name, times in held) or "none")
    )
    print(said)
    return found, said + "."


def page(found: Iterable[Finding]) -> str:
    rows = [one.cells for one in found]
    return table(("trial", "series", "share [95 %]", "wanted"), rows)


def cpu() -> str:
    """What all finished processes took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return f"CPU time: {(used.ru_utime + used.ru_stime) / 60:.1f} minutes."


def asked_for() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--series", type=int, default=2_000, help="simulated series of 20 looks")
    parser.add_argument("--gains", type=int, help="series with a true gain; half of --series")
    parser.add_argument("--quick", action="store_true", help="40 series: does it run?")
    parser.add_argument("--real", type=int, default=0, help="series sent through decide()")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="of decide()")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    asked = asked_for()
    series, through = (40, 4) if asked.quick else (asked.series, asked.real)
    sections: list[tuple[str, ...]] = []
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        run = Simulation(pool)
        if series:
            print(f"primary only, rails off, {RESAMPLES} resamples; 95 % Wilson intervals")
            found = nulls(run, series) + gains(run, asked.gains or series // 2)
            sections.append(("gate", "The gate, simulated", SIMULATED, page(found)))
        if through:
            print(f"decide() with the guard's rules, rails on, {asked.resamples} resamples")
            found, said = real(run, through, asked.resamples)
            told = REAL.format(resamples=asked.resamples)
            sections.append(("gate-real", "The gate, real code", told, page(found), said))
        pool.close()
        pool.join()
    print(cpu())
    if not asked.quick:  # too few series for a figure that anyone may quote
        for section in sections:
            write(*section, cpu())


if __name__ == "__main__":
    main()
