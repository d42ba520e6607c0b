"""What is to befall a worker: at which step it, or its hand, is killed, and at which point of it.

before   the worker dies before it asks its hand for the deed
hand     the hand dies in the middle of the deed, and the worker lives on
during   the worker dies while its hand is in the middle of the deed
gap      the worker dies when the deed is done, and not yet on the engine's record
halt     the hand stands still in the middle of the deed, and nobody is killed
"""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from sutdol.flow.hand import Hand
from sutdol.flow.plan import Json, Key, Step, Tell

Point = Literal["before", "hand", "during", "gap", "halt"]
DEATHS: tuple[Point, ...] = ("before", "during", "gap")
MIDDLE: tuple[Point, ...] = ("hand", "during", "halt")
DEATH = "death"  # of a worker at work, by another's hand and at no point in particular
Wanted = Mapping[str, Mapping[str, int]]
"""By "flow:step" the points to kill at; and for those in the middle of the deed, at the how-manieth
moment at which it asks for the time, trains or scores. It is its end where there are fewer."""


class Fate:
    """Kept in files, for it outlives workers: each kill is claimed by one of them, and once."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "fate"
        self._folder.mkdir(exist_ok=True)
        wanted = self._folder / "wanted.json"
        self._wanted: Wanted = json.loads(wanted.read_text()) if wanted.exists() else {}

    @classmethod
    def of(cls, home: Path, wanted: Wanted) -> "Fate":
        (home / "fate").mkdir(exist_ok=True)
        (home / "fate" / "wanted.json").write_text(json.dumps(wanted))
        return cls(home)

    def moment(self, name: str) -> int | None:
        """At which moment of its deed a step is broken off, if at any."""
        waiting = [self._wanted[name][one] for one in MIDDLE if self._waits(name, one)]
        return waiting[0] if waiting else None

    def strikes(self, name: str, point: Point) -> bool:
        """Whether it is to happen now; then nobody else is told so again."""
        if not self._waits(name, point):
            return False
        try:
            self._mark(name, point).touch(exist_ok=False)
        except FileExistsError:
            return False
        self.note(point, name)
        return True

    def note(self, what: str, name: str = "") -> None:
        line = json.dumps({"at": time.monotonic(), "pid": os.getpid(), "what": what, "name": name})
        handle = os.open(self._folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, line.encode() + b"\n")
        os.close(handle)

    def log(self) -> list[dict[str, Any]]:
        path = self._folder / "log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def struck(self) -> set[tuple[str, str]]:
        """Each step and point at which it happened."""
        return {
            (one["name"], one["what"]) for one in self.log() if one["what"] in (*DEATHS, *MIDDLE)
        }

    def wanted(self) -> set[tuple[str, str]]:
        return {(name, point) for name, points in self._wanted.items() for point in points}

    def takeovers(self) -> list[float]:
        """Seconds from each death of a worker at work until another one began a step."""
        log = self.log()
        deaths = [one for one in log if one["what"] in (*DEATHS, DEATH)]
        begun = [one["at"] for one in log if one["what"] == "begin"]
        later = [[at - death["at"] for at in begun if at > death["at"]] for death in deaths]
        return [min(waits) for waits in later if waits]

    def _waits(self, name: str, point: str) -> bool:
        return point in self._wanted.get(name, {}) and not self._mark(name, point).exists()

    def _mark(self, name: str, point: str) -> Path:
        return self._folder / f"{name}:{point}".replace("/", "|")


class Mortal:
    """A doer that meets its fate."""

    def __init__(self, hand: Hand, fate: Fate) -> None:
        self._hand, self._fate = hand, fate

    async def do(self, key: Key, step: Step, attempt: int, tell: Tell) -> Json:
        name = f"{key.flow}:{key.step}"
        self._fate.note("begin", name)
        if self._fate.strikes(name, "before"):
            die()

        def heard(event: Json) -> None:
            if "halted" not in event:
                tell(event)
            elif self._fate.strikes(name, "hand"):
                self._hand.kill()
            elif self._fate.strikes(name, "during"):
                die()
            else:
                self._fate.strikes(name, "halt")

        moment = self._fate.moment(name)
        asked = replace(step, args={**step.args, "halt": moment}) if moment else step
        answer = await self._hand.do(key, asked, attempt, heard)
        self._fate.note("answer", name)
        if self._fate.strikes(name, "gap"):
            die()
        return answer

    def kill(self) -> None:
        self._hand.kill()

    async def close(self) -> None:
        await self._hand.close()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # it is not always delivered at once


def everywhere(moments: Mapping[str, int], points: Sequence[Point]) -> Wanted:
    """Each of these points at every step; in the middle of a deed at its middle moment.

    `moments` is how many each step has in an undisturbed run.
    """
    return {name: dict.fromkeys(points, many // 2 + 1) for name, many in moments.items()}
