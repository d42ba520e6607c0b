"""A browser before a server of the test: Chromium, watched for whatever goes wrong in it."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from tests.api.conftest import (
    cheap_passwords,
    guarded,
    home,
    locked,
    new_key,
    offence,
    serve,
    site,
    upstream,
)
from tests.api.site import Site
from tests.databases import REQUIRED

__all__ = [
    "cheap_passwords",
    "guarded",
    "home",
    "locked",
    "new_key",
    "offence",
    "serve",
    "site",
    "upstream",
]
FLAGS = [
    "--no-sandbox",  # tests run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
PATIENCE = 20_000  # milliseconds for a busy machine
LOOPS: list[asyncio.AbstractEventLoop] = []
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        why = "Chromium is not installed: apt-get install chromium"
        if REQUIRED:
            pytest.fail(why)
        pytest.skip(why)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        LOOPS.append(asyncio.get_running_loop())
        yield browser
        asyncio._set_running_loop(LOOPS.pop())
        browser.close()


@pytest.fixture(autouse=True)
def loop_of_the_browser() -> Iterator[None]:
    """Its loop counts as running in these tests alone: elsewhere flows would be run on it."""
    if LOOPS:
        asyncio._set_running_loop(LOOPS[0])
    yield
    asyncio._set_running_loop(None)


@dataclass(kw_only=True)
class Window:
    """A page of a server in a browser; `wrong` is what its console and its network said."""

    page: Page
    site: Site
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page and wait until it has what it shows."""
        self.page.goto(f"{self.site.url}{path}")
        self.page.wait_for_selector("main:not([aria-busy=true])")
        return self.page

    def violations(self) -> list[str]:
        return violations(self.page)


def violations(page: Page) -> list[str]:
    """What axe finds, each with the elements it is about."""
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {json.dumps([node['html'] for node in one['nodes']][:4])}"
        for one in found["violations"]
    ]


Open = Callable[..., Window]


@pytest.fixture
def window(chromium: Browser) -> Iterator[Open]:
    """`window(site, language="ko")` opens a browser; at the end nothing may have gone wrong in it.

    Errors of scripts, violations of the policy, and requests that leave the host.
    """
    opened: list[Window] = []
    with ExitStack() as stack:

        def start(
            site: Site,
            *,
            language: str = "en",
            dark: bool = False,
            phone: bool = False,
            strict: bool = True,
            cookie: str = "",
        ) -> Window:
            context = chromium.new_context(
                locale={"en": "en-US", "ko": "ko-KR"}[language],
                color_scheme="dark" if dark else "light",
                viewport=PHONE if phone else DESKTOP,
                bypass_csp=not strict,  # axe is put into the page, which the policy forbids
                timezone_id="Asia/Seoul",
            )
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            if cookie:
                name, _, value = cookie.partition("=")
                context.add_cookies([{"name": name, "value": value, "url": site.url}])
            made = Window(page=context.new_page(), site=site)
            _watch(made)
            opened.append(made)
            return made

        yield start
        for one in opened:
            assert not one.wrong, one.wrong


def _watch(window: Window) -> None:
    page, wrong = window.page, window.wrong

    def said(kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text:  # a status the page tells
            wrong.append(text)

    page.on("console", lambda message: said(message.type, message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda one: (
            None
            if one.url.startswith((window.site.url, "data:", "blob:"))
            else wrong.append(f"asked {one.url}")
        ),
    )


def tab_to(page: Page, wanted: Locator) -> None:
    """Reach it as somebody does who has no mouse."""
    for _ in range(60):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} cannot be reached by keyboard")
