"""The reference leaves nothing out: every command, option, setting, attack and metric is in it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App
from pydantic import BaseModel

from sutdol.arena.attack import ATTACKS
from sutdol.arena.search import SEARCHES
from sutdol.cli.root import app
from sutdol.core.errors import SutdolError
from sutdol.core.settings import CONVENTIONAL, Settings
from sutdol.metrics.measure import METRICS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def commands(group: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, App]]:
    for name in group:
        if name.startswith("-"):
            continue
        one = group[name]
        if one.default_command is None:
            yield from commands(one, (*path, name))
        else:
            yield " ".join((*path, name)), one


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from settings(type(field.default), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


COMMANDS = dict(commands(app))


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_and_option_is_described(command: str) -> None:
    described = page("commands").partition(f"# sutdol {command}\n")[2].partition("\n##")[0]

    assert f"sutdol {command}" in described
    for argument in COMMANDS[command].assemble_argument_collection(parse_docstring=True):
        if argument.show:
            assert argument.name in described


@pytest.mark.parametrize("setting", list(settings(Settings)))
def test_every_setting_is_described_with_its_environment_variables(setting: str) -> None:
    (row,) = [line for line in page("settings").splitlines() if line.startswith(f"| `{setting}` ")]

    variable = f"SUTDOL_{setting}".upper().replace(".", "__")
    for name in (variable, *CONVENTIONAL.get(setting, ())):
        assert f"`{name}`" in row
    assert row.rstrip(" |").endswith("."), "it is not said what it is for"


@pytest.mark.parametrize("name", list(ATTACKS))
def test_every_attack_is_described(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", page("attacks"), re.MULTILINE)


@pytest.mark.parametrize("name", list(SEARCHES))
def test_every_search_is_described(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", page("attacks"), re.MULTILINE)


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_is_described(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", page("metrics"), re.MULTILINE)


def errors(kind: type[SutdolError]) -> Iterator[type[SutdolError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from errors(below)


@pytest.mark.parametrize("code", sorted({0, 130} | {kind.code for kind in errors(SutdolError)}))
def test_every_exit_code_is_described(code: int) -> None:
    assert re.search(rf"^\| {code} \|", page("exit-codes"), re.MULTILINE)


def test_the_tree_of_errors_shows_each_with_its_codes() -> None:
    drawn = sys.modules[SutdolError.__module__].__doc__ or ""

    for kind in errors(SutdolError):
        if kind is not SutdolError and kind.__module__ == SutdolError.__module__:
            assert re.search(rf"── {kind.__name__} +{kind.code} / {kind.status} ", drawn), kind


def test_the_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs.py", "--check"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
