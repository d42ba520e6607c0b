"""A look over the whole installation: in a thread of its own, and one at a time."""

import asyncio
from collections.abc import Callable

from sutdol.checkup import Line


class Checking:
    """To be asked within the event loop; the look itself may take seconds."""

    def __init__(self, look: Callable[[], list[Line]]) -> None:
        self._look = look
        self._under_way: asyncio.Task[list[Line]] | None = None

    async def lines(self) -> list[Line]:
        """A new look, or the one that is under way."""
        if self._under_way is None or self._under_way.done():
            # in a thread, as it has an event loop of its own for the model servers
            self._under_way = asyncio.create_task(asyncio.to_thread(self._look))
        return await asyncio.shield(self._under_way)  # whoever leaves takes nobody's look along
