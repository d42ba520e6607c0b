"""Workers as processes: `python -m tests.flow.worker` is an agency that hires them out.

For each line of JSON on its standard input (see `Asked`) it starts a process that keeps so many
workers alive, and prints its pid. All are forks, made before any engine was launched, which spares
the imports; a worker that was killed is replaced. SIGTERM dismisses the workers of one such
process. With "hand" as its first argument it is the hand of a worker.
"""

import ctypes
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.flow.fate import Fate, Mortal

from sutdol.flow.plan import Deed, Json, Key, Kind, Tell

COMMAND = [sys.executable, "-W", "error", "-m", "tests.flow.worker"]
QUICK = {"beat": 0.2, "poll": 0.2, "attempts": 50}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What kind of workers, and how many; `play` is "toys" or "small"."""

    home: str
    url: str
    play: str = "toys"
    workers: int = 1
    replaced: bool = True
    silence: float = 0.8
    shift: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, Any] | None = None  # a flow that each begins in place
    resume: str | None = None  # a flow that each goes on with in place
    schedules: tuple[Mapping[str, Any], ...] | None = None


def kinds(play: str) -> Mapping[str, Kind]:
    if play == "toys":
        from sutdol.flows import KINDS
    else:
        from tests.flow.small import KINDS
    return KINDS


def work(asked: Asked) -> None:
    """Be a worker until SIGTERM."""
    from sutdol.flow.desk import Desk
    from sutdol.flow.engine import Engine, Schedule, Shift
    from sutdol.flow.hand import Hand
    from sutdol.flow.place import Place
    from sutdol.storage import files

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    home = Path(asked.home)
    fate = Fate(home)
    greeting = {"home": asked.home, "url": asked.url, "play": asked.play}
    command = [*COMMAND, "hand", asked.home]
    doer = Mortal(Hand(command, greeting, tidy=lambda: files.sweep(home)), fate)
    place = Place(database_url=asked.url, home=home, silence=asked.silence)
    with Engine(place, kinds(asked.play), doer, Shift(**QUICK | dict(asked.shift))) as here:
        if asked.start is not None:
            here.start(**asked.start)
        if asked.resume is not None:
            with Desk(place) as desk:
                desk.resume(asked.resume, queue=here.own_queue)
        if asked.schedules is not None:
            here.schedule([Schedule(**one) for one in asked.schedules])
        fate.note("ready", here.me)
        stop.wait()
    fate.note("left", here.me)


class Halting:
    """Counts the moments of a deed, and halts it at the one where it is to be broken off.

    It goes on when there is a file `go` in the home.
    """

    def __init__(self, home: Path) -> None:
        self._go = home / "go"
        self.seen, self._at, self._tell = 0, 0, lambda _: None

    def __call__(self) -> None:
        self.seen += 1
        if self.seen == self._at:
            self._tell({"halted": True})
            while not self._go.exists():
                time.sleep(0.02)

    def deed(self, done: Deed) -> Deed:
        def halting(key: Key, args: Json, tell: Tell) -> Json:
            args = dict(args)
            self.seen, self._at, self._tell = 0, args.pop("halt", 0), tell
            answer = done(key, args, tell)
            if self.seen < self._at:
                self.seen = self._at - 1
                self()
            return answer

        return halting


def deeds(greeting: Json) -> dict[str, Deed]:
    home, halting = Path(greeting["home"]), Halting(Path(greeting["home"]))
    if greeting["play"] == "toys":
        from tests.flow import toys

        done = toys.deeds(toys.workshop(home, greeting["url"], halting))
    else:
        from tests.flow import small

        done = small.deeds(home, halting)
    return {name: halting.deed(deed) for name, deed in done.items()}


def agency() -> None:
    import sutdol.flow.engine  # noqa: F401  once for all workers
    import sutdol.flows  # noqa: F401

    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        asked = Asked(**json.loads(line))
        print(forked(lambda asked=asked: lead(asked)), flush=True)


def lead(asked: Asked) -> None:
    """Keep the workers alive."""
    log = os.open(Path(asked.home) / "worker.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(log, stream)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    alive = {forked(lambda: work(asked)) for _ in range(asked.workers)}

    def leave(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for pid in alive:
            os.kill(pid, signal.SIGTERM)
        for pid in alive:
            os.waitpid(pid, 0)
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    while alive:
        pid, status = os.wait()
        alive.discard(pid)
        if os.WIFSIGNALED(status) and asked.replaced:
            alive.add(forked(lambda: work(asked)))


def forked(life: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    die_with_parent()
    random.seed()
    code = 1
    try:
        life()
        code = 0
    finally:
        if code:
            sys.excepthook(*sys.exc_info())
        os._exit(code)


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1:2] == ["hand"]:
        from sutdol.flow.hand import serve

        serve(deeds)
    else:
        agency()
