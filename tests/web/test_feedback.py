"""The queue of feedback: worked through by keys, taken back, refused, and sent when one leaves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert
from tests.api.people import PASSWORD, cookie, new_user, signs_in
from tests.api.site import Site, until
from tests.databases import on_sqlite
from tests.web.conftest import Open

from sutdol.app import Sutdol
from sutdol.storage.server_tables import feedback as table
from sutdol.web import assets

PATH = "/api/v1/feedback"
NewKeys = Callable[..., str]


def label(site: Site, text: str, violating: int = 1, *, key: str | None = None) -> str:
    value = {"text": text, "label": violating, "category": "spam" if violating else ""}
    given = {"kind": "label", "subject": {"kind": "text"}, "value": value}
    return str(site.post(PATH, given, key=key).json["id"])


def corrected(site: Site, *, key: str | None = None) -> str:
    """A correction of the answer "knife old the sharpen"."""
    messages = [{"role": "user", "content": "sharpen the old knife"}]
    body = {"model": "fake", "messages": messages, "store": True}
    asked = site.post("/v1/chat/completions", body, key=key).headers["x-request-id"]
    subject = {"kind": "message", "id": f"msg_{asked}"}
    given = {"kind": "correction", "subject": subject, "value": {"text": "knife and stone sharpen"}}
    return str(site.post(PATH, given, key=key).json["id"])


def state(site: Site, id_: str) -> str:
    return str(site.get(f"{PATH}/{id_}").json["state"])


def reviewer(site: Site, name: str = "lee") -> str:
    new_user(site, name, "reviewer", PASSWORD)
    return cookie(signs_in(site, name))


def row(n: int, user: str = "kim", **changed: object) -> dict[str, object]:
    """Feedback as it stands in the database."""
    at = datetime.now(UTC) - timedelta(minutes=n)
    made = {"id": f"fb_{n:05}", "kind": "label", "role": "guard", "subject_kind": "text"}
    made |= {"subject": f"{n}", "user": user, "source": f"feedback:api:{user}"}
    value = {"text": f"text {n}", "label": n % 2}
    return made | {"value": value, "state": "waiting", "created_at": at} | changed


def put(site: Site, rows: list[dict[str, object]]) -> None:
    with Sutdol.open(site.settings) as sutdol, sutdol.db.write() as tx:
        tx.execute(insert(table), rows)


def line(page: Page, text: str) -> Any:
    return page.locator("#rows li").filter(has_text=text)


def chosen(page: Page) -> Any:
    return page.locator("#rows [aria-current]")


def after(page: Page) -> None:
    """Let the time go by in which a decision can be taken back."""
    page.clock.fast_forward(5_001)


@on_sqlite
def test_three_are_reviewed_by_keys_alone(site: Site, window: Open) -> None:
    ids = [label(site, f"the {n} text") for n in ("first", "second", "third")]
    opened = window(site)
    opened.page.clock.install()
    page = opened.go("/feedback")
    expect(page.get_by_role("tab", name="Waiting 3")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#shown")).to_contain_text("the third text")

    page.keyboard.press("j")
    expect(chosen(page)).to_be_focused()
    expect(chosen(page)).to_contain_text("the second text")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("a")
    expect(chosen(page)).to_contain_text("the second text")
    expect(chosen(page)).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#toasts")).to_have_text("Rejected.Undo")
    expect(page.locator("#said")).to_have_text("Next: Label: violating. 1 left.")
    expect(page.get_by_role("tablist")).to_have_text("Waiting 1 Accepted 1 Rejected 1")
    page.keyboard.press("u")
    expect(chosen(page)).to_contain_text("the second text")
    expect(page.get_by_role("tab", name="Rejected 0")).to_be_visible()
    assert [state(site, one) for one in ids] == ["waiting"] * 3

    after(page)
    expect(page.locator('[data-count="feedback"]')).to_have_text("2")
    assert [state(site, one) for one in ids] == ["waiting", "waiting", "accepted"]
    page.keyboard.press("z")
    expect(page.locator("#toasts")).to_contain_text("Nothing can be taken back any more.")
    page.get_by_role("tab", name="Accepted").click()
    expect(page.locator("#shown")).to_contain_text("an example of the guard")
    expect(page.locator("#act")).to_be_hidden()


@on_sqlite
def test_keys_work_where_the_keyboard_writes_korean_and_can_be_switched_off(
    site: Site, window: Open
) -> None:
    label(site, "the first text")
    page = window(site, language="ko").go("/feedback")
    expect(page.get_by_role("heading", name="라벨: 위반")).to_be_visible()
    page.keyboard.press("?")
    page.get_by_label("이 페이지에서 글자 단축키 사용").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.get_by_role("tab", name="대기 중 1")).to_be_visible()

    page.keyboard.press("?")
    page.get_by_label("이 페이지에서 글자 단축키 사용").check()
    page.get_by_role("button", name="닫기").click()
    pressed = "new KeyboardEvent('keydown', {key: 'ㅁ', code: 'KeyA', bubbles: true})"
    page.evaluate(f"document.body.dispatchEvent({pressed})")
    expect(page.locator("#toasts")).to_contain_text("1개를 받아들였습니다.")
    expect(page.get_by_role("heading", name="검토할 피드백이 없습니다")).to_be_visible()
    page.get_by_role("button", name="되돌리기").click()
    expect(chosen(page)).to_be_focused()


@on_sqlite
def test_what_is_refused_comes_back_with_the_reason(
    locked: Site, window: Open, new_key: NewKeys
) -> None:
    kim = new_key("kim")
    settled, again, fine = (label(locked, f"the {n} text", key=kim) for n in ("old", "own", "new"))
    opened = window(locked, cookie=reviewer(locked))
    opened.page.clock.install()
    page = opened.go("/feedback")
    for _ in range(3):
        page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Nothing waits for review")).to_be_visible()
    locked.post(f"{PATH}/{settled}/reject")
    label(locked, "the own text", 0, key=kim)  # who changes his mind takes the first back
    after(page)

    expect(page.locator("#rows li")).to_have_count(2)
    expect(line(page, "the old text")).to_contain_text("refused")
    expect(page.get_by_role("tab", name="Waiting 0")).to_be_visible()
    assert state(locked, fine) == "accepted"
    line(page, "the old text").get_by_role("button").click()
    expect(page.locator("#shown .notice")).to_contain_text("waits for no review any more")
    expect(page.locator("#shown .badge").last).to_have_text("rejected")
    expect(page.locator("#shown dl")).to_contain_text("root")
    line(page, "the own text").get_by_role("button").click()
    expect(page.locator("#shown .notice")).to_contain_text(again)
    expect(page.locator("#act")).to_be_hidden()


@on_sqlite
def test_too_much_of_one_user_may_still_be_rejected(
    locked: Site, window: Open, new_key: NewKeys
) -> None:
    given = label(locked, "the newest text", key=new_key("kim"))
    kim = locked.get(f"{PATH}/{given}").json["user"]
    done: dict[str, object] = {"state": "accepted", "reviewed_at": datetime.now(UTC)}
    accepted = [row(n, kim, **done) for n in range(50)]
    put(locked, accepted + [row(50 + n, name, **done) for n, name in enumerate("abcde")])
    opened = window(locked, cookie=reviewer(locked))
    opened.page.clock.install()
    page = opened.go("/feedback")
    page.keyboard.press("a")
    after(page)
    expect(page.locator("#shown .notice")).to_contain_text("would be one user's")
    expect(page.get_by_role("tab", name="Waiting 1")).to_be_visible()
    expect(chosen(page)).to_be_focused()
    page.keyboard.press("r")
    after(page)
    expect(page.locator('[data-count="feedback"]')).to_be_hidden()
    assert state(locked, given) == "rejected"


@on_sqlite
def test_a_reviewer_sees_who_said_what_of_what_and_not_judges_his_own(
    locked: Site, window: Open, new_key: NewKeys
) -> None:
    kim, lee = new_key("kim"), reviewer(locked)
    corrected(locked, key=kim)
    label(locked, "the reviewer's own", key=new_key("lee", "reviewer"))
    page = window(locked, cookie=lee).go("/feedback")
    expect(page.locator("#shown")).to_contain_text("the reviewer's own")
    expect(page.locator("#act").get_by_role("button", name="Accept")).to_be_disabled()
    expect(page.locator("#effect")).to_contain_text("your own feedback")
    expect(page.locator("#rows input").first).to_be_disabled()
    page.keyboard.press("a")
    expect(page.locator("#rows li")).to_have_count(2)

    page.keyboard.press("j")
    shown = page.locator("#shown")
    expect(shown).to_contain_text("kim · ")
    expect(shown.locator(".said").first).to_contain_text("sharpen the old knife")
    expect(shown.locator("del")).to_have_text("taken out: old the")
    expect(shown.locator("ins")).to_have_text("put in: and stone")
    expect(shown.locator("dl")).to_contain_text("fake")


@on_sqlite
def test_a_label_is_shown_beside_what_the_guard_said(
    site: Site, window: Open, offence: str
) -> None:
    text = "sharpen the old knife"
    judged = site.post("/v1/moderations", {"input": text}).json["results"][0]
    subject = {"kind": "decision", "id": judged["decision"]}
    value = {"text": text, "label": 1, "category": "violence"}
    site.post(PATH, {"kind": "label", "subject": subject, "value": value})
    page = window(site).go("/feedback")
    expect(page.locator("#shown dl")).to_contain_text("let it pass")
    expect(page.locator("#shown dl")).to_contain_text("disagrees")
    expect(page.locator("#shown dl").get_by_role("link")).to_have_attribute(
        "href", "/models/guard/guard-v1"
    )
    expect(page.locator("#effect")).to_contain_text("learns it as a violating example")


@on_sqlite
def test_several_are_decided_together_and_taken_back_together(
    locked: Site, window: Open, new_key: NewKeys
) -> None:
    kim = new_key("kim")
    ids = [label(locked, f"text {n}", key=kim) for n in range(4)]
    opened = window(locked, cookie=reviewer(locked))
    opened.page.clock.install()
    page = opened.go("/feedback")

    def reject_all(ticked: int) -> None:
        page.get_by_role("button", name="Reject").first.click()
        title = f"Reject {ticked} pieces of feedback?"
        expect(page.get_by_role("dialog", name=title)).to_contain_text("from 1 user")
        page.get_by_role("button", name="Reject them").click()
        expect(page.locator("#toasts")).to_contain_text(f"{ticked} rejected.")

    line(page, "text 3").get_by_role("checkbox").click()
    line(page, "text 1").get_by_role("checkbox").click(modifiers=["Shift"])
    expect(page.locator("#chosen")).to_have_text("3 chosen")
    reject_all(3)
    expect(page.locator("#rows li")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#rows li")).to_have_count(4)
    assert page.locator("#rows .line").all_inner_texts() == [f"text {n}" for n in (3, 2, 1, 0)]

    page.get_by_label("Choose all that are shown").check()
    locked.post(f"{PATH}/{ids[2]}/accept")
    reject_all(4)
    after(page)
    expect(page.locator("#toasts")).to_contain_text("1 of 4 came back: Feedback")
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("#shown")).to_contain_text("text 2")
    assert [state(locked, one) for one in ids] == ["rejected", "rejected", "accepted", "rejected"]


@on_sqlite
@pytest.mark.parametrize("way", ["leaves", "hides", "looks elsewhere"])
def test_what_is_decided_is_sent_at_once_when_one(site: Site, window: Open, way: str) -> None:
    given = label(site, "the only text")
    page = window(site).go("/feedback")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Nothing waits for review")).to_be_visible()
    assert state(site, given) == "waiting"
    if way == "leaves":
        page.goto(f"{site.url}/settings")
    elif way == "hides":
        page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    else:
        page.get_by_role("tab", name="Accepted").click()
        expect(page.locator("#shown")).to_contain_text("the only text")
    until(lambda: state(site, given) == "accepted", 4)


@on_sqlite
def test_an_empty_queue_says_where_feedback_comes_from(site: Site, window: Open) -> None:
    page = window(site).go("/feedback")
    expect(page.locator("#nothing")).to_contain_text("thumbs and corrections in the chat")
    expect(page.get_by_role("link", name="Open the chat")).to_have_attribute("href", "/chat")
    page.get_by_label("Kind").select_option("click")
    expect(page.locator("#nothing")).to_contain_text("Nothing fits")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#nothing")).to_contain_text("Nothing waits for review")
    page.get_by_role("tab", name="Waiting").press("ArrowRight")
    expect(page.get_by_role("tab", name="Accepted")).to_be_focused()
    expect(page.locator("#nothing")).to_contain_text("Nothing was accepted yet")


@on_sqlite
def test_texts_stay_hidden_until_one_looks(site: Site, window: Open) -> None:
    for n in range(2):
        label(site, f"text {n}")
    opened = window(site)
    page = opened.go("/feedback")
    expect(page.get_by_text("text 1")).to_have_count(2)
    page.get_by_label("Hide texts until I look").check()
    expect(page.get_by_text("text 1")).to_have_count(0)
    page.keyboard.press("s")
    expect(page.locator("#detail")).to_contain_text("text 1")
    page.keyboard.press("j")
    page = opened.go("/feedback")
    expect(page.get_by_text("The texts are hidden.")).to_be_visible()
    page.get_by_role("button", name="Show text").click()
    expect(page.locator("#detail")).to_contain_text("text 1")
    expect(page.locator("#act").get_by_role("button", name="Accept")).to_be_focused()


@on_sqlite
def test_ten_thousand_come_page_by_page(site: Site, window: Open) -> None:
    kinds, states = ("label", "score"), ("waiting", "waiting", "accepted", "rejected")
    put(site, [row(n, kind=kinds[n % 2], state=states[n % 4]) for n in range(10_000)])
    opened = window(site)
    page = opened.go("/feedback")
    expect(page.get_by_role("tab", name="Waiting 5,000")).to_be_visible()
    opened.go("/feedback?kind=label")
    expect(page.locator("#chosen")).to_have_text("50 of 2,500")
    for _ in range(42):
        page.keyboard.press("j")
    expect(page.locator("#rows li")).to_have_count(100)
    expect(page.locator("#rows li").nth(42).get_by_role("button")).to_be_in_viewport()
    page.get_by_role("button", name="Load more").click()
    expect(page.locator("#rows li")).to_have_count(150)


@on_sqlite
@pytest.mark.parametrize(
    ("language", "how"), [("en", {}), ("ko", {"dark": True}), ("ko", {"phone": True})]
)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    site: Site, window: Open, language: str, how: dict[str, bool]
) -> None:
    label(site, "a long text " * 400, 0)
    corrected(site)
    opened = window(site, language=language, strict=False, **how)
    page = opened.go("/feedback")
    expect(page.locator("ins")).to_be_visible()
    assert opened.violations() == []
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#together")).to_be_visible()
    assert opened.violations() == []
    page.keyboard.press("?")
    assert opened.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.press("r")
    expect(page.locator("#nothing")).to_be_visible()
    assert opened.violations() == []


@on_sqlite
def test_changes_keep_every_word_of_both_texts(site: Site, window: Open) -> None:
    page = window(site).go("/feedback")
    found: Any = page.evaluate(
        "async ([url, pairs]) => { const { changes } = await import(url);"
        " return pairs.map(([a, b]) => changes(a, b)); }",
        [assets.url("feedback/changes.js"), PAIRS],
    )
    for (before, now), parts in zip(PAIRS, found, strict=True):
        assert without("gone", parts) == now
        assert without("new", parts).split() == before.split()
    assert [(p["kind"], p["text"]) for p in found[0]] == [
        ("same", "숫돌은 "),
        ("gone", "칼을 "),
        ("new", "가위를 "),
        ("same", "간다."),
    ]
    assert [p["kind"] for p in found[1]] == ["same"]


def without(kind: str, parts: list[dict[str, str]]) -> str:
    return "".join(one["text"] for one in parts if one["kind"] != kind)


PAIRS = [
    ("숫돌은 칼을 간다.", "숫돌은 가위를 간다."),
    ("the same\nwords", "the same words"),
    ("", "all of it is new"),
    ("all of it went", ""),
    ("a b c d", "d c b a"),
    ("  first\n\nsecond  ", " first\n\nsecond and third\n"),
    ("word " * 2_500, "word other " * 2_000),
]
