"""Around every request: an id, a clock, figures, one line in the log, and a last net for errors."""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from os import urandom
from time import perf_counter
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from sutdol.api import errors
from sutdol.api.hall import Ask
from sutdol.chat.log import GONE
from sutdol.core import meters

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger("sutdol.http")


class Context:
    """The outermost ASGI application."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passage = _Passage(scope, send)
        meters.HTTP_IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, passage.send)
        except Exception as error:  # noqa: BLE001  the last net: a client gets an answer, the log the error
            await passage.broken(error)
        finally:
            meters.HTTP_IN_FLIGHT.dec()
            passage.end()


class _Passage:
    """One request, from its head to the end of its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._ask = Ask(id=f"req_{urandom(16).hex()}", start=perf_counter())
        scope["sutdol"] = self._ask
        self._status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            given = list(message.get("headers", ()))
            if all(name != b"cache-control" for name, _ in given):
                given.append(NOT_KEPT)  # by any cache: the next who asks may be somebody else
            message["headers"] = [*given, *self._headers()]
        await self._send(message)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        spent = 1000 * (perf_counter() - self._ask.start)
        told = [
            (b"x-request-id", self._ask.id.encode()),
            (b"openai-processing-ms", b"%d" % spent),
            (b"x-content-type-options", b"nosniff"),
        ]
        room = self._ask.room
        if room is not None:
            told += [
                (b"x-ratelimit-limit-requests", b"%d" % room.limit),
                (b"x-ratelimit-remaining-requests", b"%d" % room.remaining),
                (b"x-ratelimit-reset-requests", f"{room.reset:.3f}s".encode()),
            ]
        return told

    async def broken(self, error: Exception) -> None:
        """Say that something is wrong here, without a word of what."""
        log.error("broken", request=self._ask.id, exc_info=error)
        if not self._status:
            content = errors.body(self._scope["path"], 500, errors.BROKEN)
            head = [(b"content-type", b"application/json")]
            await self.send({"type": "http.response.start", "status": 500, "headers": head})
            await self._send({"type": "http.response.body", "body": content})

    def end(self) -> None:
        spent = perf_counter() - self._ask.start
        route = getattr(self._scope.get("route"), "path", None) or "unknown"
        method, status = self._scope["method"], self._status or GONE
        method = method if method in METHODS else "other"
        counter, histogram = _children(method, route, status)
        counter.inc()
        histogram.observe(spent)
        caller = self._ask.caller
        log.info(
            "answered",
            request=self._ask.id,
            method=method,
            route=route,
            status=status,
            ms=round(1000 * spent, 2),
            user=caller.user if caller else None,
            key=caller.key if caller else None,
        )


NOT_KEPT = (b"cache-control", b"no-store")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@cache
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """`labels()` costs more than the counting."""
    return (
        meters.HTTP_REQUESTS.labels(method, route, str(status)),
        meters.HTTP_SECONDS.labels(route),
    )
