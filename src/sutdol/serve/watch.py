"""Look now and then what other processes changed: keys, the champion; and tell what was used."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

import structlog

from sutdol.api.hall import Hall
from sutdol.core import meters
from sutdol.core.errors import NotReady, SutdolError
from sutdol.storage import keys, stamps
from sutdol.storage.writer import Change

EVERY = 0.25  # seconds: how late a promotion or a revoked key is seen at the most
PAUSE = 5.0  # seconds after a champion that does not load: to try is to read all of its files
USED = 30.0  # seconds between two notes of when keys were used last

log = structlog.get_logger("sutdol.watch")


class Watch:
    """Runs beside the requests of a process; close it once `run` was cancelled."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._stamps: dict[str, int] | None = None
        self._look_after = 0.0
        self._used: set[str] = set()
        self._noted = monotonic()
        self._troubles: dict[str, str] = {}
        self._counted = {"written": 0, "failures": 0, "dropped": 0}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._try("note figures", self._note)
            await self._try("look for changes", self._forget_changed)
            if monotonic() >= self._look_after:
                looked = await self._try("look for a new champion", self._look)
                self._look_after = 0.0 if looked else monotonic() + PAUSE
            if monotonic() - self._noted >= USED:
                self._noted = monotonic()
                await self._try("tell which keys were used", self._tell_used)

    async def close(self) -> None:
        """Tell what was used since it was told last."""
        await self._try("tell which keys were used", self._tell_used)

    async def _try(self, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it went well. What did not is told once while it lasts: what is known still
        serves.
        """
        try:
            await work()
        except Exception as error:  # noqa: BLE001  who watches must not die of what happened
            if self._troubles.get(what) != str(error):
                self._troubles[what] = str(error)
                _tell(what, error)
            return False
        self._troubles.pop(what, None)
        return True

    async def _forget_changed(self) -> None:
        """Have the door look at every key anew once keys or users changed."""
        found = await asyncio.to_thread(self._now)
        if found != self._stamps:  # at first too: nobody knows since when keys are kept
            self._stamps = found
            self._hall.door.forget()

    def _now(self) -> dict[str, int]:
        with self._hall.sutdol.db.read() as tx:
            return stamps.all(tx)

    async def _look(self) -> None:
        """Load a new champion."""
        with suppress(NotReady):
            await asyncio.to_thread(self._hall.guard.look)

    async def _note(self) -> None:
        """Figures that change without anybody asking; most of all while the database is away."""
        for member in self._hall.pool.members.values():
            meters.upstream_up(member.name).set(not member.breaker.is_open)
        writer = self._hall.writer
        meters.ROWS_WAITING.set(writer.waiting)
        for name, meter in METERS.items():
            value = getattr(writer, name)
            meter.inc(value - self._counted[name])
            self._counted[name] = value

    async def _tell_used(self) -> None:
        self._used |= self._hall.door.used()
        rows = [Change(statement=one) for one in keys.used(self._used, self._hall.now())]
        if not self._hall.writer.put(rows):
            await asyncio.to_thread(self._hall.writer.write_through, rows)
        self._used.clear()


METERS = {
    "written": meters.ROWS_WRITTEN,
    "failures": meters.ROWS_FAILED,
    "dropped": meters.ROWS_DROPPED,
}


def _tell(what: str, error: Exception) -> None:
    if isinstance(error, SutdolError):
        log.warning(f"cannot {what}", error=str(error))
    else:
        log.error(f"cannot {what}", exc_info=error)
