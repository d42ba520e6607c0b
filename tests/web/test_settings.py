"""Settings in the browser: oneself, people, model servers, the doctor, and every setting."""

import re

import pytest
from playwright.sync_api import expect
from tests.api.conftest import Serve
from tests.api.people import PASSWORD, new_user, signs_in
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open
from tests.web.test_keys import signed_in

from sutdol.core.settings import Settings
from sutdol.core.shown import shown
from sutdol.models.fake import FakeServer
from sutdol.web import words

USERS = "/api/v1/users"


def state_of(site: Site, name: str) -> tuple[str, bool]:
    """The role of a user, and whether he may come in."""
    found = next(one for one in site.get(USERS).json["data"] if one["name"] == name)
    return found["role"], found["disabled_at"] is None


@on_sqlite
def test_who_is_added_can_sign_in(locked: Site, window: Open) -> None:
    page = signed_in(locked, window, "ann", "admin").go("/settings#people")
    page.get_by_role("button", name="Add a person").click()
    page.keyboard.type("dana")
    asked = page.get_by_role("dialog")
    asked.get_by_label("Role").select_option("reviewer")
    asked.get_by_role("button", name="Generate").click()
    password = asked.get_by_label("Password", exact=True).input_value()
    assert re.fullmatch(r"([a-z2-9]{5}-){3}[a-z2-9]{5}", password)
    page.keyboard.press("Enter")

    expect(page.get_by_text("dana can sign in now.")).to_be_visible()
    expect(page.get_by_role("button", name="Add a person")).to_be_focused()
    assert signs_in(locked, "dana", password).json["role"] == "reviewer"
    page.get_by_role("button", name="Add a person").click()
    page.keyboard.type("dana")
    page.keyboard.press("Enter")
    expect(asked.get_by_role("alert")).to_contain_text("dana")  # there is one already


@on_sqlite
def test_roles_change_and_people_are_shut_out_and_let_in_again(locked: Site, window: Open) -> None:
    new_user(locked, "lee")
    page = signed_in(locked, window, "ann", "admin").go("/settings#people")
    page.get_by_role("button", name="Role of lee").click()
    page.get_by_role("dialog").get_by_label("Role").select_option("operator")
    page.get_by_role("button", name="Change the role").click()
    expect(page.get_by_text("lee is now: operator.")).to_be_visible()
    expect(page.get_by_role("button", name="Role of lee")).to_be_focused()
    assert state_of(locked, "lee") == ("operator", True)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("row", name=re.compile("^lee user"))).to_be_visible()
    assert state_of(locked, "lee") == ("user", True)

    page.get_by_role("button", name="Disable lee").click()
    expect(page.get_by_role("dialog")).to_contain_text("every key of lee stops working")
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("row", name=re.compile("^lee user disabled"))).to_be_visible()
    assert signs_in(locked, "lee").status == 401
    page.get_by_role("button", name="Enable lee").click()
    expect(page.get_by_role("button", name="Disable lee")).to_be_focused()
    assert signs_in(locked, "lee").status == 201

    page.get_by_role("button", name="Password for lee").click()
    page.get_by_role("dialog").get_by_label("Password", exact=True).fill("another long phrase")
    page.keyboard.press("Enter")
    expect(page.get_by_text("lee can sign in with the new password.")).to_be_visible()
    assert signs_in(locked, "lee", "another long phrase").status == 201


@on_sqlite
def test_the_last_admin_stays_one(site: Site, window: Open) -> None:
    new_user(site, "anna", "admin")
    page = window(site).go("/settings#people")
    page.get_by_role("button", name="Disable anna").click()
    asked = page.get_by_role("dialog")
    asked.get_by_role("button", name="Disable").click()
    expect(asked.get_by_role("alert")).to_contain_text("admin")
    asked.get_by_role("button", name="Cancel").click()
    assert state_of(site, "anna") == ("admin", True)


@on_sqlite
def test_a_password_is_changed_and_signs_in_again(locked: Site, window: Open) -> None:
    page = signed_in(locked, window, "kim").go("/settings")
    form = page.locator("#change-password")
    form.get_by_label("Current password").fill("wrong password")
    form.get_by_label("New password").fill("another long phrase")
    form.get_by_label("The password again").fill("another long phrase!")
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_have_text("The two passwords differ.")
    form.get_by_label("The password again").fill("another long phrase")
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_have_text("The current password is wrong.")
    form.get_by_label("Current password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in?next=/settings")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Password").fill("another long phrase")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings")
    expect(page.locator("#me")).to_contain_text("kim")


