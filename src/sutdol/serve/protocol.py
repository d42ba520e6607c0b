"""HTTP as uvicorn speaks it, with limits on how long and how slow the head of a request may be."""

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_BYTES = 64 << 10
HEAD_SECONDS = 15.0
LINGER_BYTES = 32 << 20
"""Of a body whose answer was given already; to cut it at once would keep the client from reading
why it was refused.
"""
UPGRADE = b"upgrade:"
_OFFERS = re.compile(rb"(?i)(?<=\n)(?=upgrade:)")


class Patient(HttpToolsProtocol):
    """A connection must say what it wants in time, at first and whenever it begins again."""

    _timer: asyncio.TimerHandle | None = None
    _head = 0
    _in_head = True
    _asked = False
    _unwanted = 0
    _last = b"\n"  # the byte before what comes next
    _held = b""  # the beginning of a line of a head, which may become `upgrade:`
    _answering: RequestResponseCycle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        if self._answering is not None and self._answering is not self.cycle:
            # uvicorn tells only the last of several requests that were sent at once
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
            if self._timer is None:  # the first bytes after a rest, which has limits of its own
                self._wait()
            self._read(data)
        else:
            if self.cycle.response_complete:
                self._discard(len(data))
            self._last = data[-1:]
            super().data_received(data)
        if self._in_head and self._head > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._in_head, self._asked, self._head = False, True, 0
        self._stop()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._unwanted = True, 0
        self._stop()
        super().on_message_complete()
        if self.cycle.response_complete:  # the late end of its body has ended uvicorn's own wait
            self._wait()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _read(self, data: bytes) -> None:
        """Parse it with `upgrade` renamed: the parser takes an offer of another protocol, such as
        h2c, for an agreement, and the body for the first words of it.
        """
        data = self._last + self._held + data
        small = data.lower()
        line = small.rfind(b"\n") + 1
        end = line if line and UPGRADE.startswith(small[line:]) else len(data)
        self._last, self._held = data[end - 1 : end], data[end:]
        parts = _OFFERS.split(data[:end]) if UPGRADE in small else [data[:end]]
        super().data_received(parts[0][1:])
        for part in parts[1:]:
            if not self.transport.is_closing():
                super().data_received(b"x-" + part if self._in_head else part)
        if self._held and not self._in_head:
            held, self._last, self._held = self._held, self._held[-1:], b""
            super().data_received(held)

    def _discard(self, count: int) -> None:
        self._unwanted += count
        if self._timer is None:
            self._wait()
        if self._unwanted > LINGER_BYTES:
            self.transport.close()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._asked and not self.cycle.response_complete:
            self._wait()  # what came is no part of the answer under way
        else:
            self.transport.close()


TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
