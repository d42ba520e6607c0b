"""Charts in pages that stand alone: what is embedded, and that no word of it becomes markup."""

import json
import math
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from sutdol import web
from sutdol.core.chart import COMPONENT, Curve, Point, line_chart
from sutdol.core.charted import STYLE, Charted, charted

TOKEN = re.compile(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)")
HOSTILE = "</script><script>alert('x')</script><!--"


class Tags(HTMLParser):
    """The names of all elements, and what stands in scripts."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.scripts: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        if self.names and self.names[-1] == "script":
            self.scripts.append(data)


def made(name: str = "seen", *values: float) -> Charted:
    points = [Point(x=x, value=one, low=one, high=one) for x, one in enumerate(values or (0.5,))]
    return charted(name, [Curve(name=name, points=points)], x_label="round", marks=[(1.5, name)])


def data(chart: Charted) -> Any:
    return json.loads(Tags(chart.element).scripts[0])


def test_the_element_carries_what_the_picture_shows() -> None:
    told = data(made("seen", 0.5, math.nan))
    assert told["curves"][0]["points"] == [
        {"x": 0, "value": 0.5, "low": 0.5, "high": 0.5},
        {"x": 1, "value": None, "low": None, "high": None},
    ]
    assert told["marks"] == [{"x": 1.5, "name": "seen"}]
    assert told["x"]["label"] == "round"


def test_where_no_script_runs_the_picture_stands_there() -> None:
    point = Point(x=1, value=0.5, low=0.4, high=0.6)
    curves = [Curve(name="seen", points=[point])]
    chart = charted("Quality", curves, x_label="round")
    picture = line_chart("Quality", curves, x_label="round")
    assert f"<noscript>{picture}</noscript>" in chart.element


def test_hostile_words_stay_words() -> None:
    chart = made(HOSTILE)
    assert data(chart)["curves"][0]["name"] == HOSTILE
    assert Tags(chart.element).names.count("script") == 1


def test_the_policy_lets_this_script_run_and_no_other() -> None:
    chart = made()
    (source,) = Tags(chart.script).scripts
    hashed = b64encode(sha256(source.encode()).digest()).decode()
    assert f"script-src 'sha256-{hashed}'" in chart.policy
    assert chart.policy.startswith("default-src 'none'; ")


def test_the_component_asks_for_nothing_and_writes_no_markup() -> None:
    source = made().script
    asks = r"\bimport\b|\bfetch\(|XMLHttp|WebSocket|innerHTML|outerHTML|insertAdj|document\.write"
    assert not re.search(asks, source)
    assert set(re.findall(r"https?://[^\s\"'`]+", source)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in made().style


def tokens(path: Path) -> dict[str, tuple[str, str]]:
    """Colours by name, in light and in dark."""
    return {name: (one, two) for name, one, two in TOKEN.findall(path.read_text(encoding="utf-8"))}


def brightness(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_curve_stands_out_from_light_and_dark_cards() -> None:
    cards, curves = tokens(STYLE)["card"], tokens(COMPONENT)
    assert len(curves) == 7
    for colours in curves.values():
        for ground, colour in zip(cards, colours, strict=True):
            dark, light = sorted((brightness(ground), brightness(colour)))
            assert (light + 0.05) / (dark + 0.05) >= 3, colour


def test_reports_have_the_colours_of_the_pages() -> None:
    pages = tokens(Path(web.__file__).parent / "static" / "base.css")
    reports = tokens(STYLE)
    assert len(reports) > 10
    assert reports == {name: pages[name] for name in reports}
