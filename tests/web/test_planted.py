"""What strangers and models bring into pages does nothing there, and nobody is led astray."""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect
from tests.api.conftest import Serve
from tests.api.people import PASSWORD, browser, cookie, new_user, signs_in
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open

from sutdol.web import assets, shell

SHORT = "\"'><img src=x onerror=hit()>"
LONG = f"{SHORT}<svg/onload=hit()></script><script>hit()</script>{{{{7*7}}}}${{7*7}}"
SPOKEN = "\n\n".join(
    (
        LONG,
        "[a](JaVaScRiPt:hit()) <javascript:hit()> [b](data:text/html,x)",
        '```js" onload=hit()\n<b>\n```',
        f"|{SHORT}|\n|-|\n|{LONG}|",
    )
)
PLANTED = """[...document.querySelectorAll("*")].filter((one) =>
  one.matches("img, iframe, object, embed, script:not([src])")
  || [...one.attributes].some((each) => each.name.startsWith("on"))
  || /^(javascript|data):/i.test(one.getAttribute("href") ?? "")
).map((one) => one.outerHTML)"""

HUGE = """async (url) => {
  const { render, growing } = await import(url);
  const grown = document.createElement("div"), box = document.createElement("div");
  const lines = "a\\n\\n".repeat(200000), items = "- a\\n".repeat(200000);
  growing(grown).set(lines);
  box.append(render(`${"|a".repeat(3000)}\\n${"|-".repeat(3000)}\\n${"x\\n".repeat(3000)}`));
  const made = [grown, render(lines), render(items).firstChild, box.querySelector("tbody")];
  return [made.map((one) => one.childNodes.length), box.querySelectorAll("td").length < 20000];
}"""


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/.//evil.example/x", "//evil.example/x"),
        ("//evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:hit()", "/"),
        ("http://[", "/"),
        ("/arena?x=1", "/arena?x=1"),
    ],
)
@on_sqlite
def test_no_link_leads_elsewhere_by_signing_in(
    locked: Site, window: Open, wanted: str, reached: str
) -> None:
    new_user(locked, "kim")
    page = window(locked).go(f"/sign-in?next={quote(wanted, safe='')}")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{locked.url}{reached}")
    page.wait_for_load_state("networkidle")  # nothing is asked of servers that stop


@on_sqlite
def test_a_form_without_its_script_puts_no_password_into_an_address(
    locked: Site, window: Open
) -> None:
    page = window(locked).page
    page.route("**/*.js", lambda route: _lost(route))
    for path in ("/sign-in", "/welcome"):
        page.goto(f"{locked.url}{path}")
        page.locator("[name=password]").fill(PASSWORD)
        page.get_by_role("button").click()
        expect(page.locator("[name=password]")).to_have_value(PASSWORD)
        assert page.url == f"{locked.url}{path}"
    every = shell._environment().loader
    assert every is not None
    for name in every.list_templates():
        source, _, _ = every.get_source(shell._environment(), name)
        assert source.count("<form") == source.count("method="), name


def _lost(route: Route) -> None:
    route.fulfill(status=200, content_type="text/javascript", body="")


@on_sqlite
def test_what_is_planted_in_names_texts_and_addresses_does_nothing(
    serve: Serve, window: Open
) -> None:
    """The fixture fails for whatever leaves the host, and for violations of the policy."""
    site = serve(auth=True, gateway={"guard_input": False})
    new_user(site, SHORT, "admin")
    signed = signs_in(site, SHORT)
    talk = _plant(site, browser(signed))
    opened, odd = window(site, cookie=cookie(signed)), quote(SHORT, safe="")
    for path in (
        f"/chat/{talk}",
        "/keys",
        "/settings#people",
        f"/feedback?kind={odd}",
        f"/chat/{odd}",
        f"/arena/{odd}",
        f"/arena?attack_strategy={odd}",
        f"/models/guard/{odd}",
        f"/models/guard/verdicts/{odd}",
        f"/models/{odd}/compare?a={odd}&b={odd}",
        f"/nonsense/{odd}",
    ):
        assert_harmless(opened.go(path), path)
    page = opened.go("/feedback")
    expect(page.get_by_text("{{7*7}}").first).to_be_visible()
    assert_harmless(page, "/feedback")


def assert_harmless(page: Page, where: str) -> None:
    found: Any = page.evaluate(PLANTED)
    assert found == [], where
    assert SHORT not in page.content(), where


def _plant(site: Site, page: dict[str, str]) -> str:
    """The id of the conversation."""

    def made(path: str, body: object) -> Any:
        answer = site.post(path, body, key="", headers=page)
        assert answer.status == 201, answer.body
        return answer.json

    made("/api/v1/keys", {"name": SHORT})
    said = [{"role": role, "content": SPOKEN} for role in ("system", "user", "assistant", "tool")]
    talk = made("/api/v1/conversations", {"title": LONG, "messages": said})
    subject = {"kind": "message", "id": talk["messages"][2]["id"]}
    thumb = {"up": False, "comment": LONG}
    made("/api/v1/feedback", {"kind": "thumb", "subject": subject, "value": thumb})
    made("/api/v1/feedback", {"kind": "correction", "subject": subject, "value": {"text": LONG}})
    label = {"text": LONG, "label": 1, "category": SHORT}
    made("/api/v1/feedback", {"kind": "label", "subject": {"kind": "text"}, "value": label})
    return str(talk["id"])


@on_sqlite
def test_no_answer_is_too_long_to_be_shown(site: Site, window: Open) -> None:
    page = window(site).go("/style")
    shown = page.evaluate(HUGE, assets.url("chat/markdown.js"))
    assert shown == [[200_000, 200_000, 200_000, 3_000], True]
