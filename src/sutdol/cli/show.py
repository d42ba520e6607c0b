"""A battle on the screen: a live table and a curve on a terminal, one line a round elsewhere."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sutdol.cli.output import console, is_terminal, say

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

COLUMNS = ("clean", "seen", "held_out", "adaptive", "fpr_clean", "fpr_twins")
HEADS = ("clean", "seen", "held-out", "adaptive wins", "harmless flagged", "twins flagged")
BARS = " ▁▂▃▄▅▆▇█"
STAGES = {"measure": "measuring", "fight": "fighting", "improve": "learning and judging"}


class Screen:
    """Shows rounds as they come; `stage` tells what is going on between them."""

    def __init__(self, total: int, *, to_stderr: bool) -> None:
        self._total, self._to_stderr = total, to_stderr
        self._rounds: list[dict[str, Any]] = []
        self._stage = ""
        self._live: Any = None

    @contextmanager
    def showing(self) -> Iterator["Screen"]:
        if not is_terminal(to_stderr=self._to_stderr):
            yield self
            return
        from rich.live import Live

        with Live(
            self._table(), console=console(to_stderr=self._to_stderr), refresh_per_second=4
        ) as live:
            self._live = live
            yield self

    def stage(self, name: str) -> None:
        self._stage = STAGES.get(name, name)
        if self._live is not None:
            self._live.update(self._table())

    def round(self, body: dict[str, Any]) -> None:
        self._rounds.append(body)
        if self._live is not None:
            self._stage = ""
            self._live.update(self._table())
        else:
            say(line(body, self._total), to_stderr=self._to_stderr)

    def _table(self) -> "Table | Group":
        from rich.console import Group
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for head in ("round", "guard", *HEADS, "learned", "verdict"):
            table.add_column(head, justify="left" if head in ("guard", "verdict") else "right")
        for one in self._rounds:
            verdict = one["verdict"]["decision"] if one["verdict"] else "-"
            figures = [_share(one[name]) for name in COLUMNS]
            table.add_row(
                f"{one['round']}/{self._total}",
                one["guard"],
                *figures,
                str(one["learned"]),
                f"[bold green]{verdict}[/]" if verdict == "promote" else verdict,
            )
        if not self._stage:
            return table
        return Group(table, f"[dim]round {len(self._rounds) + 1}/{self._total}: {self._stage}…[/]")


def line(body: dict[str, Any], total: int) -> str:
    """A round as one line for machines and logs."""
    shares = {
        "seen": body["seen"],
        "held_out": body["held_out"],
        "adaptive": body["adaptive"],
        "fpr": body["fpr_clean"],
        "twins": body["fpr_twins"],
    }
    told = " ".join(f"{name} {_decimal(figure)}" for name, figure in shares.items())
    verdict = body["verdict"]["decision"] if body["verdict"] else "none"
    return f"round {body['round']}/{total} {told} verdict {verdict}"


def curves(rounds: Sequence[dict[str, Any]], *, to_stderr: bool = False) -> None:
    """The curves in the terminal: one row of bars a measure, from 0 to 100 %."""
    if not rounds or not is_terminal(to_stderr=to_stderr):
        return
    out = sys.stderr if to_stderr else sys.stdout
    width = max(map(len, HEADS))
    for name, head in zip(COLUMNS, HEADS, strict=True):
        values = [one[name]["value"] for one in rounds]
        bars = "".join(" " if v is None else BARS[round(v * (len(BARS) - 1))] for v in values)
        print(f"{head:>{width}} |{bars}| {_share(rounds[-1][name])}", file=out)


def _share(figure: dict[str, Any]) -> str:
    value = figure["value"]
    return "-" if value is None else f"{100 * value:.0f}%"


def _decimal(figure: dict[str, Any]) -> str:
    value = figure["value"]
    return "nan" if value is None else f"{value:.2f}"
