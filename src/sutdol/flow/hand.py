"""The hand: a process of the worker's own that does its deeds and dies with it.

A deed can so be broken off at any moment, a crash of a library takes no worker down, and the worker
never falls silent because a deed keeps the interpreter busy. Messages are lines of JSON.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TextIO

from sutdol.core.errors import FlowFailed
from sutdol.flow.failure import packed
from sutdol.flow.plan import Deed, Json, Key, Step, Tell

LONGEST = 1 << 28  # bytes of one line
PDEATHSIG = 1  # PR_SET_PDEATHSIG, see prctl(2)
ORPHANED = 3  # exit code


class Broken(FlowFailed):
    """The hand died in the middle of a deed: killed, out of memory, or crashed."""


class Doer(Protocol):
    """Does deeds for the engine."""

    async def do(self, key: Key, step: Step, attempt: int, tell: Tell) -> Json: ...

    def kill(self) -> None:
        """Break off what is being done, from any thread."""

    async def close(self) -> None:
        """Break off and clean up, on the loop that does deeds."""


class Hand:
    """Starts the process at the first deed, does one deed at a time, and kills it to break off."""

    def __init__(
        self, command: Sequence[str], greeting: Json, tidy: Callable[[], object] = lambda: None
    ) -> None:
        """`tidy` is called after a hand was killed, to sweep up what it left half done."""
        self._command, self._greeting, self._tidy = command, greeting, tidy
        self._process: Process | None = None
        self._burials: set[asyncio.Future[None]] = set()
        self._turn = asyncio.Lock()
        self._closed = False

    async def do(self, key: Key, step: Step, attempt: int, tell: Tell) -> Json:
        """What the deed gives, packed: `{"value": ...}` or `{"error": ...}`."""
        async with self._turn:
            wish = {"flow": key.flow, "step": key.step, "attempt": attempt}
            try:
                return await self._ask(wish | {"deed": step.deed, "args": dict(step.args)}, tell)
            except BaseException:
                await self._break_off()  # half a deed: what it holds in memory is worth nothing
                raise

    def kill(self) -> None:
        """Kill the process and all it started."""
        _kill(self._process)

    async def close(self) -> None:
        """Break off for good: no process is started any more, and none is left."""
        self._closed = True
        await self._break_off()
        async with self._turn:  # who was starting a process has buried it by now
            pass

    async def _break_off(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._bury(process)
        if self._burials:
            await asyncio.wait(set(self._burials))  # who is cancelled again leaves them to go on

    def _bury(self, process: Process) -> None:
        """Kill it, and tidy up when it is dead, whoever waits for that."""

        async def tidied() -> None:
            await process.wait()
            await asyncio.to_thread(self._tidy)

        _kill(process)
        burial = asyncio.ensure_future(tidied())
        self._burials.add(burial)
        burial.add_done_callback(self._burials.discard)

    def _abandon(self, starting: asyncio.Future[Process]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            self._bury(starting.result())

    async def _ask(self, wish: Json, tell: Tell) -> Json:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(_line(wish))
            await process.stdin.drain()
            while (line := await process.stdout.readline()).endswith(b"\n"):
                said = json.loads(line)
                if "told" not in said:
                    answer: Json = said
                    return answer
                tell(said["told"])
        except ConnectionError:
            pass
        code = await process.wait()
        raise Broken(f"The process that did step '{wish['step']}' died ({_death(code)}).")

    async def _started(self) -> Process:
        if self._closed:
            raise Broken("The worker goes home.")
        if self._process is None or self._process.returncode is not None:
            starting = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    *self._command, stdin=PIPE, stdout=PIPE, limit=LONGEST, start_new_session=True
                )
            )
            try:
                self._process = await asyncio.shield(starting)
            except asyncio.CancelledError:  # nobody else will know it, to kill it
                starting.add_done_callback(self._abandon)
                await asyncio.wait([starting])
                raise
            if self._closed:  # meanwhile
                raise Broken("The worker goes home.")
            assert self._process.stdin is not None
            self._process.stdin.write(_line({**self._greeting, "parent": os.getpid()}))
        return self._process


def serve(deeds: Callable[[Json], Mapping[str, Deed]]) -> None:
    """The hand's own side: do what is asked until the worker is gone.

    `deeds` is given the worker's greeting; where it fails, as without a database, so does the step,
    and the next one tries again. Whatever a library prints goes to standard error.
    """
    lines, answers = _private_pipes()
    greeting = json.loads(lines.readline() or "{}")
    if "parent" not in greeting:
        return
    _die_with(greeting["parent"])
    wishes = _listening(lines)
    able = cache(lambda: deeds(greeting))
    while (wish := wishes()) is not None:
        key = Key(flow=wish["flow"], step=wish["step"])

        def tell(event: Json) -> None:
            answers.write(json.dumps({"told": event}) + "\n")
            answers.flush()

        answers.write(json.dumps(_outcome(able, key, wish, tell)) + "\n")
        answers.flush()


def _outcome(able: Callable[[], Mapping[str, Deed]], key: Key, wish: Json, tell: Tell) -> Json:
    try:
        return {"value": able()[wish["deed"]](key, wish["args"], tell)}
    except Exception as error:  # noqa: BLE001  it is told to the worker, which knows what to do
        if packed(error)["kind"] == "FlowFailed":
            sys.excepthook(type(error), error, error.__traceback__)  # a mistake of ours: show where
        return {"error": packed(error)}


def _private_pipes() -> tuple[TextIO, TextIO]:
    """Our two pipes, out of reach of what prints or asks."""
    lines = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    return lines, answers


def _listening(lines: TextIO) -> Callable[[], dict[str, Any] | None]:
    """Read ahead in a thread: the end of the pipe is the worker's death, even during a deed."""
    import queue

    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            waiting.put(json.loads(line))
        os._exit(ORPHANED)

    threading.Thread(target=read, daemon=True, name="worker-watch").start()
    return waiting.get


def _die_with(parent: int) -> None:
    """Ask the kernel to kill us when the worker dies, where it can: sooner than the pipe tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(ORPHANED)


def _kill(process: Process | None) -> None:
    if process is not None and process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _line(value: Json) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _death(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}: out of memory?" if name == "SIGKILL" else name
