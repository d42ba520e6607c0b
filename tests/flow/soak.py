"""The long trial of flows, for `make soak`: kills at every point, then at random moments.

    python -m tests.flow.soak --kills 100       # takes about ten minutes

Battles of the toy Sutdol are fought on SQLite and PostgreSQL. First the worker (and then the hand)
is killed at every point of every step of one battle. Then workers and hands are killed at random
moments, seeded, of as many battles as it takes. What each battle leaves behind is compared, row by
row, with a battle that nobody disturbed. Any difference ends the trial with exit code 1.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.databases import Databases, databases_of
from tests.flow import toys
from tests.flow.fate import DEATHS, everywhere
from tests.flow.havoc import Killed, havoc
from tests.flow.site import Agency, Site, Undisturbed, harm, run_undisturbed

KINDS = ("sqlite", "postgresql")
LONGEST = 1_800.0  # seconds for one battle


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What some battles on one kind of database came to."""

    name: str
    battles: int
    killed: Killed
    takeovers: list[float]
    differences: list[str]
    seconds: float

    def row(self) -> str:
        mean = sum(self.takeovers) / max(1, len(self.takeovers))
        worst = max(self.takeovers, default=0.0)
        return (
            f"{self.name:22} {self.battles:7} {self.killed.busy:8} {self.killed.idle:8}"
            f" {self.killed.hands:6} {len(self.takeovers):9} {mean:6.2f} {worst:6.2f}"
            f" {len(self.differences):11} {self.seconds:8.0f}"
        )


HEAD = (
    f"{'trial':22} {'battles':>7} {'at work':>8} {'idle':>8} {'hands':>6} {'takeovers':>9}"
    f" {'mean s':>6} {'max s':>6} {'differences':>11} {'seconds':>8}"
)


class Soak:
    """Battles on one kind of database, each compared with the undisturbed one."""

    def __init__(self, databases: Databases, agency: Agency, calm: Undisturbed) -> None:
        self._databases, self._agency, self._calm = databases, agency, calm

    def every_step(self) -> Trial:
        start = time.monotonic()
        wanted = everywhere(self._calm.moments, (*DEATHS, "hand"))
        with self._site() as site:
            site.destine(wanted)
            self._begin(site)
            wrong = self._end(site)
            missed = site.fate.wanted() - site.fate.struck()
            wrong += [f"never killed at {name}, {point}" for name, point in sorted(missed)]
            struck = [point for _, point in site.fate.struck()]
            hands = struck.count("hand")
            return Trial(
                name=f"{self._databases.kind}, every step",
                battles=1,
                killed=Killed(busy=len(struck) - hands, hands=hands),
                takeovers=site.fate.takeovers(),
                differences=wrong,
                seconds=time.monotonic() - start,
            )

    def at_random(self, kills: int, seed: int) -> Trial:
        start, random = time.monotonic(), Random(seed)
        killed, takeovers, wrong, battles = Killed(), list[float](), list[str](), 0
        while killed.all < kills:
            with self._site() as site:
                self._begin(site)
                killed += havoc(site, "battle-1", random, kills - killed.all)
                wrong += self._end(site)
                takeovers += site.fate.takeovers()
                battles += 1
                print(f"  battle {battles}: {killed.all} kills, {wrong}", file=sys.stderr)
        return Trial(
            name=f"{self._databases.kind}, at random",
            battles=battles,
            killed=killed,
            takeovers=takeovers,
            differences=wrong,
            seconds=time.monotonic() - start,
        )

    @contextmanager
    def _site(self) -> Iterator[Site]:
        with TemporaryDirectory() as folder:
            url = self._databases.migrated(Path(folder))
            site = Site(Path(folder), url, self._agency)
            try:
                yield site
            finally:
                site.close()
                self._databases.drop(url)

    def _begin(self, site: Site) -> None:
        toys.furnish(site.shop, crowned=False)
        site.hire(2)
        site.desk.ask("battle", toys.ARGS["battle"], flow="battle-1")

    def _end(self, site: Site) -> list[str]:
        """What is wrong with what the battle left behind."""
        ended = site.over("battle-1", seconds=LONGEST)
        wrong = [] if ended.result == self._calm.result else [f"it ended with {ended}"]
        return wrong + harm(site, self._calm)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=100, help="at random, on both together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-steps", action="store_true", help="only at random")
    parser.add_argument("--only", choices=KINDS, help="one kind of database")
    asked = parser.parse_args()
    kinds = [asked.only] if asked.only else list(KINDS)
    trials: list[Trial] = []
    print(HEAD, flush=True)
    with TemporaryDirectory() as folder, Agency() as agency:
        calm = run_undisturbed("battle", Path(folder))
        for kind in kinds:
            place = Path(folder) / kind
            place.mkdir()
            with databases_of(kind, place) as databases:
                soak = Soak(databases, agency, calm)
                for trial in _trials(soak, asked, len(kinds)):
                    trials.append(trial)
                    print(trial.row(), flush=True)
                    print("\n".join(trial.differences), file=sys.stderr)
    print(f"differences: {sum(len(one.differences) for one in trials)}")
    return int(any(one.differences for one in trials))


def _trials(soak: Soak, asked: argparse.Namespace, kinds: int) -> Iterator[Trial]:
    if not asked.no_steps:
        yield soak.every_step()
    if asked.kills:
        yield soak.at_random(asked.kills // kinds, asked.seed)


if __name__ == "__main__":
    sys.exit(main())
