"""`sutdol up`: what it says, what it refuses, and what survives its end."""

import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from tests.cli.conftest import Program, Start, some_texts, wait_for, write_labelled

from sutdol.app import Sutdol
from sutdol.cli.upstart import prepared
from sutdol.core.settings import Settings
from sutdol.models.fake import FakeServer
from sutdol.storage import requests

CHAT = {"model": "fake", "messages": [{"role": "user", "content": "sharpen the old knife"}]}
WRITTEN = 0.5  # seconds after which a row must be on disk: 0.05 on a quiet machine


class Running:
    """A `sutdol up` in a process of its own; `lines` is what it has said."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.lines = process, list[str]()
        assert process.stderr is not None
        self._reader = Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._reader.start()
        wait_for(lambda: self._found() is not None or process.poll() is not None)
        found = self._found()
        assert found is not None, self.lines
        self.port = int(found)
        wait_for(lambda: self.ask("GET", "/health")[0] == 200)

    def _read(self, stream: Any) -> None:
        self.lines.extend(stream)

    def _found(self) -> str | None:
        found = re.search(r"Sutdol is at http://[^ ]*:(\d+) ", "".join(self.lines))
        return found and found[1]

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as line:
                line.request(method, path, json.dumps(body) if body else None, headers)
                with line.getresponse() as response:
                    raw = response.read()
                    return response.status, (json.loads(raw), dict(response.getheaders()))
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(one) for one in path.read_text(encoding="utf-8").split()]

    def servers(self) -> list[int]:
        return [one for one in self.children() if "sutdol.serve" in command(one)]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture
def upstream() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def up(start: Start, home: Path, upstream: FakeServer) -> Callable[..., Running]:
    def begin(*tokens: object, **environment: str) -> Running:
        given = {"OPENAI_BASE_URL": upstream.url, **environment}
        return Running(start("up", "--port", 0, *tokens, **given))

    return begin


def ended(running: Running, number: signal.Signals = signal.SIGTERM) -> int:
    running.process.send_signal(number)
    return running.process.wait(40)


def written(home: Path) -> set[str]:
    """The ids of all requests on record."""
    with Sutdol.open(Settings.load(home=home)) as sutdol, sutdol.db.read() as tx:
        return {one.id for one in requests.newest(tx, limit=100_000)}


class Crowd:
    """Clients that chat all the time and note which answers they had, and when."""

    def __init__(self, running: Running, count: int = 4) -> None:
        self.answered: dict[str, float] = {}
        self._running, self._stop = running, Event()
        self._threads = [Thread(target=self._chat, daemon=True) for _ in range(count)]
        for one in self._threads:
            one.start()

    def _chat(self) -> None:
        while not self._stop.is_set():
            status, told = self._running.ask("POST", "/v1/chat/completions", CHAT)
            if status == 200:
                self.answered[told[1]["x-request-id"]] = time.monotonic()

    def stop(self) -> None:
        self._stop.set()
        for one in self._threads:
            one.join(30)


def test_it_starts_serves_and_stops(up: Callable[..., Running], home: Path) -> None:
    running = up()
    status, told = running.ask("POST", "/v1/chat/completions", CHAT)
    assert status == 200
    assert told[0]["choices"][0]["message"]["content"] == "knife old the sharpen"
    assert running.ask("GET", "/ready")[0] == 200
    wait_for(lambda: any("works" in line for line in running.lines))
    children = running.children()
    assert len(children) == 2

    assert ended(running) == 0
    assert not [one for one in children if Path(f"/proc/{one}").exists()]
    assert written(home)


def test_ctrl_c_stops_it(up: Callable[..., Running]) -> None:
    assert ended(up("--no-worker"), signal.SIGINT) == 0


def test_no_answered_request_is_lost_when_four_processes_are_stopped(
    up: Callable[..., Running], home: Path
) -> None:
    running = up("--workers", 4, "--no-worker")
    assert len(running.servers()) == 4
    crowd = Crowd(running, 8)
    wait_for(lambda: len(crowd.answered) > 400)
    code = ended(running)
    crowd.stop()

    assert code == 0
    assert set(crowd.answered) <= written(home)
    assert not [line for line in running.lines if "locked" in line or "Another process" in line]


def test_a_killed_server_loses_only_what_it_answered_last_and_another_takes_its_place(
    up: Callable[..., Running], home: Path
) -> None:
    running = up("--no-worker")
    crowd = Crowd(running)
    wait_for(lambda: len(crowd.answered) > 40)
    (server,) = running.servers()
    os.kill(server, signal.SIGKILL)
    killed = time.monotonic()
    before = len(crowd.answered)
    wait_for(lambda: len(crowd.answered) > before + 20)
    crowd.stop()
    assert ended(running) == 0

    known = written(home)
    lost = [at for id_, at in crowd.answered.items() if id_ not in known]
    assert all(abs(killed - at) < WRITTEN for at in lost), lost
    assert any("died" in line for line in running.lines)


def test_what_dies_with_its_parent(up: Callable[..., Running]) -> None:
    running = up()
    wait_for(lambda: len(running.children()) == 2)
    children = running.children()
    running.process.kill()
    running.process.wait(10)

    wait_for(lambda: not any(command(one) for one in children))


def test_it_refuses_to_serve_others_without_keys(
    sutdol: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTDOL_AUTH", "off")
    ran = sutdol("up", "--host", "0.0.0.0")

    assert ran.code == 3
    assert "Without keys anybody" in ran.complaint


def test_at_another_address_it_asks_for_keys(up: Callable[..., Running]) -> None:
    running = up("--host", "0.0.0.0", "--no-worker")

    assert any("a key is asked for" in line for line in running.lines)
    assert any("sutdol keys create" in line for line in running.lines)
    assert running.ask("GET", "/v1/models")[0] == 401
    assert running.ask("GET", "/metrics")[0] == 401


def test_it_answers_to_the_name_of_its_own_that_it_was_given(up: Callable[..., Running]) -> None:
    running = up("--host", "127.1", "--no-worker")

    assert any("no key is asked for" in line for line in running.lines)
    assert running.ask("GET", "/v1/models", Host=f"127.1:{running.port}")[0] == 200
    assert running.ask("GET", "/v1/models", Host="rebound.example.com")[0] == 403


def test_a_server_may_open_as_many_files_as_it_is_allowed(start: Start, home: Path) -> None:
    low = ("prlimit", "--nofile=300:700")
    running = Running(start("up", "--port", 0, "--no-worker", before=low))
    (server,) = running.servers()
    limits = Path(f"/proc/{server}/limits").read_text(encoding="utf-8")

    assert re.search(r"Max open files +700 +700 ", limits)


def test_a_key_of_the_command_line_opens_it(
    up: Callable[..., Running], sutdol: Program, home: Path
) -> None:
    key = sutdol("keys", "create", "ci").out.strip()
    running = up("--no-worker", SUTDOL_AUTH="on")

    assert running.ask("GET", "/v1/models")[0] == 401
    assert running.ask("GET", "/v1/models", Authorization=f"Bearer {key}")[0] == 200


def test_a_port_that_is_taken(sutdol: Program, home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = sutdol("up", "--port", taken.getsockname()[1])

    assert ran.code == 1
    assert "another --port" in ran.complaint


@pytest.mark.parametrize("host", ["no.such.host.invalid", "300.1.1.1", "ü" * 80])
def test_an_address_that_is_none(sutdol: Program, home: Path, host: str) -> None:
    ran = sutdol("up", "--host", host)

    assert ran.code == 2
    assert "--host" in ran.complaint


def test_a_database_that_is_damaged_is_said_at_once(sutdol: Program, home: Path) -> None:
    (home / "sutdol.db").write_bytes(b"no database at all" * 1_000)
    ran = sutdol("up", "--port", 0)

    assert ran.code == 1
    assert "damaged" in ran.complaint


def test_an_empty_home_gets_a_guard(start: Start, empty_home: Path) -> None:
    running = Running(start("up", "--port", 0))
    assert any("being trained" in line for line in running.lines)
    assert running.ask("GET", "/ready")[0] == 503
    assert running.ask("POST", "/v1/chat/completions", CHAT)[0] == 503
    deadline = time.monotonic() + 120
    while running.ask("GET", "/ready")[0] != 200:
        assert time.monotonic() < deadline, running.lines
        time.sleep(0.2)

    assert ended(running) == 0


def told(**how: bool) -> str:
    """What `up` says before anything runs."""
    plan = prepared(host=None, port=0, **{"flows": False, **how})
    plan.listening.close()
    return "\n".join(plan.told)


def asked_for(sutdol: Program) -> dict[str, str]:
    """The flows that train a first guard, and how they are."""
    found = sutdol("flows", "list", "--kind", "first", "--json", "-").json
    return {one["id"]: one["state"] for one in found}


@pytest.mark.usefixtures("empty_home")
def test_where_keys_are_asked_for_a_link_makes_the_first_admin(
    sutdol: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/welcome" not in told(), "where no key is asked for there is nothing to sign in to"
    monkeypatch.setenv("SUTDOL_AUTH", "on")
    (link,) = re.findall(r"http://127\.0\.0\.1:\d+/welcome#([\w-]{43})$", told(), re.MULTILINE)
    (anew,) = re.findall(r"/welcome#([\w-]{43})$", told(), re.MULTILINE)
    assert link != anew

    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))
    assert sutdol("users", "create", "anna", "--role", "admin", "--password").code == 0
    assert "/welcome" not in told()


@pytest.mark.usefixtures("empty_home")
def test_a_home_may_do_without_the_bundled_guard(
    sutdol: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTDOL_SERVER__BUNDLED_GUARD", "0")

    assert "train one with `sutdol guard train" in told(flows=True)
    assert asked_for(sutdol) == {}


@pytest.mark.usefixtures("empty_home")
def test_without_a_worker_it_says_who_trains_the_first_guard() -> None:
    said = told()

    assert "start one with `sutdol worker`" in said
    assert "being trained" not in said


@pytest.mark.usefixtures("empty_home")
def test_a_first_guard_that_came_to_nothing_is_asked_for_anew(sutdol: Program) -> None:
    assert "being trained" in told(flows=True)
    assert asked_for(sutdol) == {"first-guard": "waiting"}
    sutdol("flows", "cancel", "first-guard")

    for _ in range(2):
        assert "being trained" in told(flows=True)
        assert asked_for(sutdol) == {"first-guard": "cancelled", "first-guard-2": "waiting"}


@pytest.mark.usefixtures("empty_home")
def test_a_home_with_texts_of_its_own_is_told_how_to_get_a_guard(
    sutdol: Program, tmp_path: Path
) -> None:
    texts = write_labelled(tmp_path / "mine.jsonl", some_texts(1, seed=1))
    assert sutdol("feedback", "import", texts).code == 0

    assert "train one with `sutdol guard train --data FILE`" in told(flows=True)
    assert asked_for(sutdol) == {}


@pytest.mark.usefixtures("home")
def test_nothing_is_said_of_a_guard_that_is_there() -> None:
    assert "guard" not in told(flows=True)


def test_who_comes_while_it_stops_is_refused_and_does_not_wait(start: Start, home: Path) -> None:
    with FakeServer(reply=lambda _: "well and good " * 60, pace=0.02) as upstream:
        running = Running(start("up", "--port", 0, OPENAI_BASE_URL=upstream.url))
        wait_for(lambda: any("works" in line for line in running.lines))
        with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)) as line:
            line.request("POST", "/v1/chat/completions", json.dumps({**CHAT, "stream": True}))
            with line.getresponse() as response:
                assert response.read(100)
                running.process.send_signal(signal.SIGTERM)
                wait_for(lambda: refused(running.port))
                assert not upstream.finished, "they were refused while an answer was under way"
                assert response.read().endswith(b"data: [DONE]\n\n")
        assert running.process.wait(40) == 0


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False
