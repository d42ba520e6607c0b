"""The CPU time of `sutdol --help` and `sutdol --version` beside a Python that does nothing.

python benchmarks/startup.py
"""

import argparse
import sys
from pathlib import Path
from statistics import median

from section import beside, table, write
from usage import Usage, run

SUTDOL = str(Path(sys.executable).with_name("sutdol"))
COMMANDS = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "sutdol --version": (SUTDOL, "--version"),
    "sutdol --help": (SUTDOL, "--help"),
    "python -c 'import sutdol'": (sys.executable, "-c", "import sutdol"),
}
SAID = "{times} runs of each in turn, after one that is not counted; milliseconds of CPU."
HELP = 300.0  # milliseconds of CPU


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--times", type=int, default=20, help="runs of each command")
    times = parser.parse_args().times
    for command in COMMANDS.values():
        run(command)
    used: dict[str, list[Usage]] = {name: [] for name in COMMANDS}
    for _ in range(times):
        for name, command in COMMANDS.items():
            used[name].append(run(command))
    base = min(one.cpu for one in used["python -c pass"])
    rows = []
    for name, found in used.items():
        cpu = [one.cpu for one in found]
        figures = 1000 * min(cpu), 1000 * median(cpu), 1000 * min(one.wall for one in found)
        ratio = f"{min(cpu) / base:.1f}"
        rows.append([f"`{name}`", *(f"{figure:.0f}" for figure in figures), ratio])
        print(*rows[-1], sep="  ")
    heads = ("command", "CPU min ms", "CPU median ms", "wall min ms", "CPU min / python")
    help_cpu = 1000 * min(one.cpu for one in used["sutdol --help"])
    target = beside("`--help`", help_cpu, most=HELP, unit=" ms") + "."
    write("startup", "Start-up", SAID.format(times=times), table(heads, rows), target)


if __name__ == "__main__":
    main()
