"""Pictures of every page: python -m tests.web.gallery http://127.0.0.1:8080 FOLDER

Korean and English, light and dark, desktop and phone, of a server that asks for no key; its newest
battle, versions and chat are shown. Needs Chromium.
"""

import json
import sys
from itertools import product
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
LOCALES = {"en": "en-US", "ko": "ko-KR"}


def main() -> None:
    url, folder = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    found = pages(url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for language, theme, size in product(LOCALES, ("light", "dark"), SIZES):
            pictures(browser, url, found, folder, language=language, theme=theme, size=size)
        browser.close()


def pages(url: str) -> dict[str, str]:
    """Paths by the name of their pictures."""
    versions = asked(f"{url}/api/v1/models/guard/versions?limit=2")
    battles = asked(f"{url}/api/v1/battles?limit=1")
    verdicts = asked(f"{url}/api/v1/verdicts?limit=1")
    chats = asked(f"{url}/api/v1/conversations?limit=1")
    found = {"overview": "/", "arena": "/arena", "models": "/models", "feedback": "/feedback"}
    found |= {"chat": "/chat", "keys": "/keys", "settings": "/settings", "style": "/style"}
    found |= {"nothing": "/nothing", "welcome": "/welcome"}
    if battles and verdicts and chats and len(versions) == 2:
        new, old = (one["version"] for one in versions)
        found["battle"] = f"/arena/{battles[0]['id']}"
        found["version"] = f"/models/guard/{new}"
        found["compare"] = f"/models/guard/compare?a={old}&b={new}"
        found["verdict"] = f"/models/guard/verdicts/{verdicts[0]['id']}"
        found["conversation"] = f"/chat/{chats[0]['id']}"
    return found


def asked(url: str) -> list[dict[str, str]]:
    with urlopen(url) as answer:
        data: list[dict[str, str]] = json.load(answer)["data"]
    return data


def pictures(
    browser: Browser,
    url: str,
    paths: dict[str, str],
    folder: Path,
    *,
    language: str,
    theme: str,
    size: str,
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        locale=LOCALES[language],
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": height},
    )
    page = context.new_page()
    page.on("pageerror", lambda error: print(f"{page.url}: {error}"))
    for name, path in paths.items():
        page.goto(url + path)
        page.wait_for_selector("main:not([aria-busy=true])")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{name}-{language}-{theme}-{size}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    main()
