"""Keys and usage in the browser: made, shown once, revoked; and what was asked for."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.api.people import cookie, new_user, signs_in
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open, Window

from sutdol.core.caller import SCOPES, UserRole
from sutdol.web import words

KEYS = "/api/v1/keys"
NewKeys = Callable[..., str]
CHAT = "/v1/chat/completions"
HELLO = {"model": "fake", "messages": [{"role": "user", "content": "good morning"}]}


def signed_in(
    site: Site, window: Open, name: str, role: UserRole = "user", **how: object
) -> Window:
    new_user(site, name, role)
    return window(site, cookie=cookie(signs_in(site, name)), **how)


def tab_to(page: Page, wanted: Locator) -> None:
    """Go on by keyboard until it has the focus."""
    for _ in range(60):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way by keyboard to {wanted}")


def key_of(page: Page) -> str:
    return page.get_by_label("The key", exact=True).input_value()


@on_sqlite
def test_a_key_is_made_by_keyboard_and_shown_once(locked: Site, window: Open) -> None:
    opened = signed_in(locked, window, "kim")
    page = opened.go("/keys")
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()

    tab_to(page, page.get_by_role("button", name="New key").first)
    page.keyboard.press("Enter")
    page.keyboard.type("ci")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your new key “ci”")).to_be_focused()
    key, example = key_of(page), page.locator(".snippet pre")
    assert locked.post(CHAT, HELLO, key=key).status == 200
    expect(example).to_contain_text(f"Authorization: Bearer {key}")
    expect(example).to_contain_text('"model":"fake"')
    tab_to(page, page.get_by_role("button", name="Python"))
    page.keyboard.press("Enter")
    expect(example).to_have_text(re.compile(rf'\n    base_url="{locked.url}/v1",\n'))
    tab_to(page, page.get_by_role("button", name="I have kept it"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="New key")).to_be_focused()
    expect(page.get_by_role("row", name=re.compile("^ci"))).to_be_visible()
    assert key not in page.content()


@on_sqlite
def test_a_key_is_revoked_by_keyboard_for_good(
    locked: Site, window: Open, new_key: NewKeys
) -> None:
    page = signed_in(locked, window, "kim").go("/keys")
    key = new_key("kim")
    assert locked.post(CHAT, HELLO, key=key).status == 200
    page.reload()

    revoke = page.get_by_role("button", name="Revoke kim's")
    expect(revoke).to_be_visible()
    tab_to(page, revoke)
    page.keyboard.press("Enter")
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("This is for good")
    expect(asked).to_contain_text("it was shown with 1 request.")
    expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
    tab_to(page, asked.get_by_role("button", name="Revoke"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("“kim's” is revoked.")).to_be_visible()
    assert locked.get("/api/v1/me", key=key).status == 401
    expect(revoke).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body"), "the focus is lost"
    page.get_by_label("Show revoked and expired too (1)").check()
    expect(page.get_by_role("row", name=re.compile("^kim's.*revoked"))).to_be_visible()


@on_sqlite
def test_a_key_gets_the_limits_that_were_chosen(locked: Site, window: Open) -> None:
    lee = new_user(locked, "lee")
    page = signed_in(locked, window, "root2", "admin").go("/keys")
    page.get_by_role("button", name="New key").click()
    asked = page.get_by_role("dialog")
    expect(asked.get_by_label("Role").locator("option")).to_have_count(4)
    asked.get_by_label("For whom").select_option("lee")
    expect(asked.get_by_label("Role").locator("option")).to_have_count(1)  # no more than lee
    asked.get_by_label("Name").fill("widget")
    asked.get_by_label("All that its role may").uncheck()
    asked.get_by_role("button", name="Make the key").click()
    expect(asked.get_by_role("alert")).to_have_text("Tick at least one thing that it may do.")
    asked.get_by_label("chat").check()
    asked.get_by_label("Models", exact=True).fill("fake gpt-*, other")
    asked.get_by_text("Limits").click()
    asked.get_by_label("Requests a minute").fill("60")
    asked.get_by_label("Tokens a day").fill("1000000")
    asked.get_by_label("Ends").select_option("in 30 days")
    asked.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="Your new key “widget”")).to_be_visible()

    made = next(one for one in locked.get(KEYS).json["data"] if one["name"] == "widget")
    assert (made["user"], made["role"], made["scopes"]) == (lee.id, "user", ["chat"])
    assert made["models"] == ["fake", "gpt-*", "other"]
    assert (made["rpm"], made["tpm"], made["daily_tokens"]) == (60, None, 1_000_000)
    assert made["expires_at"] > made["created_at"]
    assert locked.get("/v1/models", key=key_of(page)).status == 200
    row = page.get_by_role("row", name=re.compile("^widget"))
    expect(row).to_contain_text("60 requests/min")
    expect(row).to_contain_text("lee")


@on_sqlite
def test_a_user_sees_his_own_keys_and_makes_none_for_others(locked: Site, window: Open) -> None:
    page = signed_in(locked, window, "kim").go("/keys")  # the key of root is there
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    page.get_by_role("button", name="New key").first.click()
    expect(page.get_by_label("For whom")).to_have_count(0)
    expect(page.get_by_label("Role").locator("option")).to_have_count(1)


@on_sqlite
def test_on_an_open_server_a_key_needs_somebody_whose_it_is(site: Site, window: Open) -> None:
    opened = window(site)
    page = opened.go("/keys")
    expect(page.get_by_text("so it asks for no key")).to_be_visible()
    page.get_by_role("button", name="New key").first.click()
    expect(page.get_by_role("heading", name="First add a person")).to_be_visible()
    page.get_by_role("button", name="Go to Settings").click()
    page.wait_for_url("**/settings#people")
    expect(page.get_by_role("heading", name="Nobody yet")).to_be_visible()

    new_user(site, "anna", "admin")
    page = opened.go("/keys")
    page.get_by_role("button", name="New key").first.click()
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("For whom").select_option("anna")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("row", name=re.compile("^laptop.*anna"))).to_be_visible()


@on_sqlite
def test_usage_counts_what_was_asked(site: Site, window: Open) -> None:
    opened = window(site)
    page = opened.go("/keys#usage")
    expect(page.get_by_role("heading", name="Nothing was asked yet")).to_be_visible()

    for _ in range(26):
        assert site.post(CHAT, HELLO).status == 200
    assert site.post(CHAT, HELLO | {"model": "nobody's"}).status == 404
    page.reload()
    expect(page.locator(".stat").first).to_contain_text("27")
    expect(page.locator(".stat").first).to_contain_text("1 failed")
    sums = page.get_by_role("region", name="Sums")
    expect(sums.get_by_role("row", name=re.compile("^fake 26 0"))).to_be_visible()
    sums.get_by_role("button", name="Route").click()
    expect(sums.get_by_role("row", name="chat 27 1 0")).to_be_visible()

    drawn = page.locator("line-chart")
    expect(drawn).to_contain_text("requests")
    page.get_by_role("button", name="Tokens", exact=True).click()
    expect(drawn).to_contain_text("tokens written")
    page.get_by_role("button", name="7 days").click()
    expect(page.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")

    newest = page.get_by_role("region", name="Newest requests").get_by_role("row")
    expect(newest).to_have_count(1 + 25)
    page.get_by_role("button", name="Load more").click()
    expect(newest).to_have_count(1 + 27)
    newest.nth(2).get_by_role("button").click()
    shown = page.get_by_role("dialog")
    expect(shown).to_contain_text("Model serveropenai")
    expect(shown.get_by_role("row", name=re.compile("what was sent let through"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(newest.nth(2).get_by_role("button")).to_be_focused()


@on_sqlite
def test_a_user_sees_his_own_usage(locked: Site, window: Open, new_key: NewKeys) -> None:
    locked.post(CHAT, HELLO, key=new_key("lee"))
    page = signed_in(locked, window, "kim").go("/keys#usage")
    expect(page.get_by_role("heading", name="Nothing was asked yet")).to_be_visible()
    expect(page.get_by_text("Your chats, moderations and embeddings")).to_be_visible()


@on_sqlite
@pytest.mark.parametrize(
    ("language", "dark", "phone"), [("en", False, False), ("ko", True, False), ("ko", False, True)]
)
def test_nobody_is_kept_out(
    locked: Site, window: Open, new_key: NewKeys, language: str, dark: bool, phone: bool
) -> None:
    key = new_key("lee", rpm=60, models=("fake",))
    locked.post(CHAT, HELLO, key=key)
    opened = signed_in(
        locked, window, "ann", "admin", language=language, dark=dark, phone=phone, strict=False
    )
    page = opened.go("/keys")
    expect(page.get_by_role("row")).to_have_count(3)
    if language == "ko":
        expect(page.get_by_role("columnheader", name="마지막 사용")).to_be_visible()
    page.locator("#new-key").click()
    page.locator("fieldset input").first.uncheck()
    assert opened.violations() == []
    page.locator("input[name=name]").fill("ci")
    page.locator("input[value=chat]").check()
    page.locator("dialog .primary").click()
    expect(page.locator(".made")).to_be_visible()
    assert opened.violations() == []
    page.goto(f"{locked.url}/keys#usage")
    page.reload()
    expect(page.locator("#requests tbody tr")).to_have_count(1)
    if language == "ko":
        expect(page.locator(".stats")).to_contain_text("읽은 토큰")
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "it scrolls sideways"
    )
    page.locator("#requests tbody button").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert opened.violations() == []


def test_every_scope_is_said_in_korean() -> None:
    assert set(SCOPES.values()) <= set(words.korean())
    module = (words.FOLDER.parent / "static" / "keys" / "new.js").read_text(encoding="utf-8")
    for name, text in SCOPES.items():
        assert f"  {name}: t({json.dumps(text)})," in module
