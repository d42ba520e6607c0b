"""Rows for which the queue of the writer has no room."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sutdol.core.errors import SutdolError
from sutdol.storage.writer import Change, Row, Writer

log = logging.getLogger("sutdol.chat")


class Overflow:
    """Writes them one group after the other, in a thread of its own: the event loop goes on, and
    look-ups of keys are not held up.

    At most `most` rows wait here; what comes beyond is counted as dropped by the writer.
    """

    def __init__(self, writer: Writer, *, most: int = 1_000) -> None:
        self._writer, self._most = writer, most
        self._thread = ThreadPoolExecutor(1, "overflow")
        self._waiting = 0

    def write(self, rows: Sequence[Row | Change]) -> None:
        """Write them soon; to be called within the event loop."""
        count = len(rows)
        if self._waiting + count > self._most:
            self._writer.drop(count)
            log.error("%d rows were lost: there is no room where rows wait to be written.", count)
            return
        self._waiting += count
        loop = asyncio.get_running_loop()
        task = loop.run_in_executor(self._thread, self._writer.write_through, rows)
        task.add_done_callback(lambda done: self._ended(count, done))

    def close(self) -> None:
        """Write what waits; there is no room for more from now on."""
        self._most = 0
        self._thread.shutdown()

    def _ended(self, count: int, task: "asyncio.Future[None]") -> None:
        self._waiting -= count
        error = None if task.cancelled() else task.exception()
        if error is not None:  # of what a driver says, nothing: it repeats the rows
            why = str(error) if isinstance(error, SutdolError) else type(error).__name__
            log.error("%d rows were lost: %s", count, why)
