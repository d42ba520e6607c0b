"""A battle as a picture and a page: the curves by round, what it cost, what resists."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sutdol.arena.families import HELD_OUT, covered, held_out
from sutdol.core.chart import Curve, Point, line_chart
from sutdol.core.charted import charted

CAUGHT = (
    ("seen", "caught: seen attacks"),
    ("held_out", "caught: never trained"),
    ("independent", "caught: independent"),
    ("adaptive", "adaptive attacker wins"),
)
TITLE = "Quality by round"
FALSE = (("fpr_clean", "harmless flagged"), ("fpr_twins", "attacked harmless flagged"))


def curve(rounds: Sequence[Mapping[str, Any]], *, title: str = TITLE) -> str:
    """The four curves and the false positives, with 95 % intervals, as SVG."""
    return line_chart(title, _curves(rounds), x_label="round", marks=_promoted(rounds))


def _curves(rounds: Sequence[Mapping[str, Any]]) -> list[Curve]:
    return [Curve(name=name, points=_points(rounds, key)) for key, name in (*CAUGHT, *FALSE)]


def _promoted(rounds: Sequence[Mapping[str, Any]]) -> list[tuple[float, str]]:
    return [
        (one["round"] + 0.5, "promoted")
        for one in rounds
        if one["verdict"] and one["verdict"]["decision"] == "promote"
    ]


def _points(rounds: Sequence[Mapping[str, Any]], key: str) -> list[Point]:
    return [
        Point(
            x=one["round"],
            value=_number(one[key], "value"),
            low=_number(one[key], "low"),
            high=_number(one[key], "high"),
        )
        for one in rounds
    ]


def _number(figure: Mapping[str, Any] | None, name: str) -> float:
    value = figure[name] if figure else None
    return math.nan if value is None else float(value)


def page(battle: Mapping[str, Any]) -> str:
    """A self-contained page: nothing loaded from elsewhere, and only the chart's script may run."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("sutdol.arena", "templates"), autoescape=True)
    rounds = battle["rounds"]
    chart = charted(TITLE, _curves(rounds), x_label="round", marks=_promoted(rounds))
    families = [
        {
            "name": name,
            "first": rounds[0][kind].get(name),
            "last": figure,
            "how": _how(name, trained=kind == "families"),
            "resists": kind == "families" and name in rounds[-1]["resists"],
        }
        for kind in ("families", "families_held_out")
        for name, figure in (rounds[-1][kind] if rounds else {}).items()
    ]
    return environment.get_template("battle.html").render(
        battle=battle, rounds=rounds, chart=chart, families=families
    )


def _how(family: str, *, trained: bool) -> str:
    """What its figure shows: a view of the normaliser, training, or what carries over untrained."""
    shown = [covered(family)] if covered(family) else []
    if not trained:
        never = [language for language in HELD_OUT if held_out(family, language)]
        shown.append(f"never trained ({', '.join(never)})")
    return ", ".join(shown) or "learned"
