"""Time guards in turn, in fresh processes, until the figures no longer fall."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peers import Peer, Worker

Floats = NDArray[np.float64]
Sets = Mapping[str, tuple[str, Sequence[str]]]
"""By name: the language, and texts in mixed order."""

WARM_UP = 0.1  # of the texts; the rest is halved between single calls and batch
FEWEST = 3  # repeats
STABLE = 0.02  # when no p50 fell by more in the last repeat, the least is found


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Of one guard on one set: microseconds a call, and texts per CPU second in batch."""

    p50: float
    p99: float
    cpu: float
    batch: float
    n: int
    repeats: int


@dataclass(frozen=True, kw_only=True)
class _Pass:
    """One repeat."""

    calls: Floats  # microseconds of each
    cpu: float  # of a call, in microseconds
    batch: float  # texts per CPU second


def measure(
    guards: Sequence[Peer], model: Path, sets: Sets, most: int
) -> dict[tuple[str, str], Timing]:
    """By set and guard; guards take turns, so that a busy moment hits all alike."""
    passes: dict[tuple[str, str], list[_Pass]] = {
        (name, guard.name): [] for name in sets for guard in guards
    }
    before: dict[tuple[str, str], Timing] = {}
    for repeat in range(1, most + 1):
        with ExitStack() as stack:
            workers = [(one.name, stack.enter_context(Worker(one, model))) for one in guards]
            turn = repeat % len(workers)
            for name, (lang, texts) in sets.items():
                for guard, worker in workers[turn:] + workers[:turn]:
                    passes[name, guard].append(_timed(worker, lang, texts))
        now = {key: _least(found) for key, found in passes.items()}
        fell = max((1 - now[key].p50 / before[key].p50 for key in before), default=1.0)
        print(f"timing: repeat {repeat}, p50 fell by {100 * fell:.1f} %", file=sys.stderr)
        if repeat >= FEWEST and fell < STABLE:
            return now
        before = now
    return before


def _timed(worker: Worker, lang: str, texts: Sequence[str]) -> _Pass:
    warm = int(WARM_UP * len(texts))
    half = (len(texts) + warm) // 2
    worker.ask("batch", texts[:warm], lang)
    worker.ask("singles", texts[:warm], lang)
    single = worker.ask("singles", texts[warm:half], lang)
    batch = worker.ask("batch", texts[half:], lang)
    return _Pass(
        calls=np.array(single["ns"]) / 1_000,
        cpu=1e6 * single["cpu"] / (half - warm),
        batch=(len(texts) - half) / batch["cpu"],
    )


def _least(found: Sequence[_Pass]) -> Timing:
    calls = np.min([one.calls for one in found], axis=0)
    return Timing(
        p50=float(np.percentile(calls, 50)),
        p99=float(np.percentile(calls, 99)),
        cpu=min(one.cpu for one in found),
        batch=max(one.batch for one in found),
        n=len(calls),
        repeats=len(found),
    )
