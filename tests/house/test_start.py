"""Starting is quick: nothing heavy is loaded before it is needed."""

import resource
import subprocess
import sys

import pytest

HEAVY = (
    "numpy", "scipy", "sklearn", "sqlalchemy", "alembic", "torch", "aiohttp", "jinja2", "pydantic",
    "yaml",
)  # fmt: skip
HELP = "from sutdol.cli.root import run; run([{}])"
MORE_CPU = 0.3
"""Seconds that the help may cost above an empty Python; it costs about 0.12."""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout


def cpu(code: str) -> float:
    """CPU seconds of the process, the best of three."""
    found = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(code)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


@pytest.mark.parametrize(
    "code",
    [
        "import sutdol",
        HELP.format("'--help'"),
        HELP.format("'guard', 'train', '--help'"),
        HELP.format("'arena', 'battle', '--help'"),
        HELP.format("'loop', 'improve', '--help'"),
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    loaded = run(f"{code}\nimport sys; print('loaded', *sys.modules)").rpartition("loaded")[2]

    assert set(HEAVY) & set(loaded.split()) == set()


def test_importing_the_package_loads_no_library_at_all() -> None:
    loaded = run("import sutdol, sys; print(*sys.modules)").split()

    assert {"cyclopts", "rich"} & set(loaded) == set()


def test_help_is_quick() -> None:
    assert cpu(HELP.format("'--help'")) - cpu("pass") < MORE_CPU
