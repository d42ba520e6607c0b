"""Charts: what stands in the picture, and that any words and numbers leave it well-formed."""

import math
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.core.chart import DASHES, HEIGHT, WIDTH, Curve, Point, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def point(x: float, value: float, spread: float = 0.0) -> Point:
    return Point(x=x, value=value, low=value - spread, high=value + spread)


def curve(name: str, *values: float) -> Curve:
    return Curve(name=name, points=[point(x, value) for x, value in enumerate(values, 1)])


def drawn(*curves: Curve, title: str = "Quality", **more: object) -> ElementTree.Element:
    marks = more.get("marks", ())
    assert isinstance(marks, tuple)
    return ElementTree.fromstring(line_chart(title, curves, x_label="round", marks=marks))


def words(chart: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in chart.iter(f"{SVG}text")]


def labels(chart: ElementTree.Element) -> list[float]:
    """How high the names of the curves stand."""
    named = [text for text in chart.iter(f"{SVG}text") if "style" in text.attrib]
    return [float(text.attrib["y"]) for text in named]


def test_each_curve_is_named_with_its_last_value() -> None:
    said = words(drawn(curve("seen", 0.5, 0.81), curve("held out", 0.4, 0.64)))
    assert {"seen 81%", "held out 64%", "Quality", "round"} <= set(said)


def test_more_is_higher_and_later_is_further_right() -> None:
    (line,) = drawn(curve("seen", 0.2, 0.9)).iter(f"{SVG}polyline")
    (x1, y1), (x2, y2) = (map(float, at.split(",")) for at in line.attrib["points"].split())
    assert x1 < x2
    assert y1 > y2


def test_the_interval_is_shaded_around_the_line() -> None:
    chart = drawn(Curve(name="seen", points=[point(1, 0.5, 0.1), point(2, 0.6, 0.1)]))
    (band,) = chart.iter(f"{SVG}polygon")
    heights = [float(at.split(",")[1]) for at in band.attrib["points"].split()]
    (line,) = chart.iter(f"{SVG}polyline")
    middle = [float(at.split(",")[1]) for at in line.attrib["points"].split()]
    assert heights[0] < middle[0] < heights[3]
    assert heights[1] < middle[1] < heights[2]
    assert "50.0% [40.0, 60.0]" in "".join(chart.itertext())


def test_curves_differ_without_colour() -> None:
    lines = drawn(*(curve(f"c{n}", 0.1 * n, 0.1 * n) for n in range(7))).iter(f"{SVG}polyline")
    assert [line.attrib["stroke-dasharray"] for line in lines] == list(DASHES)


def test_what_was_not_measured_is_not_drawn() -> None:
    chart = drawn(curve("seen", 0.5, math.nan, 0.7), curve("independent", math.nan, math.nan))
    (line,) = chart.iter(f"{SVG}polyline")
    assert len(line.attrib["points"].split()) == 2
    assert not any("independent" in word for word in words(chart))


@pytest.mark.parametrize("curves", [(), (Curve(name="seen", points=[]),), (curve("seen", 0.5),)])
def test_a_chart_of_little_is_a_chart(curves: tuple[Curve, ...]) -> None:
    assert "Quality" in words(drawn(*curves))


def test_a_mark_stands_where_it_happened() -> None:
    chart = drawn(curve("seen", 0.5, 0.6), marks=((1.5, "promoted"),))
    (mark,) = [line for line in chart.iter(f"{SVG}line") if line.attrib["class"] == "axis"]
    (line,) = chart.iter(f"{SVG}polyline")
    first, last = (float(at.split(",")[0]) for at in line.attrib["points"].split())
    assert first < float(mark.attrib["x1"]) < last
    assert "promoted" in words(chart)


def test_rounds_are_whole_numbers_and_at_most_a_dozen_or_so_are_written() -> None:
    said = words(drawn(curve("seen", *([0.5] * 100))))
    rounds = [word for word in said if word.isdecimal()]
    assert rounds[0] == "1"
    assert len(rounds) <= 13


@pytest.mark.parametrize("value", [0.0, 0.03, 0.5, 1.0])
def test_names_that_would_overlap_are_pushed_apart_within_the_picture(value: float) -> None:
    at = sorted(labels(drawn(*(curve(f"c{n}", value, value) for n in range(7)))))
    assert len(at) == 7
    assert all(below - above >= 15 for above, below in pairwise(at))
    assert at[0] > 0
    assert at[-1] < HEIGHT


def test_it_reads_well_to_those_who_do_not_see_it() -> None:
    chart = drawn(curve("seen", 0.5, 0.6), title="Quality by round")
    assert chart.attrib["role"] == "img"
    assert chart.attrib["aria-label"] == "Quality by round"
    assert chart.attrib["viewBox"] == f"0 0 {WIDTH} {HEIGHT}"


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"])),
    st.lists(st.floats(0, 1) | st.just(math.nan), max_size=5),
)
def test_any_words_and_shares_leave_it_well_formed(name: str, values: list[float]) -> None:
    chart = drawn(curve(name, *values), title=name, marks=((1.0, name),))
    assert chart.attrib["aria-label"] == name
    assert [child.tag for child in chart.iter() if "script" in child.tag] == []


def test_hostile_words_stay_words() -> None:
    hostile = '</text><script>alert("1")</script>'
    chart = drawn(curve(hostile, 0.5), title=hostile, marks=((1.0, hostile),))
    assert not list(chart.iter(f"{SVG}script"))
    assert hostile in words(chart)
