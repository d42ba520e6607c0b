"""A battle is watched to its end while servers die under the watcher."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.api.conftest import Home
from tests.api.site import Site
from tests.cli.test_up import Running
from tests.databases import on_sqlite
from tests.web.conftest import Open

from sutdol.core.settings import Settings

ROUNDS = 30
LONG = 240_000  # milliseconds for all of them on a busy machine
WATCH = """
    window.seen = [];
    new MutationObserver(() => {
        const line = document.querySelector("#line [data-line]")?.dataset.line;
        if (line && line !== window.seen.at(-1)) window.seen.push(line);
    }).observe(document.querySelector("#line"), { subtree: true, childList: true });
"""


@pytest.fixture
def up(home: Home) -> Iterator[Running]:
    """`sutdol up` with four servers and a worker on the home."""
    told = {
        "SUTDOL_HOME": str(home.folder),
        "DATABASE_URL": home.database_url,
        "SUTDOL_BATTLE__TEXTS": "40",
        "SUTDOL_BATTLE__QUERIES": "5",
        "SUTDOL_BATTLE__TRIGGER": "0",  # none learns: many rounds, of much the same length
    }
    command = [sys.executable, "-m", "sutdol", "up", "--port", "0", "--workers", "4"]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **told},
    ) as process:
        try:
            yield Running(process)
        finally:
            process.terminate()
            process.wait(60)


def holders(up: Running) -> list[int]:
    """The servers that hold a connection to somebody."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    held = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{up.port:04X}")}
    return [one for one in up.servers() if held & sockets(one) - sockets(up.process.pid)]


def sockets(pid: int) -> set[str]:
    found = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.add(os.readlink(one))
    return found


def seen(page: Page) -> list[str]:
    """What was said of the line, one after the other."""
    found: list[str] = page.evaluate("window.seen")
    return found


def cut(page: Page, up: Running) -> None:
    """Kill one server after the other until it was the one that the page hears from."""
    for server in holders(up):
        os.kill(server, signal.SIGKILL)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if "stale" in seen(page):
                return
            page.wait_for_timeout(50)
    raise AssertionError(f"the page heard from none of them: {seen(page)}")


@on_sqlite
def test_no_round_is_lost_or_shown_twice_when_a_server_is_killed(
    home: Home, up: Running, window: Open
) -> None:
    settings = Settings.load(home=home.folder, database_url=home.database_url)
    page = window(Site(port=up.port, settings=settings)).go("/arena")
    page.get_by_label("Rounds").fill(str(ROUNDS))
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/arena/battle-*")
    page.wait_for_selector("#line [data-line=live]")
    page.evaluate(WATCH)
    expect(page.locator("#rounds tbody tr").first).to_be_visible(timeout=LONG)

    cut(page, up)
    expect(page.locator("#line [data-line=over]")).to_have_text("Over", timeout=LONG)

    numbers = page.locator("#rounds tbody th").all_inner_texts()
    assert numbers == [str(number) for number in range(1, ROUNDS + 1)]
    assert seen(page)[-4:] == ["live", "stale", "live", "over"]
    assert any("died" in line for line in up.lines)
