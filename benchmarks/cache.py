"""Decisions with and without caches in one run, and what a Redis costs that is not there.

    python benchmarks/cache.py          # starts a redis-server of its own on a free port

The guard is trained on the bundled texts. A memory hit was decided by this process, a Redis hit by
another one: nothing is remembered here. A miss is asked, decided and told.
"""

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import mean
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from section import table, write

from sutdol.app import Sutdol, bundled
from sutdol.core.settings import Settings
from sutdol.loop.live import Live
from sutdol.roles.classifier import Classifier
from sutdol.roles.decisions import SHARED_FROM, Decision, Decisions, decide
from sutdol.storage.cache import Memory, Shared
from sutdol.storage.redis import Redis

TEXTS = 600
BATCHES = (1, 3, 10, 45, 100)
SAID = (
    "{texts} bundled texts of {length:.0f} characters on average, decided about in calls of 1 to"
    " 100; microseconds a text (of each call the least of {times} repeats in turn), and how many"
    " times as fast as without a cache in the same run. Redis is {version} on this machine: a"
    " network comes on top. Asking the database which version reigns is not in these figures; it"
    " takes {alias:.0f} us a call, whatever the caches."
)
JUDGED = (
    "One text: a Redis hit spares {spared:.0f} us, and a miss costs {lost:.0f} us more than no"
    " cache, so Redis pays only if {share:.0f} % of what memory does not know is found there."
    " Therefore it is asked from {least:,} such characters a call, about {many:.0f} of these texts:"
    " in calls of {size} a hit is {times:.0f} times as fast, and a miss costs {more:.0f} % more."
)
AWAY = (
    "A Redis that goes away, single calls that would each ask it: the first after it was killed"
    " took {killed:.1f} ms, the 1,000 after that {after_killed:.0f} us (median); the first after it"
    " was frozen {frozen:.1f} ms, the 1,000 after that {after_frozen:.0f} us (median)."
)
Decide = Callable[[Sequence[str]], list[Decision]]
Floats = NDArray[np.float64]
Costs = Mapping[str, Mapping[int, float]]


class Server:
    """A redis-server without files, to be killed and frozen."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            sys.exit("redis-server is not installed: install it, it is measured here")
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self._command = [program, "--port", str(self.port), "--save", "", "--dir", str(folder)]
        self.version = subprocess.check_output([program, "--version"], text=True).split()[2][2:]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen(self._command, stdout=subprocess.DEVNULL) as process:
            try:
                while not self._listens():
                    time.sleep(0.01)
                yield process
            finally:
                process.kill()

    def _listens(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def opened(self) -> Redis:
        return Redis.open(f"redis://127.0.0.1:{self.port}/0", rest=60)


def timed(call: Callable[[], object]) -> float:
    """Microseconds."""
    start = time.perf_counter()
    call()
    return 1e6 * (time.perf_counter() - start)


def calls(decisions: Decide, texts: Sequence[str], size: int) -> Floats:
    """Microseconds of each call."""
    decisions([])  # the fingerprint of a guard is taken once, when it is loaded
    return np.array(
        [timed(lambda: decisions(texts[at : at + size])) for at in range(0, len(texts), size)]  # noqa: B023  called at once
    )


def measured(guard: Classifier, texts: Sequence[str], redis: Redis, times: int) -> Costs:
    """Microseconds a text, by what is measured and the size of a call."""
    best: dict[tuple[str, int], Floats] = {}

    def take(what: str, size: int, decisions: Decide) -> None:
        cost = calls(decisions, texts, size)
        best[what, size] = np.minimum(cost, best.get((what, size), cost))

    def plain(asked: Sequence[str]) -> list[Decision]:
        return [decide(guard, text) for text in asked]

    def forgetful() -> Decisions:
        return Decisions(lambda: guard, Memory(most=0), Shared(redis), shared_from=0)

    remembering = Decisions(lambda: guard, Memory())
    calls(remembering, texts, 100)
    for _ in range(times):
        for size in BATCHES:
            take("no cache", size, plain)
            take("memory hit", size, remembering)
            redis.client.flushdb()
            take("Redis miss", size, forgetful())
            take("Redis hit", size, forgetful())
    told: dict[str, dict[int, float]] = {}
    for (what, size), cost in best.items():
        told.setdefault(what, {})[size] = float(cost.sum()) / len(texts)
    return told


def away(
    guard: Classifier, texts: Sequence[str], server: Server, stop: signal.Signals
) -> tuple[float, float]:
    """Milliseconds of the first call after a signal to Redis, microseconds of each later one."""
    with server.running() as process:
        redis = server.opened()
        decisions = Decisions(lambda: guard, Memory(most=0), Shared(redis), shared_from=0)
        decisions(texts[:100])
        process.send_signal(stop)
        time.sleep(0.1)
        first = timed(lambda: decisions(texts[:1]))
        asked = [*texts, *texts][:1_000]
        later = float(np.median(calls(decisions, asked, 1)))
        redis.close()
    return first / 1_000, later


def rows(told: Costs) -> Iterator[list[str]]:
    for what, by_size in told.items():
        shown = [
            f"{cost:,.0f} ({told['no cache'][size] / cost:.1f}x)" for size, cost in by_size.items()
        ]
        yield [what, *shown]


def judged(told: Costs, length: float) -> str:
    """What the figures say about when to ask Redis."""
    plain, hit, miss = told["no cache"], told["Redis hit"], told["Redis miss"]
    spared, lost = plain[1] - hit[1], miss[1] - plain[1]
    many = SHARED_FROM / length
    size = min(BATCHES, key=lambda one: abs(one - many))
    return JUDGED.format(
        spared=spared,
        lost=lost,
        share=100 * lost / (spared + lost),
        least=SHARED_FROM,
        many=many,
        size=size,
        times=plain[size] / hit[size],
        more=100 * (miss[size] / plain[size] - 1),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--times", type=int, default=15, help="repeats of each measurement")
    times = parser.parse_args().times
    with TemporaryDirectory() as folder:
        settings = Settings.load(home=folder, database_url=f"sqlite:///{folder}/sutdol.db")
        server = Server(Path(folder))
        with Sutdol.open(settings) as sutdol:
            sutdol.take_in_bundled()
            sutdol.crown_first(seed=0)
            guard, alias = sutdol.live(), alias_cost(sutdol.live)
        texts = [one.input for one in bundled()]
        texts = Random(0).sample(sorted(set(texts)), TEXTS)  # fixed: a rerun measures the same
        with server.running():
            redis = server.opened()
            told = measured(guard, texts, redis, times)
            redis.close()
        killed, after_killed = away(guard, texts, server, signal.SIGKILL)
        frozen, after_frozen = away(guard, texts, server, signal.SIGSTOP)
    length = mean(map(len, texts))
    heads = ["a text, in calls of", *map(str, BATCHES)]
    said = SAID.format(texts=TEXTS, length=length, times=times, version=server.version, alias=alias)
    gone = AWAY.format(
        killed=killed,
        after_killed=after_killed,
        frozen=frozen,
        after_frozen=after_frozen,
    )
    write(
        "cache", "Caches of decisions", said, table(heads, rows(told)), judged(told, length), gone
    )


def alias_cost(live: Live[Classifier]) -> float:
    """Microseconds to ask the database which version reigns."""
    return min(timed(live) for _ in range(500))


if __name__ == "__main__":
    main()
