"""A model server that costs next to nothing, for what is measured in front of it.

    python benchmarks/gateway_upstream.py SENTENCES.json PORT

It repeats none of its texts: the guard of a gateway has to read each anew. The model `paced` says
a token every 10 ms, any other as fast as it can; a chunk is a packet of its own.
"""

import asyncio
import json
import re
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import uvloop

TOKENS = 50  # of a stream
PACE = 0.01  # seconds between two of them
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STREAM = re.compile(rb'"stream": *true')
USAGE = re.compile(rb'"include_usage": *true')
PACED = re.compile(rb'"model": *"paced"')
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
COUNTED = b'{"prompt_tokens":55,"completion_tokens":%d,"total_tokens":%d}' % (TOKENS, 55 + TOKENS)
WHOLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1767225600,"model":"fast",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":%s},"finish_reason":"stop"}],'
    b'"usage":' + COUNTED + b"}"
)
CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1767225600,'
    b'"model":"fast","choices":[%s]%s}\n\n'
)
PART = b'{"index":0,"delta":%s,"finish_reason":%s}'
MODELS = json.dumps(
    {"object": "list", "data": [{"id": name, "object": "model"} for name in ("fast", "paced")]}
).encode()


def framed(event: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(event), event)


def part(delta: bytes, finish: bytes = b"null") -> bytes:
    return framed(CHUNK % (PART % (delta, finish), b""))


FIRST = part(b'{"role":"assistant","content":""}')
LAST = part(b"{}", b'"stop"')
COUNT = framed(CHUNK % (b"", b',"usage":' + COUNTED))
DONE = framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


class Texts:
    """Answers out of sentences in an order that does not come again."""

    def __init__(self, by_language: Sequence[Sequence[str]]) -> None:
        self._by_language, self._random = by_language, Random()

    def answer(self) -> str:
        """About 300 characters."""
        sentences = self._random.choice(self._by_language)
        found = self._random.choice(sentences)
        while len(found) < 300:
            found += " " + self._random.choice(sentences)
        return found

    def words(self) -> list[str]:
        """As many as a stream has tokens."""
        sentences = self._random.choice(self._by_language)
        found: list[str] = []
        while len(found) < TOKENS:
            found += self._random.choice(sentences).split()
        return found[:TOKENS]


class Upstream(asyncio.Protocol):
    """One connection; one request after the other."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._loop = asyncio.get_running_loop()
        self._came = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        end = self._came.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = LENGTH.search(self._came, 0, end)
        end += int(length[1]) if length else 0
        if len(self._came) >= end:
            request, self._came = self._came[:end], self._came[end:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        if request.startswith(b"GET"):
            self._transport.write(HEAD % len(MODELS) + MODELS)
        elif STREAM.search(request):
            events = self._events(counted=USAGE.search(request) is not None)
            self._transport.write(STREAM_HEAD)
            self._say(events, PACE if PACED.search(request) else 0.0, self._loop.time())
        else:
            body = WHOLE % quoted(self._texts.answer())
            self._transport.write(HEAD % len(body) + body)

    def _events(self, *, counted: bool) -> deque[bytes]:
        said = [part(b'{"content":%s}' % quoted(word + " ")) for word in self._texts.words()]
        return deque([FIRST, *said, LAST, *([COUNT] if counted else []), DONE])

    def _say(self, events: deque[bytes], pace: float, at: float) -> None:
        """One event now, the next in the loop's next turn or when its time has come."""
        if self._transport.is_closing():
            return
        self._transport.write(events.popleft())
        if not events:
            return
        if pace and len(events) > 2:
            self._loop.call_at(at + pace, self._say, events, pace, at + pace)
        else:
            self._loop.call_soon(self._say, events, pace, at)


async def serve(sentences: Sequence[Sequence[str]], port: int) -> None:
    texts = Texts(sentences)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(texts), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    sentences = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    uvloop.run(serve(sentences, int(sys.argv[2])))


if __name__ == "__main__":
    main()
