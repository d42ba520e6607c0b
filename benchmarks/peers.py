"""Other guards to measure beside ours: installed apart, asked over a pipe."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

WORKER = Path(__file__).with_name("peer.py")
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # figures are per core
OURS = ("sutdol", "sutdol_score")
PEERS = {
    "alt_profanity_check": ("alt-profanity-check>=1.9,<2",),
    "better_profanity": ("better-profanity>=0.7,<0.8",),
    "korcen": ("korcen>=1,<2", "better-profanity>=0.7,<0.8"),  # the latter for its English check
}


@dataclass(frozen=True, kw_only=True)
class Peer:
    """An installed guard; `why` it is missing, else its version."""

    name: str
    python: str
    version: str = ""
    why: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}".strip()


def installed(folder: Path) -> list[Peer]:
    """All peers, each in an environment of its own under `folder`, made where missing."""
    return [_installed(name, pins, folder / name) for name, pins in PEERS.items()]


def _installed(name: str, pins: Sequence[str], folder: Path) -> Peer:
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    try:
        if not python.exists():
            venv.create(folder, with_pip=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "-q"]
        _run([*pip, "install", *pins])
        package = pins[0].split(">")[0]
        version = f"from importlib.metadata import version; print(version({package!r}))"
        found = _run([python, "-c", version]).strip()
        with Worker(Peer(name=name, python=str(python))) as worker:
            worker.ask("judge", ["a text to see that it answers"], "en")
    except (OSError, EOFError, subprocess.CalledProcessError) as error:
        return Peer(name=name, python="", why=_last_line(error))
    return Peer(name=name, python=str(python), version=found)


def _run(command: Sequence[str | Path]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _last_line(error: Exception) -> str:
    said = str(getattr(error, "stderr", "") or error).strip()
    return said.splitlines()[-1] if said else type(error).__name__


class Worker:
    """A running guard. `model` is the folder of ours."""

    def __init__(self, peer: Peer, model: Path | None = None) -> None:
        command = [peer.python, "-W", "ignore", str(WORKER), peer.name]
        self._process = subprocess.Popen(
            [*command, str(model)] if model else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | ONE_CORE,  # noqa: TID251, handed on and no setting of ours
        )
        self._answer()

    def ask(self, job: str, texts: Sequence[str], lang: str) -> dict[str, Any]:
        """What `peer.py` answers to this job."""
        assert self._process.stdin is not None
        request = json.dumps({"job": job, "texts": list(texts), "lang": lang})
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise EOFError("it ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()


def ours() -> list[Peer]:
    """Our guard, once as it is used and once for its score alone."""
    return [Peer(name=name, python=sys.executable) for name in OURS]
