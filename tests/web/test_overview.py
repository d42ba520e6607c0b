"""The overview: the way to the first battle, then where everything stands."""

import pytest
from playwright.sync_api import expect
from tests.api.conftest import Serve
from tests.api.people import cookie, new_user, signs_in
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open
from tests.web.fights import on_record, round_of
from tests.web.worker import working

from sutdol.app import Sutdol

SMALL = {"texts": 8, "queries": 5, "trigger": 0.0}  # so that it fights and does not learn


@on_sqlite
def test_the_first_battle_is_one_key_away_and_its_curve_grows(serve: Serve, window: Open) -> None:
    site = serve(battle=SMALL)
    with Sutdol.open(site.settings) as sutdol:
        page = window(site).go("/")
        begin = page.get_by_role("button", name="Start the first battle")
        expect(page.locator('[data-step="guard"]')).to_contain_text("is there")
        begin.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("0 of 10 rounds")).to_be_visible()
        with working(sutdol):
            expect(page.locator("line-chart")).to_contain_text("seen attacks caught")
            expect(page.get_by_text("It is yours: below.")).to_be_visible(timeout=60_000)
            expect(page.get_by_text("10 of 10 rounds")).to_be_visible()


@on_sqlite
def test_without_a_guard_it_says_who_trains_one_and_begins_when_there_is_one(
    site: Site, window: Open
) -> None:
    with Sutdol.open(site.settings) as sutdol:
        with sutdol.db.write() as tx:
            (version,) = tx.exec_driver_sql("SELECT version FROM alias").scalars()
            tx.exec_driver_sql("DELETE FROM alias")
        page = window(site).go("/")
        step = page.locator('[data-step="guard"]')
        expect(step).to_contain_text("nobody is training one")
        page.get_by_role("button", name="Start the first battle").click()
        expect(page.get_by_text("begins by itself as soon as there is a guard")).to_be_visible()

        with sutdol.db.write() as tx:
            tx.exec_driver_sql(
                f"INSERT INTO alias (role, name, version) VALUES ('guard', 'champion', '{version}')"
            )
        expect(step).to_contain_text("is there")
        expect(page.get_by_text("0 of 10 rounds")).to_be_visible()


@on_sqlite
def test_who_may_start_no_battle_is_shown_no_button(locked: Site, window: Open) -> None:
    new_user(locked, "kim", "user")
    page = window(locked, cookie=cookie(signs_in(locked, "kim"))).go("/")
    expect(page.get_by_role("heading", name="Sharpen your first guard")).to_be_visible()
    expect(page.get_by_role("button", name="Start the first battle")).to_be_hidden()


@on_sqlite
@pytest.mark.parametrize(
    "how", [{}, {"language": "ko", "dark": True}, {"phone": True, "language": "ko"}, {"dark": True}]
)
def test_it_shows_what_got_better_and_what_got_worse(
    site: Site, window: Open, how: dict[str, object]
) -> None:
    with Sutdol.open(site.settings) as sutdol:
        on_record(sutdol, [round_of(1), round_of(2, gain=0.2, decision="promote")])
    opened = window(site, strict=False, **how)
    page = opened.go("/")
    expect(page.locator("#battle-summary")).to_contain_text("60.0 %")
    better = "나아짐" if how.get("language") == "ko" else "Better"
    expect(page.locator("#battle-summary")).to_contain_text(better)
    expect(page.locator("#figures")).to_contain_text("guard-v1")
    assert opened.violations() == []
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "nothing may scroll sideways"
