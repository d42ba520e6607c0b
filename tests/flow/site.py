"""A site: a home on a database of its own, where flows are asked for and workers work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from tests.flow import toys
from tests.flow.ending import Ending, differences, drafts, ending, sound
from tests.flow.fate import Fate, Wanted
from tests.flow.worker import COMMAND, Asked, Halting

from sutdol.flow import inline
from sutdol.flow.desk import Desk, Flow
from sutdol.flow.place import Place
from sutdol.flow.plan import Deed, Json, Key, Tell
from sutdol.flows import KINDS
from sutdol.loop.workshop import Workshop


class Agency:
    """Starts workers; to be used in `with`, and by one thread."""

    def __enter__(self) -> "Agency":
        self._process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def hire(self, asked: Asked) -> int:
        """The pid of a process that keeps such workers alive."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(asked)) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Site:
    """`hire` starts workers, `desk` asks for flows."""

    def __init__(self, home: Path, url: str, agency: "Agency") -> None:
        self.home, self.url, self._agency = home, url, agency
        self.place = Place(database_url=url, home=home)
        self.fate = Fate(home)
        self._hired: list[int] = []

    @cached_property
    def shop(self) -> Workshop[Any]:
        return toys.workshop(self.home, self.url)

    @cached_property
    def desk(self) -> Desk:
        return Desk(self.place).__enter__()

    @cached_property
    def engine(self) -> Engine:
        """To look into the flow database, or change it behind everybody's back."""
        return self.place.engine()

    @property
    def flows(self) -> str:
        """The engine's table of flows."""
        return "workflow_status" if self.place.is_file else "dbos.workflow_status"

    def destine(self, wanted: Wanted) -> None:
        """Say what is to befall workers that are hired from now on."""
        self.fate = Fate.of(self.home, wanted)

    def hire(self, workers: int = 1, **asked: Any) -> int:
        """The pid of a process that keeps so many workers alive; they are ready. See `Asked`."""
        before = len(self.workers)
        wish = Asked(home=str(self.home), url=self.url, workers=workers, **asked)
        pid = self._agency.hire(wish)
        self._hired.append(pid)
        until(lambda: len(self.workers) - before >= workers or not lives(pid))
        assert lives(pid), self.said
        return pid

    def dismiss(self) -> None:
        """Let all workers leave in peace."""
        left, self._hired = self._hired, []
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for pid in left:
            until(lambda pid=pid: not lives(pid))

    @property
    def said(self) -> str:
        """What the workers and their hands printed."""
        return (self.home / "worker.log").read_text()

    @property
    def workers(self) -> list[int]:
        """Pids of those that ever got ready, in this order."""
        return [one["pid"] for one in self.fate.log() if one["what"] == "ready"]

    def hands(self) -> list[int]:
        """Pids of the hands at this site."""
        return processes("hand", str(self.home))

    def alive(self) -> int:
        """How many of the workers live."""
        return sum(lives(pid) for pid in set(self.workers))

    def answered(self, name: str) -> int:
        """How often a hand answered that it has done a step."""
        return sum(one["what"] == "answer" and one["name"] == name for one in self.fate.log())

    def parent(self, pid: int) -> int:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return int(fields[1])

    def begun(self, name: str) -> int:
        """How often a step, as "flow:step", was begun."""
        return sum(one["what"] == "begin" and one["name"] == name for one in self.fate.log())

    def over(self, flow: str, seconds: float = 60) -> Flow:
        """The flow, when it is over."""
        until(lambda: self.desk.get(flow).over, seconds, poll=0.2)
        return self.desk.get(flow)

    def close(self) -> None:
        for pid in self._hired:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if "desk" in vars(self):
            self.desk.__exit__()
        if "engine" in vars(self):
            self.engine.dispose()
        if "shop" in vars(self):
            self.shop.db.close()


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """What a flow comes to when nobody is killed: its steps with the moments of each, and what
    it leaves behind.
    """

    moments: dict[str, int]
    result: Json
    ending: Ending


def run_undisturbed(kind: str, home: Path) -> Undisturbed:
    halting, moments = Halting(home), {}
    shop = toys.workshop(home, f"sqlite+pysqlite:///{home}/sutdol.db", halting)
    toys.furnish(shop, crowned=kind == "cycle")

    def counted(deed: Deed) -> Deed:
        def counting(key: Key, args: Json, tell: Tell) -> Json:
            halting.seen = 0
            answer = deed(key, args, lambda _: None)
            moments[f"{key.flow}:{key.step}"] = halting.seen
            return answer

        return counting

    deeds = {name: counted(deed) for name, deed in toys.deeds(shop).items()}
    result = inline.run(
        kind, toys.ARGS[kind], flow=f"{kind}-1", kinds=KINDS, deeds=deeds, tell=lambda _: None
    )
    left = ending(shop)
    shop.db.close()
    return Undisturbed(moments=moments, result=result, ending=left)


def harm(site: Site, calm: Undisturbed) -> list[str]:
    """What is wrong with what a disturbed flow left behind; the workers are dismissed."""
    wrong = differences(calm.ending, ending(site.shop)) + sound(site.shop)
    _, mistake, where = site.said.partition("Traceback")
    wrong += [f"a mistake of ours was printed: {where[:3_000]}"] if mistake else []
    site.dismiss()
    wrong += [f"an orphaned hand: {pid}" for pid in site.hands()]
    return wrong + [f"a draft was left: {path}" for path in drafts(site.home)]


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def processes(*words: str) -> list[int]:
    """Pids of the processes with all these arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if all(word.encode() in arguments for word in words):
            found.append(int(path.parent.name))
    return found


def until(true: Callable[[], object], seconds: float = 30, *, poll: float = 0.01) -> float:
    """Wait for it, and fail if it does not come; how many seconds it took."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() < start + seconds, "it did not come true"
        time.sleep(poll)
    return time.monotonic() - start
