"""Charts: what they draw and say, with a mouse, with keys, on a phone and as a file."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open, Window

from sutdol.web import assets

SVG = "{http://www.w3.org/2000/svg}"
SHOW = """async ([path, data]) => {
  const { chart } = await import(path);
  document.querySelector("main").prepend(chart(data));
}"""
UPDATE = "data => { document.querySelector('line-chart').data = data; }"
HOSTILE = '<img src="https://evil.example/x"><script>alert(1)</script>&\u0001'


def point(x: float, value: float | None, spread: float = 0.05) -> dict[str, Any]:
    measured = {"low": value - spread, "high": value + spread} if value is not None else {}
    return {"x": x, "value": value, **measured}


def curve(name: str, *values: float | None) -> dict[str, Any]:
    return {"name": name, "points": [point(x, value) for x, value in enumerate(values, 1)]}


def quality(*curves: dict[str, Any], **more: Any) -> dict[str, Any]:
    frame = {"title": "Quality by round", "x": {"label": "round"}, "y": {"format": "percent"}}
    return {**frame, "curves": list(curves), "marks": [{"x": 1.5, "name": "promoted"}]} | more


SEEN, UNSEEN = curve("seen", 0.5, 0.7, 0.8), curve("held out", 0.2, 0.3, 0.35)


def show(opened: Window, data: dict[str, Any]) -> Page:
    """A page with this chart and nothing else."""
    page = opened.go("/nothing")
    page.evaluate(SHOW, [f"/static/{assets.version()}/charted.js", data])
    return page


def plot(page: Page) -> Locator:
    return page.get_by_role("slider")


def lines(page: Page) -> Locator:
    return page.locator(".plot path.curve")


@on_sqlite
def test_it_draws_lines_intervals_and_marks_and_tells_what_one_points_at(
    site: Site, window: Open
) -> None:
    page = show(window(site), quality(SEEN, UNSEEN))
    expect(lines(page)).to_have_count(2)
    expect(page.locator(".plot path.band")).to_have_count(2)
    assert len({one.get_attribute("stroke-dasharray") for one in lines(page).all()}) == 2
    expect(page.locator(".plot text", has_text="promoted")).to_be_visible()
    expect(page.get_by_role("button", name="seen 80.0 %")).to_be_visible()

    box = plot(page).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    tip = page.locator(".tip")
    expect(tip).to_contain_text("round 2")
    expect(tip.locator("li").first).to_contain_text("70.0 % [65.0, 75.0]")
    expect(page.locator(".cross circle")).to_have_count(2)
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()


@on_sqlite
def test_its_values_are_read_with_the_arrow_keys(site: Site, window: Open) -> None:
    page = show(window(site), quality(SEEN, UNSEEN))
    said = "aria-valuetext"
    page.locator("main").focus()
    page.keyboard.press("Tab")
    expect(plot(page)).to_be_focused()
    expect(plot(page)).to_have_accessible_name("Quality by round")
    expect(plot(page)).to_have_attribute(
        said, "round 3: seen 80.0 %, 75.0 – 85.0; held out 35.0 %, 30.0 – 40.0"
    )
    page.keyboard.press("Home")
    expect(plot(page)).to_have_attribute(said, re.compile("^round 1: seen 50.0 .*; promoted$"))
    page.keyboard.press("ArrowLeft")
    expect(plot(page)).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("ArrowRight")
    expect(plot(page)).to_have_attribute(said, re.compile("^round 2: "))
    expect(page.locator(".tip")).to_contain_text("round 2")
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_be_hidden()
    page.keyboard.press("End")
    expect(plot(page)).to_have_attribute("aria-valuenow", "2")


@on_sqlite
def test_what_one_opened_hid_and_stands_on_stays_when_a_round_is_added(
    site: Site, window: Open
) -> None:
    page = show(window(site), quality(SEEN, UNSEEN, words={"save": "SVG 저장"}))
    button = page.get_by_role("button", name="held out")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(lines(page)).to_have_count(1)

    page.locator("line-chart summary").click()
    table = page.get_by_role("table", name="Quality by round")
    expect(table.get_by_role("row")).to_have_count(4)
    first = [one.strip() for one in table.get_by_role("row").nth(1).inner_text().split("\t")]
    assert first == ["1", "50.0 % [45.0, 55.0]", "20.0 % [15.0, 25.0]", "promoted"]

    button.focus()
    page.evaluate(
        UPDATE, quality(curve("seen", 0.5, 0.7, 0.8, 0.9), curve("held out", 0.2, 0.3, 0.35, 0.4))
    )
    expect(table.get_by_role("row")).to_have_count(5)
    expect(button).to_be_focused()
    expect(lines(page)).to_have_count(1)
    expect(page.get_by_role("button", name="SVG 저장")).to_be_visible()
    page.keyboard.press("Enter")
    expect(lines(page)).to_have_count(2)


@on_sqlite
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_kept_as_a_file_that_needs_nothing_else(
    site: Site, window: Open, tmp_path: Path, dark: bool
) -> None:
    hostile = curve(HOSTILE, 0.1, 0.2)
    page = show(window(site, dark=dark), quality(SEEN, hostile, title=f"Quality {HOSTILE}"))
    with page.expect_download() as kept:
        page.get_by_role("button", name="Download SVG").click()
    assert re.fullmatch(r"[\w-]+\.svg", kept.value.suggested_filename)
    kept.value.save_as(tmp_path / "chart.svg")
    text = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    drawn = ElementTree.fromstring(text)

    said = ["".join(one.itertext()) for one in drawn.iter(f"{SVG}text")]
    assert any(one.startswith("Quality <img") for one in said)
    assert "seen 80.0 %" in said
    for wrong in ("var(", "light-dark", "class=", "url(", "href", "style"):
        assert wrong not in text
    ground = drawn.find(f"{SVG}rect")
    assert ground is not None
    assert ground.attrib["fill"] == ("rgb(27, 29, 32)" if dark else "rgb(255, 255, 255)")
    strokes = {one.get("stroke", "none") for one in drawn.iter(f"{SVG}path")}
    assert all(re.fullmatch(r"rgb\([\d, ]+\)|none", one) for one in strokes)


@on_sqlite
def test_little_is_drawn_too_and_nothing_is_said_to_be_nothing(site: Site, window: Open) -> None:
    opened = window(site)
    page = show(opened, quality(curve("seen", None, None)))
    expect(page.get_by_text("No data yet.")).to_be_visible()
    expect(plot(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Download SVG")).to_have_count(0)

    page.evaluate(UPDATE, quality(curve("seen", 0.5)))
    expect(page.get_by_text("No data yet.")).to_be_hidden()
    expect(page.locator(".plot circle.dot")).to_have_count(1)
    expect(page.locator(".plot line.bar")).to_have_count(1)
    expect(page.locator("line-chart ul button")).to_be_hidden()

    page.evaluate(UPDATE, quality(curve("seen", 0.5, float("nan"), 0.7, 0.8), SEEN | {"name": "b"}))
    expect(lines(page)).to_have_count(2)
    assert (lines(page).first.get_attribute("d") or "").count("L") == 1, "a gap is no line"
    page.locator("line-chart summary").click()
    expect(page.get_by_role("cell", name="–")).to_have_count(2)


@on_sqlite
def test_seven_curves_of_a_hundred_large_numbers_can_be_told_apart(
    site: Site, window: Open
) -> None:
    ticks = [f"2026-{1 + n // 28}-{1 + n % 28}" for n in range(100)]
    many = [
        {
            "name": f"아주 긴 이름을 가진 곡선 가운데 {number}번째 곡선",
            "points": [{"x": x, "value": 1_000_000 + number + x} for x in range(100)],
        }
        for number in range(7)
    ]
    frame = {"x": {"label": "day", "ticks": ticks}, "y": {"format": "number", "label": "tokens"}}
    page = show(window(site), quality(*many, marks=[], **frame))
    boxes = [one.bounding_box() for one in page.locator("line-chart ul button").all()]
    tops = sorted((one["y"], one["height"]) for one in boxes if one)
    assert len(tops) == 7
    assert all(y + height <= below + 0.5 for (y, height), (below, _) in pairwise(tops))
    names = [one.bounding_box() for one in page.locator(".plot text", has_text="2026-").all()]
    spans = [(one["x"], one["x"] + one["width"]) for one in names if one]
    assert 3 <= len(spans) < 30
    assert all(end < begin for (_, end), (begin, _) in pairwise(spans))
    expect(page.locator(".plot text", has_text="1.2M")).to_be_visible()
    expect(page.get_by_role("button", name="1,000,105")).to_be_visible()


@on_sqlite
@pytest.mark.parametrize("phone", [False, True])
def test_it_fits_a_phone_and_axe_finds_nothing(site: Site, window: Open, phone: bool) -> None:
    opened = window(site, phone=phone, strict=False)
    page = show(opened, quality(SEEN, UNSEEN))
    page.locator("line-chart summary").click()
    page.locator("main").focus()
    page.keyboard.press("Tab")
    assert opened.violations() == []
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide == page.evaluate("innerWidth")
    if not phone:
        return
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".tip")).to_be_hidden()  # it would cover what it tells about
    expect(page.locator("line-chart .where").first).to_have_text("round 2")
    expect(page.get_by_role("button", name="seen 70.0 % [65.0, 75.0]")).to_be_visible()
