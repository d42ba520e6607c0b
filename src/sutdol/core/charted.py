"""A chart in a page that stands alone: the element, its script, and what may run there."""

import json
import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sutdol.core.chart import COMPONENT, Curve, line_chart

STYLE = Path(__file__).parent / "report.css"
WORDS = {
    "none": "No data yet. · 아직 데이터가 없습니다.",
    "table": "Table · 표",
    "save": "Download SVG · SVG 내려받기",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Charted:
    """Markup to be put into a page as it is, at its place and at the end."""

    element: str
    script: str
    style: str
    policy: str
    """What a content security policy lets run: this script, and no other."""


def charted(
    title: str, curves: Sequence[Curve], *, x_label: str, marks: Sequence[tuple[float, str]] = ()
) -> Charted:
    """The chart of shares that `line_chart` draws, which stands there where no script runs."""
    data = {
        "title": title,
        "x": {"label": x_label},
        "y": {"format": "percent"},
        "curves": [{"name": one.name, "points": _points(one)} for one in curves],
        "marks": [{"x": x, "name": name} for x, name in marks],
        "words": WORDS,
    }
    told = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    picture = line_chart(title, curves, x_label=x_label, marks=marks)
    source = COMPONENT.read_text(encoding="utf-8").replace("</", "<\\/")
    hashed = b64encode(sha256(source.encode()).digest()).decode()
    return Charted(
        element=f'<line-chart><script type="application/json">{told}</script></line-chart>\n'
        f"<noscript>{picture}</noscript>",
        script=f'<script type="module">{source}</script>',
        style=f"<style>{STYLE.read_text(encoding='utf-8')}</style>",
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'",
    )


def _points(curve: Curve) -> list[dict[str, Any]]:
    shown = ("value", "low", "high")
    return [
        {"x": point.x} | {name: _share(getattr(point, name)) for name in shown}
        for point in curve.points
    ]


def _share(value: float) -> float | None:
    return None if math.isnan(value) else value
