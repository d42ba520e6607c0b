"""Deeds in this process: a hand of its own takes a second to start, for each command of a test.

With hands of their own are all commands that a test starts as a process.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.flow import hand
from sutdol.flow.plan import Deed, Json, Key, Step, Tell
from sutdol.flows import Deeds


class InPlace:
    """A doer as the hand is one, but for that it cannot be broken off."""

    def __init__(
        self, command: Sequence[str], greeting: Json, tidy: Callable[[], object] = lambda: None
    ) -> None:
        self._greeting = greeting
        self._sutdol: Sutdol | None = None
        self._turn = asyncio.Lock()

    async def do(self, key: Key, step: Step, attempt: int, tell: Tell) -> Json:
        loop = asyncio.get_running_loop()
        async with self._turn:
            return await asyncio.to_thread(
                self._outcome, key, step, lambda event: loop.call_soon_threadsafe(tell, event)
            )

    def _outcome(self, key: Key, step: Step, tell: Tell) -> Any:
        wish = json.loads(json.dumps({"deed": step.deed, "args": dict(step.args)}))
        return json.loads(json.dumps(hand._outcome(self._deeds, key, wish, tell)))

    def _deeds(self) -> dict[str, Deed]:
        if self._sutdol is None:
            self._sutdol = Sutdol.open(Settings.load(**self._greeting["settings"]))
        return Deeds(self._sutdol).all()

    def kill(self) -> None:
        pass

    async def close(self) -> None:
        async with self._turn:
            if self._sutdol is not None:
                self._sutdol.close()
