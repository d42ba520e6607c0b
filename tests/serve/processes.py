"""Start processes of the server on one socket, wait until they answer, and read what they log."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tests.api.conftest import Home
from tests.api.site import Site

from sutdol.core.settings import Settings

OTHERS = ("SUTDOL_", "OPENAI_", "DATABASE_", "REDIS_", "PROMETHEUS_")
PATIENCE = 30.0


@dataclass(kw_only=True)
class Served:
    """`log` is what all of them wrote to standard error."""

    site: Site
    log: Path
    pids: list[int]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log; a line that is no JSON is an error."""
        return [json.loads(one) for one in self.log.read_text(encoding="utf-8").splitlines()]

    @contextmanager
    def alone(self, pid: int) -> Iterator[None]:
        """Only this process answers within the block: the others are frozen."""
        others = [one for one in self.pids if one != pid]
        for one in others:
            os.kill(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in others:
                os.kill(one, signal.SIGCONT)


@contextmanager
def served(
    home: Home, *, count: int = 1, is_open: bool = True, env: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """So many processes on one port, until the block ends."""
    settings = Settings.load(home=home.folder, database_url=home.database_url)
    log = home.folder.parent / "log.jsonl"
    with socket.socket() as listening, log.open("ab") as file, ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(256)
        command = [sys.executable, "-m", "sutdol.serve", "--fd", str(listening.fileno())]
        command += ["--parent", str(os.getpid()), "--local", *(["--open"] if is_open else [])]
        running = [
            stack.enter_context(
                _running(command, listening.fileno(), _environment(home, env), file)
            )
            for _ in range(count)
        ]
        site = Site(port=listening.getsockname()[1], settings=settings)
        found = Served(site=site, log=log, pids=[one.pid for one in running])
        for one in running:
            _until_it_answers(found, one)
        yield found


def _environment(home: Home, more: Mapping[str, str] | None) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
    return given | {
        "SUTDOL_HOME": str(home.folder),
        "DATABASE_URL": home.database_url,
        **(more or {}),
    }


@contextmanager
def _running(
    command: list[str], socket: int, env: Mapping[str, str], log: BinaryIO
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, pass_fds=[socket], env=env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not stop within {PATIENCE:g} s") from None


def _until_it_answers(found: Served, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    with found.alone(process.pid):
        while True:
            assert process.poll() is None, found.log.read_text()
            assert time.monotonic() < deadline, found.log.read_text()
            with suppress(OSError):
                if found.site.get("/health").status == 200:
                    return
