"""Write a benchmark's section into docs/benchmarks.md, in place of the one of an earlier run."""

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write(name: str, title: str, *paragraphs: str, page: Path = PAGE) -> None:
    """Only what stands between the markers of `name` changes; a new section comes last."""
    start, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    body = "\n\n".join((f"## {title}", *paragraphs, measured_on()))
    section = f"{start}\n{body}\n{end}"
    old = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    if start in old and end in old:
        before, rest = old.split(start, 1)
        new = before + section + rest.split(end, 1)[1]
    else:
        new = f"{old.rstrip()}\n\n{section}\n"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(new, encoding="utf-8")
    print(f"wrote the section {name!r} of {page}", file=sys.stderr)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left and figures to the right."""
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def beside(
    name: str, value: float, *, most: float | None = None, least: float | None = None, unit: str
) -> str:
    """A figure beside its target, and whether it was met."""
    bound, limit = ("<=", most) if most is not None else (">=", least)
    assert limit is not None
    met = value <= limit if bound == "<=" else value >= limit
    told = "met" if met else "**missed**"
    return f"{name} {value:,.0f}{unit}, target {bound} {limit:,.0f}{unit}: {told}"


def measured_on() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    return (
        f"*{date}, Python {platform.python_version()}, {cores} cores ({platform.machine()}),"
        f" load {os.getloadavg()[0]:.1f} at the end; `{command()}`*"
    )


def command() -> str:
    """How to run this benchmark again; folders are left out, each machine has its own."""
    script, *arguments = sys.argv
    shown = [Path(each).name if "/" in each else each for each in arguments]
    return " ".join(("python", f"benchmarks/{Path(script).name}", *shown))
