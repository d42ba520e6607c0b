"""What a battle of ten rounds costs: time by stage, memory, the model's size, a serving process.

    python benchmarks/arena.py                                # bundled texts: `sutdol demo`
    nice python benchmarks/arena.py --data F.jsonl.gz [F ...]

Every battle is a process of its own in a home of its own, and so is the one that serves.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from section import beside, table, write
from usage import Usage, run

SUTDOL = str(Path(sys.executable).with_name("sutdol"))
STAGES = ("measure", "fight", "improve")
MEGABYTE = 1 << 20
SAID = (
    "A whole process: reading the texts, training the first guard, then {rounds} rounds with all"
    " curves; {battles} (the least is shown; equal seeds do equal work). Stages are wall seconds"
    " summed over the rounds: *measure* draws the curves, adaptive attackers included; *fight*"
    " attacks and makes twins; *improve* trains, examines and judges."
)
WALL = 90.0  # seconds for ten rounds with evaluation, on two idle cores
SERVING = (
    "Serving: a process that opens the home, loads the champion and answers one `check`; beside it"
    " a Python that imports NumPy, and one that does nothing."
)
CHECK = """
from sutdol.app import Sutdol
from sutdol.core.settings import Settings
with Sutdol.open(Settings.load()) as sutdol:
    sutdol.live().check("a text to see that it answers")
"""


@dataclass(frozen=True, kw_only=True)
class Fought:
    """One battle: what it cost, its stages in wall seconds, and its verdicts."""

    usage: Usage
    stages: Mapping[str, float]
    rounds: int
    promotions: int

    @property
    def start(self) -> float:
        """Seconds before the first round and between rounds."""
        return self.usage.wall - sum(self.stages.values())


def fight(home: Path, files: Sequence[Path], rounds: int) -> Fought:
    answer = home / "battle.json"
    shared = ["--rounds", str(rounds), "--json", str(answer)]
    given = ["--data", *map(str, files)]
    command = [SUTDOL, "arena", "battle", *given, *shared] if files else [SUTDOL, "demo", *shared]
    usage = run(command, homes(home))
    battle = json.loads(answer.read_text(encoding="utf-8"))
    verdicts = [one["verdict"]["decision"] for one in battle["rounds"] if one["verdict"]]
    return Fought(
        usage=usage,
        stages={
            stage: sum(laps.get(stage, 0.0) for laps in battle["timing"].values())
            for stage in STAGES
        },
        rounds=len(battle["rounds"]),
        promotions=verdicts.count("promote"),
    )


def homes(home: Path) -> dict[str, str]:
    return {"SUTDOL_HOME": str(home), "SUTDOL_DATABASE_URL": f"sqlite:///{home}/sutdol.db"}


def costs(fought: Sequence[Fought]) -> str:
    """The least of each figure."""
    best = min(fought, key=lambda one: one.usage.wall)
    rows = [
        ["all, wall s", f"{best.usage.wall:.1f}"],
        ["all, CPU s", f"{min(one.usage.cpu for one in fought):.1f}"],
        ["texts and first guard, wall s", f"{best.start:.1f}"],
        *([f"{stage}, wall s", f"{best.stages[stage]:.1f}"] for stage in STAGES),
        ["rounds alone, wall s", f"{sum(best.stages.values()):.1f}"],
        ["peak memory, MB", f"{max(one.usage.peak_mb for one in fought):.0f}"],
        ["rounds / promotions", f"{best.rounds} / {best.promotions}"],
    ]
    target = beside("rounds", sum(best.stages.values()), most=WALL, unit=" s")
    return f"{table(('what', 'figure'), rows)}\n\n{target} (set for ten rounds, two idle cores)."


def serving(home: Path) -> str:
    """Memory and time of a process that answers once, beside bare ones."""
    programs = {
        "open, load, one check": CHECK,
        "import numpy": "import numpy",
        "python -c pass": "pass",
    }
    rows = []
    for name, program in programs.items():
        found = [run([sys.executable, "-c", program], homes(home)) for _ in range(3)]
        peak, cpu = (min(getattr(one, field) for one in found) for field in ("peak_mb", "cpu"))
        rows.append([name, f"{peak:.0f}", f"{1000 * cpu:.0f}"])
    return table(("process", "peak memory MB", "CPU ms"), rows)


def sizes(home: Path) -> str:
    found = sorted(path.stat().st_size / MEGABYTE for path in home.rglob("model.npz"))
    return (
        f"Model files (`model.npz`, one a version): {len(found)}, {found[0]:.2f} to"
        f" {found[-1]:.2f} MB."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", nargs="+", type=Path, default=[], help="labelled texts")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--times", type=int, default=1, help="battles; the least is shown")
    asked = parser.parse_args()
    fought = []
    with TemporaryDirectory() as folder:
        for number in range(asked.times):
            home = Path(folder) / str(number)
            home.mkdir()
            fought.append(fight(home, [path.absolute() for path in asked.data], asked.rounds))
            print(fought[-1], file=sys.stderr, flush=True)
        reigning = home if asked.data else home / "demo"
        serves, files = serving(reigning), sizes(reigning)
    suffix, on = ("-data", "labelled data") if asked.data else ("", "the bundled texts")
    battles = f"{asked.times} battles" if asked.times > 1 else "one battle"
    said = SAID.format(rounds=asked.rounds, battles=battles)
    print(costs(fought), serves, files, sep="\n")
    title = f"A battle of {asked.rounds} rounds on {on}"
    write(f"arena{suffix}", title, said, costs(fought), SERVING, serves, files)


if __name__ == "__main__":
    main()
