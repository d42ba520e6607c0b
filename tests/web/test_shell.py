"""What is around every page: language, colours, signing in and out, the first admin."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.api.conftest import Serve
from tests.api.people import PASSWORD, cookie, new_user, signs_in
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open

from sutdol.app import Sutdol
from sutdol.storage import first_admin, secrets
from sutdol.web import assets, words

HTML = {"accept": "text/html,application/xhtml+xml"}
WEB = Path(words.__file__).parent
IN_TEMPLATES = re.compile(r"\b_\('((?:[^'\\]|\\.)*)'\)")


def said() -> set[str]:
    """Every English text of templates and modules."""
    found = {"Overview", "Arena", "Models", "Feedback", "Chat", "Keys and usage", "Settings"}
    found |= {"Auto", "Light", "Dark", "admin", "operator", "reviewer", "user"}
    found |= {"This is not for you", "There is nothing here", "This did not work"}
    for one in (WEB / "templates").iterdir():
        found |= set(IN_TEMPLATES.findall(one.read_text(encoding="utf-8")))
    for name, asset in assets.all().items():
        if name.endswith(".js"):
            found |= words.said_in(asset.body.decode())
    return found


def test_all_that_is_said_is_said_in_korean_and_nothing_else_is_kept() -> None:
    assert set(words.korean()) == said()


def test_what_stands_in_braces_is_the_same_in_korean() -> None:
    for english, korean in words.korean().items():
        names = set(re.findall(r"\{\w+\}", english))
        assert names == set(re.findall(r"\{\w+\}", korean)), english
        plain = re.sub(r"\{\w+\}", "", korean)
        assert re.search("[가-힣]", plain) or not re.search("[a-z]{4}", plain), english


def test_no_text_of_a_module_is_put_together_where_no_translation_can_find_it() -> None:
    for name, asset in assets.all().items():
        calls = re.findall(r"\bt\(\s*(.)", asset.body.decode()) if name != "words.js" else []
        assert set(calls) <= {'"'}, name


@pytest.mark.parametrize(
    ("cookie", "accepted", "wanted"),
    [
        (None, "", "en"),
        (None, "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        (None, "fr-FR, ko;q=0.5", "ko"),
        (None, "kok", "en"),
        ("ko", "en-US", "ko"),
        ("en", "ko-KR", "en"),
        ("'><script>", "", "en"),
    ],
)
def test_the_language_is_what_was_chosen_or_else_what_the_browser_wants(
    cookie: str | None, accepted: str, wanted: str
) -> None:
    assert words.wanted(cookie, accepted) == wanted


@on_sqlite
def test_a_person_is_sent_to_sign_in_and_a_program_is_told_in_json(locked: Site) -> None:
    sent = locked.get("/arena?x=1", key="", headers=HTML)
    assert (sent.status, sent.headers["location"]) == (303, "/sign-in?next=/arena%3Fx%3D1")
    assert locked.get("/arena", key="").error["code"] == "invalid_api_key"
    assert locked.get("/api/v1/me", key="", headers=HTML).error["code"] == "invalid_api_key"


@on_sqlite
def test_a_page_that_is_not_there_is_a_page(site: Site) -> None:
    found = site.get("/nonsense", headers=HTML)
    assert found.status == 404
    assert b"<h1>There is nothing here</h1>" in found.body
    assert site.get("/nonsense").error["message"] == "There is nothing at /nonsense."


@on_sqlite
def test_pages_have_a_strict_policy_and_are_not_kept(site: Site) -> None:
    head = site.get("/", headers=HTML).headers
    policy = head["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert head["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in policy


@on_sqlite
def test_files_are_kept_for_good_under_an_address_of_their_own(site: Site) -> None:
    new = site.get(assets.url("base.css"), headers={"accept-encoding": "gzip"})
    assert new.headers["content-encoding"] == "gzip"
    assert "immutable" in new.headers["cache-control"]
    old = site.get("/static/0123456789ab/base.css")
    assert old.headers["cache-control"] == "no-cache"
    assert old.body == assets.all()["base.css"].body
    for name in ("nothing.js", "..%2fko.json", "%2e%2e/ko.json", "base.css/"):
        assert site.get(f"/static/{assets.version()}/{name}").status == 404


@on_sqlite
def test_nobody_is_sent_elsewhere_after_signing_in(site: Site) -> None:
    for path in ("//evil.example", "https://evil.example", "/\\evil.example", "evil"):
        assert site.get(f"/sign-in?next={path}", headers=HTML).headers["location"] == "/"
    assert site.get("/sign-in?next=/arena", headers=HTML).headers["location"] == "/arena"


@on_sqlite
def test_signing_in_and_out(locked: Site, window: Open) -> None:
    new_user(locked, "kim", "user")
    page = window(locked).go("/settings#about")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Name: Fill this in.")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Password").fill("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings#about")

    expect(page.get_by_role("link", name="Feedback")).to_have_count(0)  # a user reviews nothing
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert locked.get("/api/v1/sessions", key="").status == 401


@on_sqlite
def test_what_a_role_may_not_see_is_said_and_not_shown(locked: Site, window: Open) -> None:
    new_user(locked, "kim", "user")
    page = window(locked, cookie=cookie(signs_in(locked, "kim"))).go("/feedback")
    expect(page.get_by_role("heading", name="This is not for you")).to_be_visible()


def offered(site: Site, *, ago: timedelta = timedelta(0)) -> str:
    now = datetime.now(UTC) - ago
    with Sutdol.open(site.settings) as sutdol:
        pepper = secrets.pepper(sutdol.db, now)
        with sutdol.db.write() as tx:
            return first_admin.offer(tx, pepper, now)


@on_sqlite
def test_the_first_admin_comes_by_a_link(serve: Serve, window: Open) -> None:
    site = serve(auth=True)
    link = f"/welcome#{offered(site)}"
    page = window(site).go(link)
    assert "#" not in page.url, "the token must not stay in the address"
    page.get_by_label("Name").fill("숫돌지기")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url(f"{site.url}/")
    expect(page.get_by_text("숫돌지기")).to_be_visible()

    again = window(site).go(link)
    again.get_by_label("Password", exact=True).fill(PASSWORD)
    again.get_by_label("The password again").fill(PASSWORD)
    again.get_by_role("button", name="Begin").click()
    expect(again.get_by_role("alert")).to_contain_text("This link does not work")


def test_a_token_is_good_once_for_a_day_while_no_admin_can_sign_in(serve: Serve) -> None:
    site = serve(auth=True)

    def become(token: str, name: str = "first", password: str = PASSWORD) -> int:
        body = {"token": token, "name": name, "password": password}
        return site.post("/api/v1/first-admin", body).status

    assert become(offered(site, ago=timedelta(days=1, seconds=1))) == 403
    old, new = offered(site), offered(site)
    assert become(old) == 403
    assert become("x" * 43) == 403
    assert become(new, password="short") == 422
    assert become(new, name="first", password=PASSWORD) == 201, "a bad password spends nothing"
    assert become(new, name="second") == 403
    assert become(offered(site), name="second") == 403, "there is an admin now"


def test_an_admin_without_a_password_gets_one_by_the_link(serve: Serve, new_key: object) -> None:
    site = serve(auth=True)
    assert callable(new_key)
    key = new_key("root", "admin")
    known = {one["id"] for one in site.get("/api/v1/users", key=key).json["data"]}
    body = {"token": offered(site), "name": "Root", "password": PASSWORD}
    made = site.post("/api/v1/first-admin", body)
    assert (made.status, made.json["role"]) == (201, "admin")
    assert {one["id"] for one in site.get("/api/v1/users", key=key).json["data"]} == known


@on_sqlite
@pytest.mark.parametrize("name", ["language", "theme"])
def test_what_is_chosen_stays(site: Site, window: Open, name: str) -> None:
    opened = window(site)
    page = opened.go("/style")
    page.locator(f'[data-choice="{name}"]').select_option({"language": "ko", "theme": "dark"}[name])
    if name == "language":
        expect(page.locator("html")).to_have_attribute("lang", "ko")
        expect(page.get_by_role("link", name="개요")).to_be_visible()
        return
    opened.go("/models")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_nothing_is_said_in_korean_twice() -> None:
    files = [json.loads(one.read_text(encoding="utf-8")) for one in words.FOLDER.iterdir()]
    assert sum(map(len, files)) == len(words.korean())
