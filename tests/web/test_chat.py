"""Talking with a model: what comes is seen, stopped, tried again, judged, and found again."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect
from tests.api.conftest import Serve
from tests.api.people import cookie, new_user, signs_in
from tests.api.site import Site, until
from tests.databases import on_sqlite
from tests.web.conftest import Open

from sutdol.models.fake import Asked, FakeServer, Fault

PATH = "/api/v1/conversations"
LONG = "well and good " * 400


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def turns(page: Page) -> Any:
    return page.locator(".said .text")


def done(page: Page) -> None:
    """The last answer is there, or what there will be of it."""
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator(".said:last-child .acts")).to_be_visible()


def on_record(site: Site, page: Page) -> list[tuple[str, str]]:
    name = page.url.rpartition("/")[2]
    told = site.get(f"{PATH}/{name}").json["messages"]
    return [(one["role"], one["content"]) for one in told]


def feedback(site: Site) -> list[tuple[str, Any, str]]:
    told = site.get("/api/v1/feedback").json["data"]
    return [(one["kind"], one["value"], one["subject"]["id"]) for one in told]


@on_sqlite
def test_an_answer_is_seen_while_it_comes_and_found_again_by_its_address(
    serve: Serve, window: Open
) -> None:
    faults = [Fault(after=3, delay=2.5)]
    with FakeServer(reply=lambda _: "one **two** three four five", faults=faults) as upstream:
        site = serve(openai_base_url=upstream.url)
        page = window(site).go("/chat")
        expect(page.get_by_label("Message", exact=True)).to_be_focused()
        say(page, "count to five\nplease")
        expect(turns(page).last).to_have_text("one two")
        expect(page.locator(".said strong")).to_have_text("two")
        assert not upstream.finished, "it is shown before its end"
        expect(page.locator("#told")).to_have_text("")
        done(page)
    expect(turns(page).last).to_have_text("one two three four five")
    expect(page.locator("#told")).to_have_text("The answer is there: one two three four five")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(page.locator(".about").last).to_contain_text(
        re.compile(r"fake · [\d.]+ s · \d+ tokens/s")
    )
    assert re.search("/chat/conv_[0-9a-f]+$", page.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("count to five")

    page.reload()
    expect(turns(page)).to_have_text(["count to five\nplease", "one two three four five"])
    expect(page.locator("#list a[aria-current]")).to_have_text("count to five")
    expect(page).to_have_title("count to five · Sutdol")


@on_sqlite
@pytest.mark.parametrize("how", ["button", "key"])
def test_what_came_before_a_stop_stays_and_is_gone_on_with(
    serve: Serve, window: Open, how: str
) -> None:
    def reply(asked: Asked) -> str:
        return LONG if asked.last == "go on" else "well"

    with FakeServer(reply=reply, pace=0.02) as upstream:
        site = serve(openai_base_url=upstream.url)
        page = window(site).go("/chat")
        say(page, "go on")
        expect(turns(page).last).to_contain_text("well and good")
        if how == "key":
            page.keyboard.press("Escape")
        else:
            page.get_by_role("button", name="Stop").click()
        done(page)
        until(lambda: upstream.aborted)
        expect(page.get_by_label("Message", exact=True)).to_be_focused()
        expect(page.locator(".said .badge")).to_have_text("Stopped")
        shown = turns(page).last.inner_text()
        assert shown.startswith("well and good")
        assert on_record(site, page)[1][1].strip().startswith(shown.strip())

        say(page, "and now?")
        done(page)
        assert upstream.requests[-1].messages[0] == ("user", "go on")
        assert upstream.requests[-1].messages[1][1].startswith(shown.strip())
    page.reload()
    expect(page.locator(".said .badge")).to_have_text("Stopped")


@on_sqlite
def test_a_stop_before_anything_came_gives_the_text_back(serve: Serve, window: Open) -> None:
    with FakeServer(faults=[Fault(delay=5)]) as upstream:
        page = window(serve(openai_base_url=upstream.url)).go("/chat")
        say(page, "sharpen the old knife")
        expect(page.get_by_text("Waiting for the model")).to_be_visible()
        until(lambda: upstream.requests)
        page.keyboard.press("Escape")
        expect(page.get_by_label("Message", exact=True)).to_have_value("sharpen the old knife")
        expect(turns(page)).to_have_count(0)
        assert page.url.endswith("/chat")


@on_sqlite
def test_trying_again_and_saying_it_another_way_can_be_undone(serve: Serve, window: Open) -> None:
    answers = iter(["first", "second", "third", "fourth"])
    with FakeServer(reply=lambda _: next(answers)) as upstream:
        site = serve(openai_base_url=upstream.url)
        page = window(site).go("/chat")
        say(page, "one")
        done(page)
        page.get_by_role("button", name="Retry").click()
        expect(turns(page)).to_have_text(["one", "second"])
        expect(page.locator("#toasts")).to_contain_text("1 message was dropped.")
        done(page)
        assert on_record(site, page) == [("user", "one"), ("assistant", "second")]
        assert upstream.requests[-1].messages == (("user", "one"),)
        page.get_by_role("button", name="Undo").click()
        expect(turns(page)).to_have_text(["one", "first"])
        assert on_record(site, page)[1] == ("assistant", "first")

        say(page, "two")
        done(page)
        page.get_by_label("Message", exact=True).fill("a draft")
        page.locator(".mine").first.hover()
        page.get_by_role("button", name="Edit").first.click()
        expect(page.locator("#edits")).to_contain_text("Sending this drops 3 messages after it.")
        expect(page.get_by_label("Message", exact=True)).to_have_value("one")
        page.keyboard.press("Escape")
        expect(page.locator("#edits")).to_be_hidden()
        expect(page.get_by_label("Message", exact=True)).to_have_value("a draft")
        page.get_by_role("button", name="Edit").first.click()
        say(page, "uno")
        expect(turns(page)).to_have_text(["uno", "fourth"])
        expect(page.get_by_label("Message", exact=True)).to_have_value("a draft")
        done(page)
        page.get_by_role("button", name="Undo").click()
        expect(turns(page)).to_have_text(["one", "first", "two", "third"])
    page.reload()
    expect(turns(page)).to_have_text(["one", "first", "two", "third"])


@on_sqlite
def test_thumbs_and_corrections_are_kept_as_feedback(locked: Site, window: Open) -> None:
    new_user(locked, "kim", "user")
    site, kims = locked, cookie(signs_in(locked, "kim"))
    page = window(site, cookie=kims).go("/chat")
    say(page, "sharpen the knife")
    done(page)
    good, bad = (page.get_by_role("button", name=name) for name in ("Good answer", "Bad answer"))
    talk = f"{PATH}/{page.url.rpartition('/')[2]}"
    name = site.get(talk, key="", headers={"cookie": kims}).json["messages"][1]["id"]

    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    assert feedback(site) == [("thumb", {"up": True, "comment": ""}, name)]
    good.click()
    expect(good).to_have_attribute("aria-pressed", "false")
    assert feedback(site) == []

    bad.click()
    better = page.get_by_label("A better answer")
    expect(better).to_have_value("knife the sharpen")
    assert feedback(site) == [("thumb", {"up": False, "comment": ""}, name)]
    better.fill("Use a whetstone.")
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(page.locator("#toasts")).to_contain_text("Thank you")
    expect(bad).to_be_focused()
    assert feedback(site)[0] == ("correction", {"text": "Use a whetstone."}, name)

    page.reload()
    expect(bad).to_have_attribute("aria-pressed", "true")
    expect(good).to_have_attribute("aria-pressed", "false")


@on_sqlite
@pytest.mark.parametrize("blocked", ["error", "refusal"])
def test_what_the_guard_blocks_comes_back_to_be_changed(
    serve: Serve, upstream: FakeServer, window: Open, offence: str, blocked: str
) -> None:
    site = serve(openai_base_url=upstream.url, gateway={"blocked": blocked})
    page = window(site).go("/chat")
    area = page.get_by_label("Message", exact=True)
    say(page, "a fine day")
    done(page)
    say(page, offence)
    expect(page.get_by_role("alert")).to_contain_text("The guard blocked this message.")
    assert area.input_value() == offence
    assert turns(page).count() == 2
    assert len(on_record(site, page)) == 2
    say(page, "a finer day")
    done(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(turns(page)).to_have_text(["a fine day", "day fine a", "a finer day", "day finer a"])

    page.get_by_role("button", name="Edit").last.focus()
    page.keyboard.press("Enter")
    say(page, offence)
    expect(page.get_by_role("alert")).to_contain_text("The guard blocked this message.")
    expect(turns(page)).to_have_count(4)
    expect(page.locator("#edits")).to_be_visible()
    assert area.input_value() == offence
    assert len(on_record(site, page)) == 4


@on_sqlite
def test_an_answer_that_breaks_off_says_why_and_is_asked_for_again(
    serve: Serve, window: Open
) -> None:
    said = 'data: {"error": {"message": "The engine stumbled.", "code": "stumbled"}}\n\n'
    faults = [Fault(after=3, body=said), None, Fault(after=3, closed=True), Fault(status=500)] + [
        Fault(status=500)
    ]
    with FakeServer(reply=lambda _: "one two three", faults=faults) as upstream:
        site = serve(openai_base_url=upstream.url)
        page = window(site).go("/chat")
        say(page, "count")
        expect(page.locator(".said .notice")).to_have_text("The engine stumbled.")
        expect(turns(page).last).to_have_text("one two")
        expect(page.get_by_role("button", name="Good answer")).to_have_count(0)
        page.get_by_role("button", name="Retry").click()
        expect(turns(page)).to_have_text(["count", "one two three"])
        done(page)

        say(page, "again")
        expect(page.locator(".said .notice")).to_be_visible()
        expect(turns(page).last).to_have_text("one two")
        say(page, "more")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Message", exact=True)).to_have_value("more")
        expect(turns(page)).to_have_text(["count", "one two three", "again", "one two"])


@on_sqlite
def test_the_guard_stops_an_answer(serve: Serve, window: Open, offence: str) -> None:
    with FakeServer(reply=lambda _: f"{'a fine day ' * 30} {offence}") as upstream:
        gateway = {"guard_output": True, "hold_back": 100}
        page = window(serve(openai_base_url=upstream.url, gateway=gateway)).go("/chat")
        say(page, "how is the day?")
        expect(page.locator(".said .notice")).to_have_text("The guard stopped this answer.")
        assert offence not in page.content()
        expect(page.get_by_role("button", name="Good answer")).to_have_count(0)
        expect(page.get_by_role("button", name="Retry")).to_be_visible()


@on_sqlite
def test_enter_sends_but_not_while_a_syllable_is_put_together(site: Site, window: Open) -> None:
    page = window(site, language="ko").go("/chat")
    area = page.get_by_label("메시지", exact=True)
    area.focus()
    cdp: CDPSession = page.context.new_cdp_session(page)
    for text in ("ㅎ", "하", "한"):
        cdp.send("Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1})
    # Chromium tells of the key while the syllable is open, Safari after it, by the code alone.
    pressed = """how => document.activeElement.dispatchEvent(new KeyboardEvent("keydown",
        {key: "Enter", bubbles: true, cancelable: true, ...how}))"""
    assert page.evaluate(pressed, {"isComposing": True, "keyCode": 229}) is True
    assert page.evaluate(pressed, {"isComposing": True}) is True
    cdp.send("Input.insertText", {"text": "한"})
    assert page.evaluate(pressed, {"keyCode": 229}) is True
    expect(area).to_have_value("한")
    expect(turns(page)).to_have_count(0)

    page.keyboard.press("Shift+Enter")
    cdp.send("Input.insertText", {"text": "글"})
    expect(area).to_have_value("한\n글")
    page.keyboard.press("Enter")
    expect(turns(page)).to_have_text(["한\n글", "글 한"])
    expect(area).to_have_value("")


@on_sqlite
def test_drafts_stay_with_their_conversation(site: Site, window: Open) -> None:
    made = [site.post(PATH, {"title": name}).json["id"] for name in ("stones", "knives")]
    page = window(site).go(f"/chat/{made[0]}")
    area = page.get_by_label("Message", exact=True)
    area.fill("about stones\n\nand water")
    height = area.evaluate("one => one.clientHeight")
    page.get_by_role("link", name="knives").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("knives")
    expect(area).to_have_value("")
    assert area.evaluate("one => one.clientHeight") < height
    page.go_back()
    expect(area).to_have_value("about stones\n\nand water")
    page.reload()
    expect(area).to_have_value("about stones\n\nand water")
    page.keyboard.press("Control+Shift+O")
    expect(page.get_by_role("heading", level=1)).to_have_text("New chat")
    expect(area).to_have_value("")
    expect(area).to_be_focused()
    assert page.url.endswith("/chat")


@on_sqlite
def test_conversations_are_found_renamed_taken_away_and_deleted_by_keys(
    site: Site, window: Open
) -> None:
    texts = [{"role": "user", "content": "the grit of a whetstone"}]
    for number in range(60):
        site.post(PATH, {"title": f"talk {number}", "messages": texts if number == 7 else []})
    page = window(site).go("/chat")
    expect(page.locator("#list a")).to_have_count(50)
    page.get_by_role("button", name="Load more").click()
    expect(page.locator("#list a")).to_have_count(60)

    search = page.get_by_role("searchbox", name="Search conversations")
    search.fill("GRIT")
    expect(page.locator("#list a")).to_have_text(["talk 7"])
    search.fill("nothing like it")
    expect(page.locator("#found")).to_have_text("No conversation has these words.")
    search.fill("grit")
    expect(page.locator("#list a")).to_have_count(1)

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("talk 7")
    page.get_by_role("button", name="More about talk 7").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Rename", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Title").fill("whetstones")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("whetstones")
    expect(page.locator("#list a").first).to_have_text("whetstones")

    page.get_by_role("button", name="More about this conversation").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download as Markdown").click()
    assert "grit of a whetstone" in taken.value.path().read_text(encoding="utf-8")

    search.fill("")
    expect(page.locator("#list a")).to_have_count(50)
    page.get_by_role("button", name="More about talk 59").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("“talk 59” and all that was said in it")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="talk 59")).to_have_count(0)
    expect(page.get_by_role("link", name="talk 58")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("whetstones")
    assert site.get(f"{PATH}?q=talk 59".replace(" ", "%20")).json["data"] == []


@on_sqlite
def test_a_long_conversation_opens_at_its_end_and_goes_back(site: Site, window: Open) -> None:
    text = "A line of **text**, `code` and more.\n\n- a\n- b\n\n" * 3
    said = [{"role": ("user", "assistant")[n % 2], "content": f"{n} {text}"} for n in range(1_000)]
    name = site.post(PATH, {"title": "long", "messages": said}).json["id"]
    opened = window(site)
    opened.go("/chat")
    begun = time.monotonic()
    page = opened.go(f"/chat/{name}")
    assert time.monotonic() - begun < 3, "a second where the machine is not shared"
    expect(turns(page)).to_have_count(50)
    expect(turns(page).last).to_be_in_viewport()
    expect(page.get_by_role("button", name="Jump to the latest")).to_be_hidden()
    first = turns(page).first
    page.get_by_role("button", name="Earlier messages").focus()
    page.keyboard.press("Enter")
    expect(turns(page)).to_have_count(100)
    expect(turns(page).first).to_contain_text("900 A line")
    page.get_by_role("button", name="Jump to the latest").click()
    expect(turns(page).last).to_be_in_viewport()
    expect(first).not_to_be_in_viewport()


@on_sqlite
def test_what_one_reads_stays_in_place_while_more_comes(serve: Serve, window: Open) -> None:
    with FakeServer(reply=lambda _: "line\n\n" * 400, pace=0.01) as upstream:
        page = window(serve(openai_base_url=upstream.url)).go("/chat")
        say(page, "go on")
        latest = page.get_by_role("button", name="Jump to the latest")
        expect(page.locator(".said p").nth(40)).to_be_visible()
        expect(latest).to_be_hidden()
        page.locator("#log").hover()
        page.mouse.wheel(0, -2000)
        expect(latest).to_be_visible()
        place = page.locator("#log").evaluate("one => one.scrollTop")
        expect(page.locator(".said p").nth(80)).to_be_attached()
        assert page.locator("#log").evaluate("one => one.scrollTop") == place
        latest.click()
        expect(latest).to_be_hidden()
        expect(page.locator(".said p").nth(140)).to_be_attached()
        expect(page.locator(".said p").last).to_be_in_viewport()
        page.keyboard.press("Escape")
        done(page)


@on_sqlite
def test_without_a_model_it_says_what_to_do(serve: Serve, window: Open) -> None:
    page = window(serve()).go("/chat")
    expect(page.get_by_role("heading", name="No model answers yet")).to_be_visible()
    expect(page.get_by_text("OPENAI_BASE_URL=http://127.0.0.1:11434/v1 sutdol up")).to_be_visible()
    page.get_by_label("Message", exact=True).fill("hello")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()

    away = window(serve(openai_base_url="http://127.0.0.1:9/v1")).go("/chat")
    expect(away.locator("#trouble")).to_contain_text("openai")


@on_sqlite
def test_the_model_that_was_chosen_is_asked_the_next_time_too(serve: Serve, window: Open) -> None:
    with FakeServer(model=["small", "large"]) as upstream:
        page = window(serve(openai_base_url=upstream.url)).go("/chat")
        page.get_by_label("Model").select_option("small")
        page.reload()
        expect(page.get_by_label("Model")).to_have_value("small")
        say(page, "hello")
        done(page)
        assert upstream.requests[-1].body["model"] == "small"


@on_sqlite
def test_a_conversation_of_nobody_is_not_there(site: Site, window: Open) -> None:
    page = window(site).go("/chat/conv_none")
    expect(page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
    page.get_by_role("link", name="New chat").last.click()
    expect(page.get_by_role("heading", name="What can I help with?")).to_be_visible()


@on_sqlite
@pytest.mark.parametrize(("language", "phone", "dark"), [("en", False, False), ("ko", True, True)])
def test_everybody_can_use_it(
    serve: Serve, window: Open, language: str, phone: bool, dark: bool
) -> None:
    reply = "### A\n\n| | b |\n|-|-|\n| 1 | 2 |\n\n- [x] c\n\n```py\nd = 1\n```\n\n> [e](https://a.example) `f`"
    with FakeServer(reply=lambda _: reply) as upstream:
        site = serve(openai_base_url=upstream.url)
        opened = window(site, language=language, phone=phone, dark=dark, strict=False)
        page = opened.go("/chat")
        assert opened.violations() == []
        page.locator(".examples button").first.click()
        page.keyboard.press("Enter")
        done(page)
        page.locator("#rename").focus()
        assert opened.violations() == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if phone:
            page.get_by_role("button", name="대화 목록").click()
            expect(page.get_by_role("link", name="새 대화").first).to_be_visible()
            assert opened.violations() == []
            page.locator("#list button").first.click()
            page.get_by_role("button", name="삭제").click()
            assert opened.violations() == []
            page.get_by_role("dialog").get_by_role("button", name="삭제").click()
            expect(page.get_by_role("heading", name="무엇을 도와드릴까요?")).to_be_visible()
    window(site)
