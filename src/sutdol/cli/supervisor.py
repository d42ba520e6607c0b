"""Keep processes alive: start them, start them again when they die, stop them all together."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Self

from sutdol.cli.output import note
from sutdol.cli.upstart import UpPlan
from sutdol.core.errors import NotReady

GRACE = 30.0  # seconds for all to stop, before they are killed
YOUNG = 5.0  # a process that dies earlier than this died at its start
TRIES = 5  # deaths at the start in a row after which there is no sense in going on
BACK_OFF, LONGEST = 0.2, 2.0
"""Seconds to wait after a death at the start: twice as long after each, and no longer than that."""
WORKER = "worker"
METRICS = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(slots=True, kw_only=True)
class _Child:
    """One place among the processes; `failed` counts deaths at the start in a row."""

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    since: float = 0.0
    failed: int = 0
    not_before: float = 0.0


class Supervisor:
    """`workers` processes that answer requests and, with `flows`, one that runs flows."""

    def __init__(self, plan: UpPlan, *, workers: int, flows: bool) -> None:
        self._listening = plan.listening
        worker = [sys.executable, "-m", "sutdol", "worker", "--parent", str(os.getpid())]
        numbers = range(1, workers + 1)
        self._children = [_Child(name=f"server {n}", command=plan.serving()) for n in numbers]
        self._children += [_Child(name=WORKER, command=worker)] if flows else []
        self._stop = threading.Event()
        # Several processes count together through files; they are of no use afterwards.
        self._metrics = Path(tempfile.mkdtemp(prefix="sutdol-metrics-")) if workers > 1 else None

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._leave)
        return self

    def __exit__(self, *_: object) -> None:
        # The servers close theirs as well: who comes now is refused, and waits for no answer.
        self._listening.close()
        running = [one.process for one in self._children if one.process is not None]
        for process in running:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.1, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._metrics is not None:
            shutil.rmtree(self._metrics, ignore_errors=True)

    def run(self) -> None:
        """Until SIGTERM or Ctrl-C; `NotReady` when a process dies again and again."""
        while not self._stop.is_set():
            for child in self._children:
                if child.process is not None and child.process.poll() is not None:
                    self._bury(child, child.process)
                if child.process is None and monotonic() >= child.not_before:
                    self._start(child)
            self._stop.wait(0.2)

    def _start(self, child: _Child) -> None:
        serves = child.name != WORKER
        child.since = monotonic()
        child.process = subprocess.Popen(  # noqa: S603  our own modules
            child.command,
            pass_fds=[self._listening.fileno()] if serves else [],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
        )

    def _bury(self, child: _Child, dead: "subprocess.Popen[bytes]") -> None:
        now, code = monotonic(), dead.returncode
        child.process = None
        self._forget(dead.pid)
        child.failed = child.failed + 1 if now - child.since < YOUNG else 0
        if child.failed >= TRIES:
            raise NotReady(f"The {child.name} dies at its start (exit code {code}): see above.")
        note(f"the {child.name} died (exit code {code}); starting it again")
        if child.failed:
            child.not_before = now + min(LONGEST, BACK_OFF * 2**child.failed)

    def _forget(self, pid: int) -> None:
        """What a dead process counted stays; what it was just doing goes."""
        if self._metrics is not None:
            for left in self._metrics.glob(f"gauge_live*_{pid}.db"):
                left.unlink(missing_ok=True)

    def _environment(self) -> Mapping[str, str]:
        given = dict(os.environ)  # noqa: TID251  handed on, not read
        return given | ({METRICS: str(self._metrics)} if self._metrics else {})

    def _leave(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()