@on_sqlite
def test_a_user_sees_what_is_his_business(locked: Site, window: Open) -> None:
    page = signed_in(locked, window, "kim").go("/settings#options")
    parts = page.get_by_role("navigation", name="Parts of this page").get_by_role("link")
    assert parts.all_text_contents() == ["Profile", "Model servers", "About"]
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    parts.filter(has_text="Model servers").click()
    expect(page.get_by_role("heading", name="Model servers")).to_be_focused()
    expect(page.get_by_role("region", name="openai")).to_contain_text("fake")
    expect(page.get_by_role("heading", name="Add one")).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()


@on_sqlite
def test_all_that_one_said_is_erased_after_a_word(site: Site, window: Open) -> None:
    for _ in range(2):
        assert site.post("/api/v1/conversations", {}).status == 201
    page = window(site).go("/settings")
    page.get_by_role("button", name="Erase all my conversations").click()
    asked = page.get_by_role("dialog")
    page.keyboard.type("yes")
    page.keyboard.press("Enter")
    expect(asked.get_by_role("alert")).to_have_text("Type erase to go on")
    assert len(site.get("/api/v1/conversations").json["data"]) == 2
    asked.get_by_label("Type erase to go on").fill("erase")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 conversations were erased.")).to_be_visible()
    assert site.get("/api/v1/conversations").json["data"] == []


@on_sqlite
def test_the_doctor_looks_and_looks_again(serve: Serve, window: Open) -> None:
    site = serve(upstreams=[{"name": "away", "url": "http://127.0.0.1:9/v1"}])
    page = window(site).go("/settings#doctor")
    state = page.locator("#doctor-state")
    expect(state).to_contain_text("1 thing is broken.")
    expect(page.get_by_role("row", name=re.compile("^upstream away broken"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^guard ok guard-v1 loads"))).to_be_visible()

    new_user(site, "anna", "admin")
    site.post("/api/v1/keys", {"name": "one", "user": site.get(USERS).json["data"][0]["id"]})
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("row", name=re.compile("^keys ok 1 valid"))).to_be_visible()


@on_sqlite
def test_settings_are_found_by_name_meaning_and_variable(
    serve: Serve, upstream: FakeServer, window: Open
) -> None:
    site = serve(openai_base_url=upstream.url, openai_api_key="wh3tst0ne", gateway={"idle": 9})
    opened = window(site)
    page = opened.go("/settings#options")
    rows = page.locator("#options tbody tr")
    expect(rows).to_have_count(len(shown(site.settings)))
    for sought, found in (
        ("hold_back", "gateway.hold_back"),
        ("in one process; more are told", "gateway.in_flight"),
        ("FASTAPI_PORT", "port"),
    ):
        page.get_by_role("searchbox", name="Filter").fill(sought)
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text(found)
    page.get_by_role("searchbox", name="Filter").fill("")
    page.get_by_label("Only what differs").check()
    expect(
        page.get_by_role("row", name=re.compile(r"^gateway.idle.* 9 changed default: 120"))
    ).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^openai_api_key"))).to_contain_text(
        "never shown"
    )
    assert "wh3tst0ne" not in page.content()


@on_sqlite
@pytest.mark.parametrize(
    ("language", "dark", "phone"), [("en", False, False), ("ko", True, False), ("ko", False, True)]
)
def test_nobody_is_kept_out(
    locked: Site, window: Open, language: str, dark: bool, phone: bool
) -> None:
    opened = signed_in(
        locked, window, "ann", "admin", language=language, dark=dark, phone=phone, strict=False
    )
    page = opened.go("/settings")
    for part in ("profile", "people", "servers", "doctor", "options", "about"):
        page.locator(f'.parts a[href="#{part}"]').click()
        loaded = "about" if part in ("profile", "about") else part
        expect(page.locator(f"#part-{part}")).to_be_visible()
        if loaded in ("people", "doctor", "options"):
            expect(page.locator(f"#{part} tbody tr").first).to_be_visible()
        assert opened.violations() == [], part
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), part
    if language == "ko":
        page.locator('.parts a[href="#options"]').click()
        expect(page.locator("#options")).to_contain_text("모든 것을 저장하는 폴더입니다.")
    page.locator('.parts a[href="#people"]').click()
    page.locator("#new-person").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert opened.violations() == []


def test_what_each_setting_is_for_is_said_in_korean() -> None:
    module = (words.FOLDER.parent / "static" / "settings" / "meanings.js").read_text(
        encoding="utf-8"
    )
    told = dict(re.findall(r'^  "([\w.]+)": t\("(.*)"\),$', module, re.MULTILINE))

    assert told == {one.name: one.about for one in shown(Settings.load())}
    assert set(told.values()) <= set(words.korean())
