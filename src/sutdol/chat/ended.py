"""A stream that is ended exactly once, however far it was read."""

from collections.abc import AsyncGenerator, Awaitable, Callable


class Ended:
    """The pieces of a stream; `end` is called after the last one, after an error, and on close.

    A generator that was never asked for its first piece does not run what it would do at its end:
    `unread` is called in its place.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        end: Callable[[], None],
        unread: Callable[[], Awaitable[None]],
    ) -> None:
        self._pieces, self._end, self._unread = pieces, end, unread
        self._begun = self._over = False

    def __aiter__(self) -> "Ended":
        return self

    async def __anext__(self) -> bytes:
        self._begun = True
        try:
            return await anext(self._pieces)
        except BaseException:
            self._finish()
            raise

    async def aclose(self) -> None:
        if not self._begun and not self._over:
            await self._unread()
        try:
            await self._pieces.aclose()
        finally:
            self._finish()

    def _finish(self) -> None:
        if not self._over:
            self._over = True
            self._end()
