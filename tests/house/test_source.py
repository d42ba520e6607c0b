"""The house rules that no other tool checks: purpose lines, sizes, plugins, dependencies."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.search import SEARCHES
from sutdol.metrics.measure import METRICS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "sutdol"
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST = 400

each_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix()
)


def purpose(path: Path) -> str:
    """The first paragraph of a file's docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    paragraph = (ast.get_docstring(tree) or "").partition("\n\n")[0]
    return " ".join(paragraph.split())


@each_file
def test_every_file_begins_with_one_sentence_that_says_what_it_is_for(path: Path) -> None:
    sentence = purpose(path)

    assert sentence.endswith((".", "?", ":"))
    assert len(sentence.split()) >= 2
    assert len(sentence) <= 160, "if it takes more, the file is two files"


@each_file
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize(
    "said",
    [
        *[(f"attack {one.name}", one.disguise.__doc__) for one in ATTACKS.values()],
        *[(f"search {name}", SEARCHES[name].__doc__) for name in SEARCHES],
        *[(f"metric {name}", METRICS[name].__doc__) for name in METRICS],
    ],
    ids=lambda said: said[0],
)
def test_every_plugin_says_what_it_does(said: tuple[str, str | None]) -> None:
    assert (said[1] or "").strip().partition("\n")[0].endswith(".")


@each_file
def test_what_a_file_promises_is_there(path: Path) -> None:
    """`__all__`, where a file has one, names only what the file defines or imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    names |= {
        (one.asname or one.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for one in node.names
    }
    promised = [
        element.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(to, ast.Name) and to.id == "__all__" for to in node.targets)
        and isinstance(node.value, ast.List | ast.Tuple)
        for element in node.value.elts
        if isinstance(element, ast.Constant)
    ]
    assert set(promised) <= names


def imported(path: Path) -> Iterator[str]:
    """Top-level names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def required() -> set[str]:
    """The distributions that `pip install sutdol` brings, extras not counted, by normal name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {normal(re.split(r"[\[<>=!~; ]", one)[0]) for one in project["dependencies"]}


def optional() -> set[str]:
    """What the extras bring, those for developers not counted."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [one for name, extra in extras.items() if name != "dev" for one in extra]
    return {normal(re.split(r"[\[<>=!~; ]", one)[0]) for one in wanted}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# They come with what we ask for, and are the names under which it is used.
COME_ALONG = {"pydantic", "pydantic-core", "python-dotenv", "starlette"}
# An extra that need not be installed here brings the module.
BROUGHT_BY = {"mlflow": "mlflow-skinny"}


def test_nothing_is_imported_that_is_not_required() -> None:
    modules = {name for path in FILES for name in imported(path)}
    third_party = modules - set(sys.stdlib_module_names) - {"sutdol"}
    owners = packages_distributions()
    known = required() | optional() | COME_ALONG

    missing = {
        module
        for module in third_party
        if not {normal(owner) for owner in owners.get(module, [BROUGHT_BY.get(module, "nobody")])}
        & known
    }
    assert missing == set()


def test_nothing_is_required_that_is_not_imported() -> None:
    modules = {name for path in FILES for name in imported(path)}
    owners = packages_distributions()
    used = {normal(owner) for module in modules for owner in owners.get(module, [])}

    assert required() - used == set()


def test_the_readme_names_only_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))

    for name in ("README.md", "README.ko.md", "CONTRIBUTING.md"):
        page = (ROOT / name).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", page, re.MULTILINE))
        assert named
        assert named <= targets, name


def test_make_offers_what_was_promised() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in ("install", "demo", "test", "check", "bench", "soak", "clean"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
