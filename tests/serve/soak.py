"""The long trial of the server, for `make soak`: many requests, many clients that go away.

    python -m tests.serve.soak --requests 100000 --gone 10000      # takes about five minutes

Memory and open files of the server process are compared with what they were when its caches had
filled; every answered request must be on record. Exits with 1 where something grew or was lost.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

from sqlalchemy import select

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.roles.bootstrap import bootstrap
from sutdol.storage.server_tables import request

GROWTH = 0.05
TEXTS = 2_000  # different ones, so that the guard's memory is full after the warm-up
KINDS = ("whole", "stream", "moderation")


@dataclass(kw_only=True)
class Clients:
    """What they asked and what came back."""

    port: int
    random: random.Random
    answered: dict[str, int] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    gone: int = 0

    def question(self, kind: str) -> tuple[str, dict[str, object]]:
        text = self.random.choice(HARMLESS)
        if kind == "moderation":
            return "/v1/moderations", {"input": text}
        messages = [{"role": "user", "content": text}]
        return "/v1/chat/completions", {
            "model": "fake",
            "messages": messages,
            "stream": kind == "stream",
        }

    async def ask(self, count: int) -> None:
        """So many requests over one connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for _ in range(count):
            kind = self.random.choice(KINDS)
            writer.write(raw(*self.question(kind)))
            status, id_, body = await answer(reader)
            fine = status == 200 or b'"content_filter"' in body  # the guard errs now and then
            self.answered[kind] = self.answered.get(kind, 0) + fine
            self.ids.add(id_)
            if not fine:
                self.failed.append(f"{kind}: {status} {body[:200]!r}")
        writer.close()

    async def leave(self, count: int) -> None:
        """So many connections that are cut before, at or after the first bytes of an answer."""
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(raw(*self.question(self.random.choice(KINDS[:2]))))
            await writer.drain()
            moment = self.random.choice(("at once", "soon", "first bytes"))
            if moment == "soon":
                await asyncio.sleep(self.random.random() * 0.01)
            if moment == "first bytes":
                await reader.read(100)
            writer.transport.abort()
            self.gone += 1


HARMLESS = [one.text for one in bootstrap() if not one.category][:TEXTS]


def raw(path: str, body: dict[str, object]) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def answer(reader: asyncio.StreamReader) -> tuple[int, str, bytes]:
    """Status, id of the request, and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(None, 2)[1])
    id_ = re.search(rb"x-request-id: (\S+)", head)
    assert id_ is not None
    length = re.search(rb"content-length: (\d+)", head)
    if length:
        return status, id_[1].decode(), await reader.readexactly(int(length[1]))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return status, id_[1].decode(), body


@dataclass(frozen=True, kw_only=True)
class State:
    """Of the process that answers."""

    megabytes: float
    files: int

    @classmethod
    def of(cls, pid: int) -> "State":
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        found = re.search(r"Rss: +(\d+) kB", rollup)
        assert found is not None
        return cls(megabytes=int(found[1]) / 1024, files=len(os.listdir(f"/proc/{pid}/fd")))


@contextmanager
def server(home: Path) -> Iterator[tuple[int, int]]:
    """`sutdol up` with a fake model behind it: its port, and the process that answers."""
    with ExitStack() as stack:
        fake = stack.enter_context(started("-m", "sutdol.models.fake"))
        assert fake.stdout is not None
        url = fake.stdout.readline().strip()
        given = {
            "SUTDOL_HOME": str(home),
            "OPENAI_BASE_URL": url,
            "SUTDOL_GATEWAY__GUARD_OUTPUT": "1",
        }
        up = stack.enter_context(
            started("-m", "sutdol", "up", "--port", "0", "--no-worker", log=home / "log", **given)
        )
        log = home / "log"
        while not (found := re.search(r"http://127.0.0.1:(\d+)", log.read_text(encoding="utf-8"))):
            assert up.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        until_it_answers(int(found[1]))
        children = Path(f"/proc/{up.pid}/task/{up.pid}/children").read_text(encoding="utf-8")
        yield int(found[1]), int(children.split()[0])


@contextmanager
def started(
    *tokens: str, log: Path | None = None, **environment: str
) -> Iterator["subprocess.Popen[str]"]:
    with ExitStack() as stack:
        err = stack.enter_context(log.open("w")) if log else None
        process = subprocess.Popen(
            [sys.executable, *tokens],
            stdout=subprocess.PIPE,
            stderr=err,
            encoding="utf-8",
            env={**os.environ, **environment},
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(40)
            process.kill()
            process.wait()


def until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/health"):
            return
        assert time.monotonic() < deadline, "it does not answer"
        time.sleep(0.05)


async def crowd(work: Callable[[int], Coroutine[None, None, None]], count: int, size: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(size):
            group.create_task(work(count // size))


def rested(pid: int, files: int) -> State:
    """Its state when lines to the model that nobody uses are closed, which takes a minute."""
    deadline = time.monotonic() + 150
    while (state := State.of(pid)).files > files and time.monotonic() < deadline:
        time.sleep(1)
    return state


def on_record(home: Path) -> set[str]:
    """The ids of all requests."""
    with Sutdol.open(Settings.load(home=home)) as sutdol, sutdol.db.read() as tx:
        return set(tx.scalars(select(request.c.id)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.serve.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--gone", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with Sutdol.open(Settings.load(home=home)) as sutdol:
            sutdol.take_in_bundled()
            sutdol.crown_first(seed=0)
        wrong = trial(home, given.requests, given.gone)
    sys.exit("; ".join(wrong) if wrong else 0)


def trial(home: Path, requests: int, gone: int) -> list[str]:
    clients = Clients(port=0, random=random.Random(0))
    with server(home) as (port, pid):
        clients.port = port
        tell("start", State.of(pid))
        asyncio.run(crowd(clients.ask, max(6_000, requests // 10), 16))
        before = State.of(pid)
        tell("warm", before)
        for part in range(4):
            asyncio.run(crowd(clients.ask, requests // 4, 16))
            tell(f"{(part + 1) * requests // 4:,} requests", State.of(pid))
        asyncio.run(crowd(clients.leave, gone, 16))
        after = rested(pid, before.files)
        tell(f"{clients.gone:,} gone", after)
    known = on_record(home)
    lost = len(clients.ids - known)
    sys.stdout.write(f"answered {clients.answered}, failed {len(clients.failed)}, ")
    sys.stdout.write(f"ids {len(clients.ids):,}, rows {len(known):,}\n")
    growth = after.megabytes / before.megabytes - 1
    sys.stdout.write(f"memory {growth:+.1%}, open files {before.files} -> {after.files}\n")
    return [
        *(clients.failed[:3]),
        *([f"memory grew by {growth:.1%}"] if growth >= GROWTH else []),
        *(["files stay open"] if after.files > before.files else []),
        *([f"{lost} rows are lost"] if lost else []),
    ]


def tell(what: str, state: State) -> None:
    now = datetime.now(UTC).strftime("%H:%M:%S")
    line = f"{now} {what:20} {state.megabytes:7.1f} MB {state.files:5} files\n"
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
