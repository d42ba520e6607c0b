"""A connection to one OpenAI-compatible server: bytes there and back, broken off at any moment."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sutdol.core.errors import EngineError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MOST = 64 << 20  # bytes of an answer that comes as a whole


class Unreached(EngineError):
    """Nothing was answered; another try, or another upstream, may fare better."""


class Silent(EngineError):
    """It took the question and said nothing for too long."""

    status = 504


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: to connect, for an answer to begin, and between two pieces of it."""

    connect: float = 5.0
    first: float = 300.0
    idle: float = 120.0


class Answer:
    """The head of an answer has come. Close it: what is still to come is then broken off."""

    def __init__(self, response: "ClientResponse", who: str, patience: Patience) -> None:
        self._response, self._who, self._patience = response, who, patience
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    async def body(self, most: int = MOST) -> bytes:
        """All of it; `EngineError` where it is longer than `most` bytes."""
        found = bytearray()
        async for piece in self.pieces():
            found += piece
            if len(found) > most:
                self.close()
                raise EngineError(f"{self._who} answered more than {most:,} bytes.")
        return bytes(found)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        import aiohttp

        read = self._response.content.readany
        silence = _Silence(self._patience, self._response.close)
        try:
            while True:
                silence.begins()
                piece = await read()
                silence.ends()
                if not piece:
                    return
                yield piece
        except (aiohttp.ClientError, OSError):
            if silence.too_long:
                sentence = f"{self._who} said nothing for {silence.most:g} seconds."
                raise Silent(sentence) from None
            raise EngineError(f"{self._who} broke off in the middle of its answer.") from None
        finally:
            silence.over()
            self.close()

    def close(self) -> None:
        """A connection whose answer came to its end is kept for the next question."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class _Silence:
    """Breaks an answer off when nothing comes of it for too long.

    One timer for all pieces, which looks whether it is time: one a piece would cost more than it.
    """

    def __init__(self, patience: Patience, break_off: Callable[[], None]) -> None:
        self.most = patience.first
        self.too_long = False
        self._idle, self._break_off = patience.idle, break_off
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None  # none while nobody waits for the upstream
        self._timer: asyncio.TimerHandle | None = None

    def begins(self) -> None:
        self._since = self._loop.time()
        if self._timer is None:
            self._look_in(self.most)

    def ends(self) -> None:
        self._since, self.most = None, self._idle

    def over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look_in(self, seconds: float) -> None:
        # Not later than the next piece may be missed, which has another patience than the first.
        self._timer = self._loop.call_later(min(seconds, self._idle), self._look)

    def _look(self) -> None:
        now = self._loop.time()
        left = self.most - (now - self._since) if self._since is not None else self.most
        if left > 0:
            self._look_in(left)
        else:
            self.too_long = True
            self._break_off()


class Connections:
    """All connections of this process, to whatever upstream; to be made in a running event loop."""

    def __init__(self, patience: Patience) -> None:
        import aiohttp

        self.patience = patience
        self._session: ClientSession = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=patience.connect),
        )

    async def ask(
        self, line: "Line", method: str, path: str, *, body: bytes | None = None
    ) -> Answer:
        """The head of the answer. `Unreached` or `Silent` without one."""
        import aiohttp

        request = self._session.request(
            method, line.url + path, data=body, headers=line.headers, allow_redirects=False
        )
        try:
            async with asyncio.timeout(self.patience.first):
                response = await request
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as error:
            why = getattr(error, "os_error", None) or "no answer in time"
            raise Unreached(f"{line.name} cannot be reached ({why}).") from None
        except TimeoutError:
            seconds = self.patience.first
            raise Silent(f"{line.name} did not begin to answer in {seconds:g} seconds.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreached(f"{line.name} broke off ({type(error).__name__}).") from None
        return Answer(response, line.name, self.patience)

    async def close(self) -> None:
        await self._session.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One upstream: its name, its address without a slash at the end, and what each question to it
    carries.
    """

    name: str
    url: str
    headers: Mapping[str, str]

    @classmethod
    def to(cls, name: str, url: str, key: str = "") -> "Line":
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        return cls(name=name, url=url.rstrip("/"), headers=headers)
