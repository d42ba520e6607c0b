"""Whose key or session it is: looked up once, kept for a while, forgotten when anything changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from time import monotonic

from sutdol.core.caller import Caller

KEPT, REFUSED = 30.0, 3.0
"""Seconds for which a caller, and a credential that is nobody's, are known without looking."""
MOST = 20_000

Header = tuple[bytes, bytes]
COOKIE = "sutdol_session"


class Door:
    """`find_key` and `find_session` ask the database, in a thread."""

    def __init__(
        self,
        find_key: Callable[[str], Caller | None],
        find_session: Callable[[str], Caller | None],
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._find_key, self._find_session = find_key, find_session
        self._known: OrderedDict[bytes, tuple[Caller | None, float]] = OrderedDict()
        self._used: set[str] = set()
        self._changes = 0

    async def by_key(self, plain: str) -> Caller | None:
        caller = await self._ask(b"key", plain, self._find_key)
        if caller is not None and caller.key is not None:
            self._used.add(caller.key)
        return caller

    async def by_session(self, cookie: str) -> Caller | None:
        return await self._ask(b"session", cookie, self._find_session)

    def forget(self) -> None:
        """Look everybody up anew."""
        self._changes += 1
        self._known.clear()

    def used(self) -> set[str]:
        """The keys that were used since this was asked last."""
        used, self._used = self._used, set()
        return used

    async def _ask(
        self, kind: bytes, shown: str, find: Callable[[str], Caller | None]
    ) -> Caller | None:
        name = sha256(kind + shown.encode("utf-8", "replace")).digest()
        caller, until = self._known.get(name, (None, 0.0))
        if monotonic() < until:
            return caller
        changes = self._changes
        caller = await asyncio.to_thread(find, shown)
        if changes == self._changes:  # what was read before a change must not be kept after it
            self._known[name] = caller, monotonic() + self._kept(caller)
            self._known.move_to_end(name)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return caller

    def _kept(self, caller: Caller | None) -> float:
        """Seconds; never beyond the end of the key or session."""
        if caller is None:
            return REFUSED
        if caller.until is None:
            return KEPT
        return min(KEPT, (caller.until - self._now()).total_seconds())


def shown_key(headers: Iterable[Header]) -> str | None:
    """The key in the headers, the one place where keys are read: `Authorization: Bearer`,
    `x-api-key`, and the names that Azure's and Google's clients use.
    """
    found = {name: value for name, value in headers if name in NAMES}
    for name in NAMES:
        if name in found:
            value = found[name].decode("latin-1").strip()
            if name != b"authorization":
                return value
            scheme, _, rest = value.partition(" ")
            return rest.strip() if scheme.lower() == "bearer" else ""
    return None


NAMES = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")


def shown_session(headers: Iterable[Header]) -> str | None:
    """The session's cookie."""
    for name, value in headers:
        if name == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, _, content = part.strip().partition("=")
                if key == COOKIE:
                    return content
    return None
