"""Kills at random moments: of workers and of their hands, whatever they are doing."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from tests.flow.fate import DEATH
from tests.flow.site import Site, lives

LONGEST = 1.5  # seconds between two kills


@dataclass(frozen=True, kw_only=True)
class Killed:
    """How many were killed: workers at work, workers that had nothing to do, hands."""

    busy: int = 0
    idle: int = 0
    hands: int = 0

    @property
    def all(self) -> int:
        return self.busy + self.idle + self.hands

    def __add__(self, other: "Killed") -> "Killed":
        return Killed(
            busy=self.busy + other.busy,
            idle=self.idle + other.idle,
            hands=self.hands + other.hands,
        )


def havoc(site: Site, flow: str, random: Random, most: int) -> Killed:
    """Kill at random moments until the flow is over, so many times at most."""
    killed = Killed()
    while killed.all < most and not site.desk.get(flow).over:
        time.sleep(random.uniform(0.0, LONGEST))
        hands = sorted(site.hands())
        workers = sorted(pid for pid in set(site.workers) if lives(pid))
        if workers:
            killed += _kill(site, random.choice([*workers, *hands]), hands)
    return killed


def _kill(site: Site, pid: int, hands: list[int]) -> Killed:
    begun = [one["pid"] for one in site.fate.log() if one["what"] == "begin"]
    busy = bool(begun) and begun[-1] == pid
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        if pid in hands:
            return Killed(hands=1)
        if busy:
            site.fate.note(DEATH)
            return Killed(busy=1)
        return Killed(idle=1)
    return Killed()
