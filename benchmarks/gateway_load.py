"""Clients of a gateway in a process of their own: jobs come in as lines of JSON, figures go out.

python benchmarks/gateway_load.py SENTENCES.json
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
END = b"0\r\n\r\n"
CHARACTERS = 200  # of a prompt, or a few more


@dataclass(frozen=True, kw_only=True)
class Job:
    """So many connections, each asking one thing after the other for so many seconds."""

    port: int
    key: str
    model: str = "fast"
    stream: bool = False
    connections: int = 1
    seconds: float = 1.0
    apart: float = 0.0  # seconds between the beginnings of two connections
    new: bool = True  # prompts that were not asked before; else always the same few


@dataclass(kw_only=True)
class Done:
    """`whole`: seconds until all of an answer was there; `first`: until its first bytes were."""

    answers: int = 0
    failures: int = 0
    why: str = ""
    whole: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)


class Prompts:
    """About 200 characters each, out of whole sentences."""

    def __init__(self, by_language: Sequence[Sequence[str]]) -> None:
        self._by_language, self._random = by_language, Random()
        self._few = [self.new() for _ in range(20)]

    def new(self) -> str:
        sentences = self._random.choice(self._by_language)
        found = self._random.choice(sentences)
        while len(found) < CHARACTERS:
            found += " " + self._random.choice(sentences)
        return found

    def known(self) -> str:
        return self._random.choice(self._few)


class Client(asyncio.Protocol):
    """One connection; `body` makes the next question."""

    def __init__(self, job: Job, body: Callable[[], bytes], done: Done) -> None:
        self._job, self._body, self._done = job, body, done
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = loop.create_future()
        self._head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\n"
            f"Authorization: Bearer {job.key}\r\nContent-Type: application/json\r\n"
            "Content-Length: "
        ).encode()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._until = perf_counter() + self._job.seconds
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self._fail(f"the connection was closed ({error})")

    def _ask(self) -> None:
        body = self._body()
        self._came, self._first = b"", 0.0
        self._start = perf_counter()
        self._transport.write(self._head + b"%d\r\n\r\n%s" % (len(body), body))

    def data_received(self, data: bytes) -> None:
        self._came += data
        begins = self._came.find(b"\r\n\r\n") + 4
        if begins < 4 or len(self._came) == begins:
            return
        self._first = self._first or perf_counter() - self._start
        if self._is_whole(begins):
            self._take()

    def _is_whole(self, begins: int) -> bool:
        length = LENGTH.search(self._came, 0, begins)
        if length:
            return len(self._came) >= begins + int(length[1])
        return self._came.endswith(END)

    def _take(self) -> None:
        now, done = perf_counter(), self._done
        good = self._came.startswith(b"HTTP/1.1 200") and b'"error"' not in self._came
        if not good or (self._job.stream and b"[DONE]" not in self._came):
            self._fail(self._came[:600].decode("utf-8", "replace"))
            return
        done.answers += 1
        done.whole.append(now - self._start)
        done.first.append(self._first)
        if now < self._until:
            self._ask()
        else:
            self._end()

    def _fail(self, why: str) -> None:
        self._done.failures += 1
        self._done.why = why
        self._end()

    def _end(self) -> None:
        self.over.set_result(None)
        self._transport.close()


async def run(job: Job, prompts: Prompts) -> Done:
    """All that the job asks for."""
    done = Done()
    prompt = prompts.new if job.new else prompts.known

    def body() -> bytes:
        asked = {"model": job.model, "messages": [{"role": "user", "content": prompt()}]}
        return json.dumps(
            asked | ({"stream": True} if job.stream else {}), ensure_ascii=False
        ).encode()

    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(job.connections):
        made = await loop.create_connection(lambda: Client(job, body, done), "127.0.0.1", job.port)
        clients.append(made[1])
        await asyncio.sleep(job.apart)
    await asyncio.gather(*(client.over for client in clients))
    return done


def main() -> None:
    prompts = Prompts(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    # With PYTHONUNBUFFERED what does not fit into the pipe at once would be lost.
    with open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False) as told:
        for line in sys.stdin:
            done = uvloop.run(run(Job(**json.loads(line)), prompts))
            print(json.dumps(asdict(done)), file=told, flush=True)


if __name__ == "__main__":
    main()
