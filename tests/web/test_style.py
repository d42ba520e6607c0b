"""The style page: it shows every part, and what it shows is fit for everybody."""

import re

import pytest
from playwright.sync_api import expect
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open


@on_sqlite
@pytest.mark.parametrize(
    ("language", "dark", "phone"),
    [("en", False, False), ("ko", True, False), ("ko", False, True), ("en", True, True)],
)
def test_axe_finds_nothing_in_any_part(
    site: Site, window: Open, language: str, dark: bool, phone: bool
) -> None:
    opened = window(site, language=language, dark=dark, phone=phone, strict=False)
    page = opened.go("/style")
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth") == page.evaluate("innerWidth")


@on_sqlite
def test_both_themes_and_both_languages_stand_side_by_side(site: Site, window: Open) -> None:
    page = window(site).go("/style")
    panes = page.locator("#type .pane")
    grounds = [one.evaluate("e => getComputedStyle(e).backgroundColor") for one in panes.all()]
    assert grounds == ["rgb(247, 246, 243)", "rgb(19, 20, 22)"]
    for pane in panes.all():
        expect(pane.locator("h1[lang=en]")).to_have_text("Does the guard get harder to fool?")
        expect(pane.locator("h1[lang=ko]")).to_have_text("가드는 점점 속이기 어려워지는가?")


@on_sqlite
def test_charts_speak_korean(site: Site, window: Open) -> None:
    page = window(site, language="ko").go("/style")
    charts = page.locator("#charts .tall")
    expect(charts.get_by_role("slider", name="라운드별 품질")).to_have_count(2)
    expect(charts.get_by_role("slider").first).to_have_attribute(
        "aria-valuetext", re.compile("^10라운드: 학습한 공격 탐지 95.0 %")
    )
    expect(charts.get_by_role("button", name="SVG 내려받기")).to_have_count(2)


@on_sqlite
def test_what_it_shows_works(site: Site, window: Open) -> None:
    page = window(site).go("/style")
    table = page.get_by_role("region", name="Light").locator("tbody tr")
    expect(table).to_have_count(8)
    page.locator("#tables").get_by_role("button", name="Load more").first.click()
    expect(table).to_have_count(16)
    page.locator("#tables").get_by_label("Filter").first.fill("v11")
    expect(table).to_have_count(1)

    page.get_by_role("button", name="A toast that can be undone").click()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("It is back.")
    asks = page.get_by_role("button", name="A question before something is lost")
    asks.click()
    expect(page.get_by_role("dialog", name="Delete this example?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(asks).to_be_focused()

    dots = page.locator("#charts .tall .plot circle.dot")
    before = dots.count()
    page.get_by_role("button", name="Add a round").click()
    expect(dots).to_have_count(before + 12)
