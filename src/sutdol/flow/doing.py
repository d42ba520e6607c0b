"""What a worker is doing: deeds, begun again when the hand breaks or the database was away, broken
off when lost.
"""

import asyncio
import logging
from collections.abc import Callable, Set
from itertools import chain, repeat
from typing import Any

from dbos._error import DBOSWorkflowCancelledError
from sqlalchemy.exc import OperationalError

from sutdol.core.errors import FlowFailed, Unavailable
from sutdol.flow.crew import Crew
from sutdol.flow.failure import packed, unpacked
from sutdol.flow.hand import Broken, Doer
from sutdol.flow.plan import Json, Key, Step, Tell

log = logging.getLogger("sutdol.flow")

PAUSES = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # seconds before each try; then the last


class Doing:
    """One deed at a time for each flow. `leaving` says whether the worker goes home."""

    def __init__(
        self, doer: Doer, crew: Crew, *, attempts: int, leaving: Callable[[], bool]
    ) -> None:
        self._doer, self._crew, self._attempts, self._leaving = doer, crew, attempts, leaving
        self._tasks: dict[str, asyncio.Task[Any]] = {}  # by flow
        self._lost: set[asyncio.Task[Any]] = set()

    async def done(self, key: Key, step: Step, tell: Tell) -> Json:
        """The outcome of a step; to be awaited in a task of its own."""
        mine, older = asyncio.current_task(), self._tasks.get(key.flow)
        assert mine is not None
        if older is not None:  # the flow was lost, and came back to us
            self._break_off(older)
        self._tasks[key.flow] = mine
        try:
            return await self._tried(key, step, tell)
        except asyncio.CancelledError:
            if mine in self._lost:  # the engine's word for it: nothing is put on record
                raise DBOSWorkflowCancelledError(f"{key.flow} is no longer ours.") from None
            raise
        finally:
            self._lost.discard(mine)
            if self._tasks.get(key.flow) is mine:
                del self._tasks[key.flow]

    def keep(self, mine: Callable[[], Set[str]]) -> None:
        """Break off what is done for flows that are not `mine`, from any thread.

        A worker may have lost one while it slept, or its database was away.
        """
        before = dict(self._tasks)  # what is begun after this may be ours by now
        if not before:
            return
        kept = mine()
        for flow, task in before.items():
            if flow not in kept:
                task.get_loop().call_soon_threadsafe(self._break_off, task)

    def _break_off(self, task: asyncio.Task[Any]) -> None:
        if not task.done() and task not in self._lost:
            self._lost.add(task)
            task.cancel()

    async def _tried(self, key: Key, step: Step, tell: Tell) -> Json:
        """A hand that breaks, or finds no database, is given another try, but not for ever."""
        pauses = chain(PAUSES, repeat(PAUSES[-1]))
        while True:
            await asyncio.sleep(next(pauses))
            times = await self._begun(key)
            if times > self._attempts:
                return {"error": packed(_poisonous(key.step, times - 1))}
            try:
                outcome = await self._doer.do(key, step, times, tell)
            except Broken as broken:
                if self._leaving():
                    await asyncio.Event().wait()  # until the loop ends: another worker goes on
                log.warning("%s It is tried again.", broken)
                continue
            error = unpacked(outcome["error"]) if "error" in outcome else None
            if not isinstance(error, Unavailable) or times == self._attempts:
                return outcome
            log.warning("Step '%s' is tried again: %s", key.step, error)

    async def _begun(self, key: Key) -> int:
        """The how-manieth time a step is begun; without a database nothing could be put on record,
        so it is waited for.
        """
        while True:
            try:
                return await asyncio.to_thread(self._crew.begin_step, key.flow, key.step)
            except OperationalError as error:
                log.warning("Step '%s' waits for the flow database: %s", key.step, error.orig)
                await asyncio.sleep(1)


def _poisonous(step: str, times: int) -> FlowFailed:
    return FlowFailed(
        f"Step '{step}' was begun {times} times and never came to an end, as if it killed its"
        " process: look at memory and logs, then start a new one."
    )
