"""A real MLflow server of its own, from the environment that `make mlflow` makes."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".mlflow" / "bin"
REQUIRED = os.environ.get("SUTDOL_REQUIRE_SERVICES", "") not in ("", "0")
PATIENCE = 240  # seconds: it starts in six, but not on a busy machine


@dataclass
class Server:
    """`mlflow server` over a SQLite file and a folder of artefacts."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [BIN / "mlflow", "server", "--host", "127.0.0.1", "--port", self.port]
        command += ["--workers", 1, "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        command += ["--artifacts-destination", self.folder / "artifacts"]
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env=environment(
                    MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_DISABLE_TELEMETRY="true"
                ),
                start_new_session=True,
            )
        deadline = monotonic() + PATIENCE
        while not self.answers():
            alive = self.process.poll() is None and monotonic() < deadline
            assert alive, (self.folder / "log.txt").read_text()[-2_000:]
            sleep(0.2)

    def answers(self) -> bool:
        try:
            with urlopen(f"{self.address}/health", timeout=5):
                return True
        except (URLError, OSError):
            return False

    def kill(self) -> None:
        """End it and its children at once, in the middle of whatever it does."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def wipe(self) -> None:
        for file in self.folder.glob("mlflow.db*"):
            file.unlink()

    def get(self, path: str, /, **query: object) -> Any:
        """Ask as the pages of its UI do."""
        with urlopen(f"{self.address}/api/2.0/mlflow/{path}?{urlencode(query)}") as answer:
            return json.load(answer)

    def post(self, path: str, /, **body: object) -> Any:
        request = Request(
            f"{self.address}/api/2.0/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request) as answer:
            return json.load(answer)


def environment(**more: str) -> dict[str, str]:
    """What a program finds on a bare machine, and no hint that it is being tested."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, **more}


@pytest.fixture(scope="session", autouse=True)
def needs_mlflow() -> None:
    """Its tests are skipped without it, or fail where it is required."""
    if (BIN / "mlflow").exists():
        return
    why = "MLflow is needed in .mlflow: run `make mlflow`."
    if REQUIRED:
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@contextmanager
def server_in(folder: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    server = Server(folder=folder, port=port)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def sutdol(home: Path, address: str, *tokens: str) -> "subprocess.Popen[str]":
    """Start the program on a home, in the environment that has MLflow."""
    return subprocess.Popen(
        [BIN / "python", "-m", "sutdol", *tokens],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(SUTDOL_HOME=str(home), MLFLOW_TRACKING_URI=address),
    )
