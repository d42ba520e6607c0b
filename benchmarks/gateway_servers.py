"""The servers that the gateway's benchmark compares: each started, watched and stopped alike."""

import os
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from sutdol.core.settings import CONVENTIONAL

HERE = Path(__file__).parent
SUTDOL = str(Path(sys.executable).with_name("sutdol"))
CORES = sorted(os.sched_getaffinity(0))
GATEWAY, LOAD = CORES[0], CORES[-1]
"""Cores of what is measured and of what asks and answers it: the same where there is but one."""
LITELLM = "litellm[proxy]"
PATIENCE = 120.0  # seconds for a server to start
ASKED = b'{"model":"fast","messages":[{"role":"user","content":"Is anybody there?"}]}'


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a server is started: its command ends with the port."""

    name: str
    command: Sequence[str]
    key: str = "none"
    settings: Mapping[str, str] | None = None


@dataclass(kw_only=True)
class Server:
    """One that runs; `ready`: seconds from its start to its first good answer."""

    name: str
    port: int
    key: str
    pid: int = 0
    ready: float = 0.0

    def tree(self) -> list[int]:
        """It and all processes that it started."""
        found = [self.pid] if self.pid else []
        for pid in found:  # grows on the way
            found += _children(pid)
        return found

    def cpu(self) -> float:
        """Seconds of CPU so far, all processes together."""
        return sum(map(_cpu, self.tree()))

    def memory(self) -> tuple[float, float]:
        """MB of the process that answers, which worked most, and of all together."""
        tree = self.tree()
        return _mb(max(tree, key=_cpu)), sum(map(_mb, tree))


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text("utf-8").split()]


def _cpu(pid: int) -> float:
    """Of a process, and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@contextmanager
def process(
    command: Sequence[str],
    core: int,
    settings: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator["subprocess.Popen[str]"]:
    """A command on a core of its own, with pipes to it; told to stop in the end."""
    with (log or Path(os.devnull)).open("a") as errors:
        started = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if log is None else errors,
            stderr=errors,
            text=True,
            env=environment() | dict(settings or {}),
            preexec_fn=partial(os.sched_setaffinity, 0, {core}),
        )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(30)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def environment() -> dict[str, str]:
    """That of this process without what would change the settings of ours."""
    ours = {name for names in CONVENTIONAL.values() for name in names}
    found = dict(os.environ)  # noqa: TID251, handed on and no setting of ours
    return {k: v for k, v in found.items() if k not in ours and not k.startswith("SUTDOL_")}


@contextmanager
def running(recipe: Recipe, log: Path) -> Iterator[Server]:
    """A server from its start until the end of the block."""
    server = Server(name=recipe.name, port=free_port(), key=recipe.key)
    start = time.perf_counter()
    command = [*recipe.command, str(server.port)]
    with process(command, GATEWAY, recipe.settings, log) as started:
        server.pid = started.pid
        while not answers(server):
            if started.poll() is not None or time.perf_counter() - start > PATIENCE:
                sys.exit(f"{recipe.name} does not answer: see {log}")
            time.sleep(0.01)
        server.ready = time.perf_counter() - start
        yield server


def answers(server: Server) -> bool:
    """Whether it gives a good answer by now."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", ASKED, headers)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def bare(name: str, upstream: int) -> Recipe:
    command = [sys.executable, str(HERE / "gateway_bare.py"), url(upstream)]
    return Recipe(name=name, command=command)


def ours(name: str, home: Path, upstream: int, **settings: str) -> Recipe:
    """`sutdol up` on a home with a guard, and a key with limits that are never reached."""
    given = {
        "SUTDOL_HOME": str(home),
        "SUTDOL_DATABASE_URL": f"sqlite:///{home}/sutdol.db",
        "SUTDOL_OPENAI_BASE_URL": url(upstream),
        "SUTDOL_AUTH": "on",
        **settings,
    }
    made = subprocess.run(
        [SUTDOL, "keys", "create", "bench", "--rpm", "10000000", "--tpm", "1000000000"],
        env=environment() | given,
        capture_output=True,
        check=True,
        text=True,
    )
    command = [SUTDOL, "up", "--no-worker", "--port"]
    return Recipe(name=name, command=command, key=made.stdout.strip(), settings=given)


def litellm(program: Path, folder: Path, upstream: int) -> Recipe:
    """LiteLLM's proxy with one worker and a master key; no database, nothing logged."""
    config = folder / "litellm.yaml"
    config.write_text(CONFIG.format(url=url(upstream)), encoding="utf-8")
    command = [str(program), "--config", str(config), "--host", "127.0.0.1", "--num_workers", "1"]
    settings = {
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the network at its start
        "LITELLM_MODE": "PRODUCTION",
    }
    return Recipe(
        name="LiteLLM", command=[*command, "--port"], key="sk-bench-0000", settings=settings
    )


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


CONFIG = """\
model_list:
  - model_name: fast
    litellm_params: {{model: openai/fast, api_base: "{url}", api_key: none}}
  - model_name: paced
    litellm_params: {{model: openai/paced, api_base: "{url}", api_key: none}}
general_settings: {{master_key: sk-bench-0000}}
litellm_settings: {{telemetry: false}}
"""


def installed(folder: Path) -> tuple[Path | None, str]:
    """LiteLLM's program in an environment of its own, made where missing, and its version; else
    why it is not there.
    """
    python = folder / "bin" / "python"
    ask = "from importlib.metadata import version; print(version('litellm'))"
    try:
        if not (folder / "bin" / "litellm").exists():
            venv.create(folder, with_pip=True)
            _run([python, "-m", "pip", "--disable-pip-version-check", "-q", "install", LITELLM])
        return folder / "bin" / "litellm", _run([python, "-c", ask]).strip()
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        return None, said.splitlines()[-1] if said else type(error).__name__


def _run(command: Sequence[str | Path]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
