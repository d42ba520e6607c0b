"""What holds for every page of a home that is full: nobody is kept out, nothing leaves the host."""

import re

import pytest
from playwright.sync_api import Page
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open
from tests.web.filled import CONVERSATIONS, fill

from sutdol.app import Sutdol
from sutdol.web import pages

MOST = 60_000  # bytes of a first load
PATHS = {
    "/": "/",
    "/arena": "/arena",
    "/arena/{battle}": "/arena/1100",
    "/models": "/models",
    "/models/{role}/verdicts/{verdict}": "/models/guard/verdicts/guard-filled00050",
    "/models/{role}/compare": "/models/guard/compare?a=guard-v45&b=guard-v50",
    "/models/{role}/{version}": "/models/guard/guard-v50",
    "/feedback": "/feedback",
    "/chat": "/chat",
    "/chat/{conversation}": f"/chat/conv_{CONVERSATIONS - 1:032x}",
    "/keys": "/keys",
    "/settings": "/settings",
    "/style": "/style",
    "/welcome": "/welcome",
    "/sign-in": "/sign-in",
}
"""An example of every page by its route."""
NO_PAGES = ("/static/{version}/{name:path}", "/favicon.ico")


@pytest.fixture
def full(site: Site) -> Site:
    with Sutdol.open(site.settings) as sutdol:
        fill(sutdol)
    return site


def test_there_is_an_example_of_every_page() -> None:
    routes = {getattr(one, "path", "") for one in pages.router.routes}
    assert routes == {*PATHS, *NO_PAGES}


@on_sqlite
@pytest.mark.parametrize(
    "how",
    [
        {"language": "en"},
        {"language": "ko", "dark": True},
        {"language": "ko", "phone": True},
        {"language": "en", "dark": True, "phone": True},
    ],
    ids=["english", "korean dark", "korean phone", "english dark phone"],
)
def test_nobody_is_kept_out_of_any_page(full: Site, window: Open, how: dict[str, object]) -> None:
    opened, found = window(full, strict=False, **how), {}
    for path in PATHS.values():
        page = opened.go(path)
        page.wait_for_load_state("networkidle")
        wrong = [*opened.violations(), *shape(page)]
        if how["language"] == "ko":
            wrong += untranslated(page)
        if wrong:
            found[path] = wrong
    assert found == {}


def shape(page: Page) -> list[str]:
    """One heading of the first level, a title, and nothing wider than the screen."""
    found = []
    if page.locator("h1").count() != 1 and "/style" not in page.url:  # which shows some
        found.append(f"{page.locator('h1').count()} headings of the first level")
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("scrolls sideways")
    if not re.fullmatch(r".+ · Sutdol", page.title()):
        found.append(f"is called {page.title()!r}")
    return found


def untranslated(page: Page) -> list[str]:
    """Buttons, headings and labels of a Korean page that are English sentences."""
    texts: list[str] = page.evaluate(
        """[...document.querySelectorAll("h1, h2, h3, label, legend, th, dt, summary"),
            ...document.querySelectorAll("button:not([lang], :has(*))")]
          .filter((one) => !one.closest("[lang=en], code, pre") && !one.querySelector("code"))
          .map((one) => one.textContent.trim())"""
    )
    return [one for one in texts if re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", one)]


@on_sqlite
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_first_load_is_small_and_stays_in_the_house(
    full: Site, window: Open, language: str
) -> None:
    """The policy is in force here: a violation of it is an error in the console."""
    for path in PATHS.values():
        opened = window(full, language=language)
        network = opened.page.context.new_cdp_session(opened.page)
        network.send("Network.enable")
        sizes: list[float] = []
        network.on(
            "Network.loadingFinished", lambda told, to=sizes: to.append(told["encodedDataLength"])
        )
        opened.go(path)
        opened.page.wait_for_load_state("networkidle")
        assert 5_000 < sum(sizes) <= MOST, (path, sum(sizes))
        opened.page.context.close()
