"""Prometheus itself: it takes our rules, and adds up what several processes of a server counted."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from tests.api.conftest import Home
from tests.databases import REQUIRED, on_sqlite
from tests.serve.processes import served

from sutdol.models.fake import FakeServer

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
BROUGHT = Path(__file__).parents[2] / ".prometheus" / "usr" / "bin"
"""Where CI puts the programs, without installing a service."""
CHAT = "/v1/chat/completions"
PATIENCE = 30.0


def program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([str(BROUGHT), os.environ.get("PATH", "")]))
    if found is None:
        why = f"{name} is needed: apt-get install prometheus"
        if REQUIRED:
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    return found


@pytest.mark.parametrize(
    "command", [["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]]
)
def test_prometheus_takes_our_configuration_and_rules(command: list[str]) -> None:
    done = subprocess.run(
        [program("promtool"), *command],
        cwd=FOLDER,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_and_says_what_to_do() -> None:
    import yaml

    groups = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    tried = (FOLDER / "rules_test.yml").read_text(encoding="utf-8")

    assert len(alerts) > 8
    for alert in alerts:
        assert set(alert["annotations"]) == {"summary", "do"}
        assert alert["labels"]["severity"] in ("page", "warn")
        assert f"alertname: {alert['alert']}\n        exp_alerts" in tried, alert["alert"]
        assert f"alertname: {alert['alert']}}}" in tried, "it is not tried that it keeps quiet"


class Prometheus:
    """A server of the test's own, which scrapes ours every 0.2 s."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def value(self, query: str) -> float | None:
        """The only sample of an expression."""
        with urlopen(f"{self._url}/api/v1/query?{urlencode({'query': query})}") as answer:
            samples = json.load(answer)["data"]["result"]
        if not samples:
            return None
        (sample,) = samples
        return float(sample["value"][1])

    def until(self, query: str, value: float) -> None:
        deadline = time.monotonic() + PATIENCE
        while (found := self.value(query)) != value:
            assert time.monotonic() < deadline, f"{query} is {found} and never became {value}"
            time.sleep(0.1)


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Prometheus]:
    port = _free_port()
    folder.mkdir()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}\n"
        f"rule_files: [{FOLDER / 'rules.yml'}]\n"
        "scrape_configs:\n"
        f"  - {{job_name: sutdol, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}\n"
    )
    command = [program("prometheus"), f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder}", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            _until_it_is_ready(process, port, folder / "log")
            yield Prometheus(port)
        finally:
            process.send_signal(signal.SIGKILL)  # what it gathered goes with the test
            process.wait()


def _until_it_is_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/-/ready"):
            return
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@on_sqlite
def test_prometheus_sees_the_sum_of_all_processes(
    home: Home, upstream: FakeServer, tmp_path: Path
) -> None:
    program("prometheus")
    shared = tmp_path / "shared"
    shared.mkdir()
    env = {"OPENAI_BASE_URL": upstream.url, "PROMETHEUS_MULTIPROC_DIR": str(shared)}
    asked = {"model": "fake", "messages": [{"role": "user", "content": "hello"}]}
    with served(home, count=2, env=env) as server:
        for pid, times in zip(server.pids, (28, 32), strict=True):
            with server.alone(pid):
                answers = [server.site.post(CHAT, asked) for _ in range(times)]
            assert {one.status for one in answers} == {200}
        with prometheus(tmp_path / "prometheus", server.site.port) as watching:
            watching.until(f'sum(sutdol_http_requests_total{{route="{CHAT}"}})', 60)
            watching.until("sutdol_upstream_up", 1)
            watching.until("sutdol_champion_version", 1)
            watching.until('sum(sutdol_guard_decisions_total{outcome="passed"})', 60)
            assert watching.value("sutdol_database_up") == 1
            assert watching.value("sutdol_overhead_seconds_count") == 60
            assert watching.value("sutdol_http_requests_in_flight") == 1  # the scrape itself
            assert watching.value("ALERTS") is None
    assert len(list(shared.glob("counter_*.db"))) == 2
