"""Line charts as self-contained SVG: readable on paper, on dark screens, and without colour."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

COMPONENT = Path(__file__).parent / "chart.js"
"""The same as an element of a page: <line-chart>, fed with JSON."""
WIDTH, HEIGHT = 820, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 250, 44, 46
LINE = 17  # between two names of curves
FONT = (
    "system-ui,'Noto Sans KR','Noto Sans CJK KR','Apple SD Gothic Neo','Malgun Gothic',sans-serif"
)
STYLE = (
    "svg{background:#fff}text{fill:#222}.grid{stroke:#ddd}.axis{stroke:#888}"
    "@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#e8e8e8}"
    ".grid{stroke:#333}.axis{stroke:#777}}"
)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#666666")
DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2", "1 4", "12 4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value with its interval; `low` and `high` equal `value` where there is none."""

    x: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    name: str
    points: Sequence[Point]


def line_chart(
    title: str, curves: Sequence[Curve], *, x_label: str, marks: Sequence[tuple[float, str]] = ()
) -> str:
    """Shares between 0 and 1 over x, with shaded intervals; `marks` are upright lines."""
    xs = [point.x for curve in curves for point in curve.points] or [0.0, 1.0]
    frame = _Frame(low=min(xs), high=max(max(xs), min(xs) + 1))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(title)}" font-family="{escape(FONT)}" font-size="13">',
        f"<style>{STYLE}</style><title>{escape(title)}</title>",
        f'<text x="{LEFT}" y="24" font-size="16" font-weight="600">{escape(title)}</text>',
        *_axes(frame, x_label),
        *(_mark(frame, x, name) for x, name in marks),
    ]
    drawn = [curve for curve in curves if any(map(_known, curve.points))]
    for index, curve in enumerate(drawn):
        parts += _curve(frame, curve, index)
    parts += _names(frame, drawn)
    return "".join([*parts, "</svg>\n"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    low: float
    high: float

    def x(self, value: float) -> float:
        return LEFT + (value - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)

    def y(self, share: float) -> float:
        return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _known(point: Point) -> bool:
    return not math.isnan(point.value)


def _axes(frame: _Frame, x_label: str) -> list[str]:
    parts = []
    for percent in range(0, 101, 20):
        y = frame.y(percent / 100)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent}%</text>'
        )
    step = max(1, math.ceil((frame.high - frame.low) / 12))
    ticks = range(math.ceil(frame.low), math.floor(frame.high) + 1, step)
    base = HEIGHT - BOTTOM + 18
    parts += [
        f'<text x="{frame.x(x):.1f}" y="{base}" text-anchor="middle">{x}</text>' for x in ticks
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
    )
    return parts


def _mark(frame: _Frame, x: float, name: str) -> str:
    at = frame.x(x)
    return (
        f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"'
        f' stroke-dasharray="2 4"><title>{escape(name)}</title></line>'
        f'<text x="{at:.1f}" y="{TOP - 6}" text-anchor="middle" font-size="11">'
        f"{escape(name)}</text>"
    )


def _curve(frame: _Frame, curve: Curve, index: int) -> list[str]:
    points = [point for point in curve.points if _known(point)]
    upper = [f"{frame.x(p.x):.1f},{frame.y(p.high):.1f}" for p in points]
    lower = [f"{frame.x(p.x):.1f},{frame.y(p.low):.1f}" for p in reversed(points)]
    line = " ".join(f"{frame.x(p.x):.1f},{frame.y(p.value):.1f}" for p in points)
    colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
    dots = "".join(
        f'<circle cx="{frame.x(p.x):.1f}" cy="{frame.y(p.value):.1f}" r="3" fill="{colour}">'
        f"<title>{escape(curve.name)}: {100 * p.value:.1f}%"
        f" [{100 * p.low:.1f}, {100 * p.high:.1f}]</title></circle>"
        for p in points
    )
    return [
        f'<polygon points="{" ".join(upper + lower)}" fill="{colour}" opacity="0.13"/>',
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"'
        f' stroke-dasharray="{dash}"/>',
        dots,
    ]


def _names(frame: _Frame, curves: Sequence[Curve]) -> list[str]:
    """The name of each curve at its right end, pushed apart where they would overlap."""
    ends = []
    for index, curve in enumerate(curves):
        last = [point for point in curve.points if _known(point)][-1]
        ends.append((frame.y(last.value), index, curve, last))
    ends.sort(key=lambda end: end[0])
    parts = []
    for at, (_, index, curve, last) in zip(_apart([end[0] for end in ends]), ends, strict=True):
        colour = COLOURS[index % len(COLOURS)]
        parts.append(
            f'<text x="{WIDTH - RIGHT + 12}" y="{at + 4:.1f}" style="fill:{colour}">'
            f"{escape(curve.name)} {100 * last.value:.0f}%</text>"
        )
    return parts


def _apart(heights: Sequence[float]) -> list[float]:
    """Ascending heights at least a line apart, none below the picture."""
    places: list[float] = []
    for height in heights:
        places.append(max(height, places[-1] + LINE if places else float(TOP)))
    lowest = HEIGHT - LINE / 2
    for index in reversed(range(len(places))):
        places[index] = min(places[index], lowest)
        lowest = places[index] - LINE
    return places
