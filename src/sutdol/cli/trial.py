"""The selftest in a home of its own that is thrown away afterwards."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sutdol.cli.output import opened


def trial(
    files: Sequence[Path], *, seed: int, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """What the gate said to each cheat."""
    with (
        TemporaryDirectory(prefix="sutdol-selftest-") as folder,
        opened(home=Path(folder), database_url=f"sqlite:///{folder}/sutdol.db") as sutdol,
    ):
        if files:
            sutdol.take_in(files)
        else:
            progress("no --data: using the bundled texts")
            sutdol.take_in_bundled()
        progress("training a guard and three cheats, and judging them")
        return [
            {
                "cheat": one.cheat,
                "refused": one.refused,
                "decision": one.decision,
                "reason": one.reason,
                "attacked_recall": list(one.attacked_recall),
            }
            for one in sutdol.selftest(seed=seed)
        ]
