"""Processes that die at their start: again and again, or once."""

import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from tests.cli.conftest import wait_for

from sutdol.cli import supervisor
from sutdol.cli.supervisor import Supervisor
from sutdol.cli.upstart import UpPlan
from sutdol.core.errors import NotReady
from sutdol.core.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Scripted(UpPlan):
    """Servers that are nothing but this script, which is given a folder."""

    script: str
    folder: Path

    def serving(self) -> list[str]:
        return [sys.executable, "-c", self.script, str(self.folder)]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], UpPlan]]:
    """A plan with such servers; they are started again without delay."""
    monkeypatch.setattr(supervisor, "BACK_OFF", 0.001)
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(one) for one in numbers]
    listening = socket.socket()
    settings = Settings.load(home=tmp_path)
    plan = {"settings": settings, "listening": listening, "is_open": True, "local": True}
    yield lambda script: Scripted(script=script, folder=tmp_path, told=(), **plan)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    listening.close()


def test_a_server_that_always_dies_at_its_start_is_given_up(
    scripted: Callable[[str], UpPlan], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = scripted("raise SystemExit(1)")
    with (
        Supervisor(plan, workers=1, flows=False) as running,
        pytest.raises(NotReady, match=r"server 1 dies at its start \(exit code 1\)"),
    ):
        running.run()

    assert capsys.readouterr().err.count("died") == 4


def test_several_servers_that_die_once_at_their_start_come_up(
    scripted: Callable[[str], UpPlan], tmp_path: Path
) -> None:
    plan = scripted(ONCE)

    def wait() -> None:
        try:
            wait_for(lambda: len(list(tmp_path.glob("up-*"))) == 8)
        finally:
            signal.raise_signal(signal.SIGTERM)

    with Supervisor(plan, workers=8, flows=False) as running:
        waiting = Thread(target=wait)
        waiting.start()
        running.run()
        waiting.join()

    assert len(list(tmp_path.glob("up-*"))) == 8


ONCE = """
import os, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
for number in range(8):
    try:
        folder.joinpath(f"died-{number}").touch(exist_ok=False)
    except FileExistsError:
        continue
    raise SystemExit(1)
folder.joinpath(f"up-{os.getpid()}").touch()
time.sleep(60)
"""
