"""A small trained home, made once and copied for each test, and the program itself to run on it."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any

import pytest
from tests.cli.inplace import InPlace

from sutdol.cli.root import run
from sutdol.roles.bootstrap import Text, bootstrap

SMALL = {
    "SUTDOL_BATTLE__TEXTS": "4",
    "SUTDOL_BATTLE__QUERIES": "5",
}


PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one sentence of an error: nothing on stdout, no traceback."""
        lines = [line for line in self.err.splitlines() if line.startswith("sutdol: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        assert self.out == ""
        return lines[0]


Program = Callable[..., Ran]
Start = Callable[..., "subprocess.Popen[str]"]


def invoke(*tokens: object) -> Ran:
    """The program in this process, with standard output that is no terminal."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run([str(token) for token in tokens])
    return Ran(code=code, out=out.getvalue(), err=err.getvalue())


def calibrate(sutdol: Program, corpus: dict[str, Path]) -> str:
    """Crown a second version; its id."""
    lines = corpus["new"].read_text(encoding="utf-8").splitlines()
    benign = corpus["new"].with_name("benign.jsonl")
    benign.write_text("\n".join(line for line in lines if '"label": 0' in line), encoding="utf-8")
    found = sutdol("guard", "calibrate", "--benign", benign, "--json", "-").json
    return str(found["version"])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def battles(home: Path) -> list[tuple[str, int]]:
    """State of each battle and how many rounds it has on record."""
    with sqlite3.connect(home / "sutdol.db") as connection:
        rows = connection.execute(
            "SELECT state, (SELECT count(*) FROM round WHERE battle = battle.id) FROM battle"
        ).fetchall()
    connection.close()
    return rows


def some_texts(count: int, seed: int) -> list[Text]:
    texts = bootstrap()
    Random(seed).shuffle(texts)
    return texts[:count]


def write_labelled(path: Path, texts: list[Text]) -> Path:
    rows = [
        {
            "id": f"t{number}",
            "text": one.text,
            "lang": one.lang,
            "label": int(bool(one.category)),
            "category": one.category,
        }
        for number, one in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Texts to train on, and texts that the guard never saw."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = some_texts(1_800, seed=7)
    return {
        "train": write_labelled(folder / "train.jsonl", texts[:1_500]),
        "new": write_labelled(folder / "new.jsonl", texts[1_500:]),
    }


@contextmanager
def in_home(home: Path) -> Iterator[None]:
    """This process as if started anew: only the settings of these tests, and an empty folder.

    It does its deeds by itself.
    """
    home.parent.joinpath("work").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sutdol.flows.Hand", InPlace)
        for name in list(os.environ):
            if name.startswith(("SUTDOL_", "OPENAI_", "DATABASE_")):
                patch.delenv(name)
        for name, value in {**SMALL, "SUTDOL_HOME": str(home)}.items():
            patch.setenv(name, value)
        patch.chdir(home.parent / "work")
        yield


@pytest.fixture(scope="session")
def trained(corpus: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one guard."""
    home = tmp_path_factory.mktemp("trained") / "home"
    with in_home(home):
        assert invoke("guard", "train", "--data", corpus["train"]).code == 0
    return home


@dataclass(frozen=True, kw_only=True)
class Fought:
    """A home after a battle, and what the battle showed."""

    home: Path
    shown: Ran
    json: dict[str, Any]


@pytest.fixture(scope="session")
def fought(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Fought:
    folder = tmp_path_factory.mktemp("fought")
    home = copytree(trained, folder / "home")
    with in_home(home):
        tokens = ("--rounds", 2, "--seed", 3, "--json", folder / "battle.json")
        shown = invoke("arena", "battle", *tokens, "--report", folder / "page")
    content = json.loads((folder / "battle.json").read_text(encoding="utf-8"))
    return Fought(home=home, shown=shown, json=content)


@pytest.fixture
def home(trained: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the trained home, which the program uses in this test."""
    copy = copytree(trained, tmp_path / "home")
    with in_home(copy):
        yield copy


@pytest.fixture
def old_home(fought: Fought, tmp_path: Path) -> Iterator[Path]:
    """A copy of the home with a battle behind it."""
    copy = copytree(fought.home, tmp_path / "home")
    with in_home(copy):
        yield copy


@pytest.fixture
def empty_home(tmp_path: Path) -> Iterator[Path]:
    """A home that is not there yet."""
    with in_home(tmp_path / "home"):
        yield tmp_path / "home"


@pytest.fixture
def sutdol() -> Program:
    return invoke


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the program as a process of its own; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*tokens: object, before: tuple[str, ...] = (), **environment: str) -> Any:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "sutdol", *map(str, tokens)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file of this test."""

    def to_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file
