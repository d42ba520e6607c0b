"""Reports as files: opened from a folder they show their chart, and ask nothing of anybody."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.arena.test_report import VERDICT, battle, figure, one_round
from tests.web.conftest import PHONE, violations

from sutdol.arena import report as of_battle
from sutdol.core.chart import Curve, Point
from sutdol.core.charted import charted
from sutdol.loop import report as of_verdict

Shown = Callable[..., Page]


@pytest.fixture
def shown(chromium: Browser, tmp_path: Path) -> Iterator[Shown]:
    """`shown(html)`: the page opened from a file; what it asks for or complains of is an error."""
    wrong: list[str] = []
    contexts = []

    def start(html: str, **how: Any) -> Page:
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        contexts.append(chromium.new_context(**how))
        page = contexts[-1].new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: wrong.append(one.url) if one.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield start
    for one in contexts:
        one.close()
    assert wrong == []


def battle_page() -> str:
    return of_battle.page(battle(one_round(1, verdict=VERDICT), one_round(2, seen=figure(0.9))))


def verdict_page() -> str:
    rail = {"name": "clean recall", "kind": "proven", "against": "anchor", "state": "passed"}
    alarm = rail | {"name": "language ko", "kind": "alarm"}
    numbers = {"champion": 0.9, "challenger": 0.91, "loss": -0.01, "bound": 0.01, "margin": 0.02}
    primary = {"name": "attacked recall", "test": "sign flip", "p": 0.001, "alpha": 0.01, "n": 1500}
    primary |= {"champion": 0.8, "challenger": 0.85, "effect": 0.05, "low": 0.03, "high": 0.07}
    verdict = VERDICT | {"role": "guard", "champion": "guard-v1", "challenger": "guard-v2"}
    verdict |= {"snapshot": "ba56", "exam": "guard-exam-1"}
    verdict |= {"primary": primary | {"detectable": 0.01, "wanted": 900}}
    verdict |= {"guard_rails": [one | numbers | {"n": 900} for one in (rail, alarm)]}
    summary = {"verdict": verdict, "cases": "c1", "leaks": 0, "made_with": {}, "created": "now"}
    points = [Point(x=n, value=one, low=one, high=one) for n, one in ((1, 0.8), (2, 0.85))]
    curves = [Curve(name="champion", points=points)]
    return of_verdict.page(summary, charted("guard: attacked recall", curves, x_label="look"))


@pytest.mark.parametrize(
    ("page", "first"),
    [(battle_page, "80.0 % [75.0, 85.0]"), (verdict_page, "80.0 %")],
)
@pytest.mark.parametrize("dark", [False, True])
def test_a_report_opened_from_a_file_shows_its_chart_and_asks_for_nothing(
    shown: Shown, page: Callable[[], str], first: str, dark: bool
) -> None:
    opened = shown(page(), color_scheme="dark" if dark else "light")
    expect(opened.locator(".plot path.curve").first).to_be_visible()
    opened.locator("line-chart summary").click()
    row = opened.locator("line-chart tbody tr").first
    expect(row.get_by_role("cell").first).to_have_text(first)
    with opened.expect_download() as kept:
        opened.get_by_role("button", name="Download SVG").click()
    assert kept.value.suggested_filename.endswith(".svg")


@pytest.mark.parametrize("page", [battle_page, verdict_page])
def test_a_report_fits_a_phone_and_axe_finds_nothing(shown: Shown, page: Callable[[], str]) -> None:
    opened = shown(page(), viewport=PHONE, bypass_csp=True)
    for one in opened.locator("summary").all():
        one.click()
    assert violations(opened) == []
    assert opened.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


@pytest.mark.parametrize("page", [battle_page, verdict_page])
def test_without_scripts_a_report_shows_the_picture(shown: Shown, page: Callable[[], str]) -> None:
    opened = shown(page(), java_script_enabled=False)
    expect(opened.locator("noscript svg polyline").first).to_be_visible()


def test_no_other_script_runs_in_a_report(chromium: Browser, tmp_path: Path) -> None:
    path, taken = tmp_path / "report.html", "<script>document.title = 'taken'</script>"
    path.write_text(battle_page().replace("</main>", f"</main>{taken}"), encoding="utf-8")
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(path.as_uri())
        expect(page.locator(".plot")).to_be_visible()
        assert page.title() == "Sutdol · 숫돌: battle 3"
