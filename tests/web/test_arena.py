"""The arena and a battle: started, watched, cut off, stopped, gone on with, and read."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.api.conftest import Home, Serve
from tests.api.people import cookie, new_user, signs_in
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open, tab_to
from tests.web.fights import on_record, round_of
from tests.web.worker import working

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.storage import versions

SMALL = {"texts": 8, "queries": 5, "trigger": 0.0}  # so that it fights and does not learn
THREE = [
    round_of(1, decision="promote"),
    round_of(2, gain=0.41, decision="inconclusive"),
    round_of(3, gain=0.41, decision="promote"),
]

WATCH = """
    window.seen = [];
    new MutationObserver(() => window.seen.push([
        document.querySelectorAll("#rounds tbody tr").length,
        document.querySelector("#step").innerText,
    ])).observe(document.querySelector("main"), { subtree: true, childList: true });
"""

pytestmark = on_sqlite


@pytest.fixture
def sutdol(home: Home) -> Iterator[Sutdol]:
    """The same home, as a worker has it open."""
    settings = Settings.load(home=home.folder, database_url=home.database_url, battle=SMALL)
    with Sutdol.open(settings) as opened:
        yield opened


def rounds(page: Page) -> list[str]:
    return page.locator("#rounds tbody th").all_inner_texts()


def test_a_battle_is_started_by_keyboard_alone_and_watched_to_its_end(
    serve: Serve, sutdol: Sutdol, window: Open
) -> None:
    site = serve(battle=SMALL)
    page = window(site).go("/arena")
    expect(page.get_by_role("heading", name="No battle yet")).to_be_visible()
    tab_to(page, page.get_by_label("Rounds"))
    page.keyboard.type("60")
    tab_to(page, page.get_by_label("Attack strategy"))
    page.keyboard.press("A")  # adaptive
    expect(page.locator("#strategy-told")).to_contain_text("A search alone")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.wait_for_url("**/arena/battle-*")
    expect(page.locator("#why")).to_have_text("A worker takes it in a moment.")
    expect(page.locator("#why")).to_contain_text("No worker takes it")
    expect(page.locator("#line")).to_contain_text("waiting")
    page.evaluate(WATCH)
    with working(sutdol):
        expect(page.locator("#line [data-line=over]")).to_have_text("Over")
    assert rounds(page) == [str(number) for number in range(1, 61)]
    seen = page.evaluate("window.seen")
    assert any(0 < count < 60 for count, _ in seen), "rounds are shown as they come"
    assert any(re.match(r"Round \d+ of 60", step) for _, step in seen), seen
    expect(page.get_by_role("heading", level=1)).to_have_text("Battle 1")
    expect(page.locator("line-chart")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    shown = site.get("/api/v1/battles/1").json
    assert shown["settings"]["attack_strategy"] == "adaptive"
    assert shown["last"]["rounds"] == 60


def test_a_line_that_is_cut_is_said_and_comes_back_by_itself(
    serve: Serve, sutdol: Sutdol, window: Open
) -> None:
    site = serve(battle=SMALL)
    flow = site.post("/api/v1/battles", {"rounds": 40}).json["id"]
    page = window(site).go(f"/arena/{flow}")
    with working(sutdol):
        page.wait_for_selector("#rounds tbody tr")
        page.context.set_offline(True)
        expect(page.locator("#line")).to_contain_text("Reconnecting: what you see may be old")
        while site.get(f"/api/v1/battles/{flow}").json["state"] != "done":
            time.sleep(0.05)
        page.context.set_offline(False)
        expect(page.locator("#line [data-line=over]")).to_have_text("Over")
    assert rounds(page) == [str(number) for number in range(1, 41)]


def test_stopping_asks_first_and_what_was_stopped_goes_on(site: Site, window: Open) -> None:
    flow = site.post("/api/v1/battles", {"rounds": 3}).json["id"]
    page = window(site).go(f"/arena/{flow}")
    stop = page.get_by_role("button", name="Stop", exact=True)
    tab_to(page, stop)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("What the finished rounds did stays")
    page.keyboard.press("Escape")
    expect(stop).to_be_focused()
    assert site.get(f"/api/v1/battles/{flow}").json["state"] == "waiting"

    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop the battle").click()
    expect(page.locator("#line")).to_contain_text("cancelled")
    expect(page.locator("#why")).to_contain_text("It was stopped")
    assert site.get(f"/api/v1/battles/{flow}").json["state"] == "cancelled"
    resume = page.get_by_role("button", name="Resume")
    tab_to(page, resume)
    page.keyboard.press("Enter")
    expect(page.locator("#line")).to_contain_text("waiting")
    expect(stop).to_be_focused()
    assert page.url.endswith(f"/arena/{flow}")


def test_a_battle_whose_flow_is_lost_goes_on_under_a_new_id(
    site: Site, sutdol: Sutdol, window: Open
) -> None:
    with sutdol.db.read() as tx:
        texts = versions.get(tx, "guard-v1").snapshot
    number = on_record(sutdol, THREE[:2], flow="battle-gone", state="running", texts=texts)
    page = window(site).go(f"/arena/{number}")
    expect(page.locator("#line")).to_contain_text("interrupted")
    page.get_by_role("button", name="Resume").click()
    page.wait_for_url("**/arena/battle-*")
    assert "battle-gone" not in page.url
    expect(page.locator("#step")).to_contain_text("Round 3 of 3 waits")
    assert rounds(page) == ["1", "2"]


def test_a_finished_battle_tells_what_got_better_and_what_got_worse(
    site: Site, sutdol: Sutdol, window: Open
) -> None:
    page = window(site).go(f"/arena/{on_record(sutdol, THREE)}")

    expect(page.locator("#summary")).to_have_text(
        "Better: seen attacks caught 40.0 % → 81.0 %, never-trained attacks caught 21.0 % → 62.0 %,"
        " adaptive attacker gets through 75.0 % → 34.0 %."
        " Worse: harmless texts flagged 5.0 % → 9.1 %."
        " As before: attacked harmless texts flagged 6.0 %."
    )
    worse = page.locator("#outcome .stat").filter(has_text="Harmless texts flagged").first
    expect(worse).to_contain_text("+4.1 worse")
    expect(worse).to_contain_text("n 427")
    row = page.locator('[data-round="2"]')
    expect(row.get_by_role("link", name="guard-v1")).to_have_attribute(
        "href", "/models/guard/guard-v1"
    )
    verdict = "/models/guard/verdicts/guard-000000000002"
    expect(row.get_by_role("link", name="inconclusive")).to_have_attribute("href", verdict)
    expect(row).to_contain_text("[77.0, 84.0]")
    expect(page.locator("#rounds thead")).to_contain_text("n 427")
    families = page.locator("#families tbody tr")
    expect(families.nth(0)).to_contain_text("choseong")
    expect(families.nth(0)).to_contain_text("resists")
    expect(families.nth(1)).to_contain_text("learned")
    expect(families.nth(2)).to_contain_text("never trained: English")
    expect(families.nth(2)).to_contain_text("partly covered by code")
    expect(page.locator("#verdicts li")).to_have_count(3)
    expect(page.locator("#unmeasured")).to_contain_text("is measured by the next battle")
    expect(page.locator("#settings")).to_contain_text("900")

    page.get_by_role("link", name="Start another like it").click()
    expect(page.get_by_label("Rounds")).to_have_value("3")
    expect(page.get_by_label("Attack strategy")).to_have_value("mixed")
    expect(page.get_by_label("Seed")).to_have_value("3")
    expect(page.get_by_label("Texts per round and language")).to_have_value("8")


def test_a_user_watches_and_starts_nothing(locked: Site, sutdol: Sutdol, window: Open) -> None:
    new_user(locked, "kim", "user")
    signed_in = cookie(signs_in(locked, "kim"))
    page = window(locked, cookie=signed_in).go("/arena")
    expect(page.get_by_text("An operator can start one.")).to_be_visible()
    expect(page.locator("#start")).to_be_hidden()

    number = on_record(sutdol, THREE[:1], state="cancelled")
    page = window(locked, cookie=signed_in).go(f"/arena/{number}")
    expect(page.locator("#line")).to_contain_text("cancelled")
    expect(page.get_by_role("link", name="JSON")).to_be_visible()
    for name in ("Stop", "Resume"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_role("link", name="Start another")).to_have_count(0)


def test_what_cannot_be_fought_is_said_beside_the_form(site: Site, window: Open) -> None:
    page = window(site).go("/arena?rounds=101&attack_strategy=typos")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Rounds:")
    page.get_by_label("Rounds").fill("3")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Did you mean 'typo'?")
    missing = window(site).go("/arena/77")
    expect(missing.locator("#about")).to_contain_text("No battle named '77'")
    expect(missing.get_by_role("link", name="All battles")).to_be_visible()


@pytest.mark.parametrize("look", [{}, {"language": "ko", "dark": True}, {"phone": True}])
def test_everybody_can_read_both_pages(
    site: Site, sutdol: Sutdol, window: Open, look: dict[str, object]
) -> None:
    number = on_record(sutdol, THREE)
    site.post("/api/v1/battles", {"rounds": 3})
    for path in ("/arena", f"/arena/{number}"):
        opened = window(site, strict=False, **look)
        page = opened.go(path)
        for one in page.locator("details").all():
            one.evaluate("details => { details.open = true; }")
        assert opened.violations() == []
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path
        if look.get("language") == "ko":
            told = page.locator("main").inner_text()
            assert "학습한 공격 탐지" in told
            assert not re.search(r"\b(caught|flagged|rounds)\b", told), told


def test_a_hundred_battles_come_page_by_page(site: Site, sutdol: Sutdol, window: Open) -> None:
    ten = [round_of(number, gain=number / 30) for number in range(1, 11)]
    for number in range(100):
        on_record(sutdol, ten, flow=f"battle-{number}", ago=timedelta(hours=number))
    page = window(site).go("/arena")
    row = page.locator("#battles tbody tr")
    expect(row).to_have_count(20)
    expect(row.first).to_contain_text("73.3 %")
    page.get_by_role("button", name="Load more").click()
    expect(row).to_have_count(40)
    page.get_by_role("button", name="Started").click()
    expect(row.first).to_contain_text("Battle 40")


def test_battles_under_way_stand_on_top_and_stay_up_to_date(
    serve: Serve, sutdol: Sutdol, window: Open
) -> None:
    site = serve(battle=SMALL)
    on_record(sutdol, THREE, ago=timedelta(minutes=1))
    page = window(site).go("/arena")
    expect(page.locator("#going")).to_be_hidden()
    site.post("/api/v1/battles", {"rounds": 1})
    page.reload()
    expect(page.locator("#going")).to_contain_text("waiting")
    page.locator("#battles tbody a").nth(1).focus()
    with working(sutdol):
        expect(page.locator("#battles tbody tr").first).to_contain_text("1 / 1")
        expect(page.locator("#going")).to_be_hidden()
    expect(page.locator("#battles tbody a").nth(1)).to_be_focused()
