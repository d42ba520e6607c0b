"""Talking with a model: what comes is seen, stopped, tried again, said another way, and judged."""

import re
from typing import Any

import pytest
from playwright.sync_api import CDPSession, expect
from tests.api.conftest import Serve
from tests.api.people import cookie, new_user, signs_in
from tests.api.site import Site, until
from tests.databases import on_sqlite
from tests.web.conftest import Open
from tests.web.talking import LONG, PATH, done, on_record, say, turns

from sutdol.models.fake import Asked, FakeServer, Fault


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
def test_an_answer_is_tried_again_and_comes_back_by_undo(serve: Serve, window: Open) -> None:
    answers = iter(["first", "second"])
    with FakeServer(reply=lambda _: next(answers)) as upstream:
        site = serve(openai_base_url=upstream.url)
        page = window(site).go("/chat")
        say(page, "one")
        done(page)
        page.get_by_role("button", name="Retry").focus()
        page.keyboard.press("Enter")
        expect(turns(page)).to_have_text(["one", "second"])
        expect(page.locator("#toasts")).to_contain_text("1 message was dropped.")
        expect(page.get_by_label("Message", exact=True)).to_be_focused()
        done(page)
        assert on_record(site, page) == [("user", "one"), ("assistant", "second")]
        assert upstream.requests[-1].messages == (("user", "one"),)
        page.get_by_role("button", name="Undo").click()
        expect(turns(page)).to_have_text(["one", "first"])
        expect(page.get_by_label("Message", exact=True)).to_be_focused()
        assert on_record(site, page)[1] == ("assistant", "first")


@on_sqlite
def test_what_one_said_is_said_another_way_and_comes_back_by_undo(site: Site, window: Open) -> None:
    page = window(site).go("/chat")
    area = page.get_by_label("Message", exact=True)
    for text in ("one", "two"):
        say(page, text)
        done(page)
    area.fill("a draft")
    page.locator(".mine").first.hover()
    page.get_by_role("button", name="Edit").first.click()
    expect(page.locator("#edits")).to_contain_text("Sending this drops 3 messages after it.")
    expect(area).to_have_value("one")
    page.keyboard.press("Escape")
    expect(page.locator("#edits")).to_be_hidden()
    expect(area).to_have_value("a draft")

    page.get_by_role("button", name="Edit").first.click()
    say(page, "uno")
    expect(turns(page)).to_have_text(["uno", "uno"])
    expect(area).to_have_value("a draft")
    done(page)
    assert on_record(site, page) == [("user", "uno"), ("assistant", "uno")]
    page.get_by_role("button", name="Undo").click()
    expect(turns(page)).to_have_text(["one", "one", "two", "two"])
    page.reload()
    expect(turns(page)).to_have_text(["one", "one", "two", "two"])


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
    failing = Fault(status=500)
    faults = [Fault(after=3, body=said), None, Fault(after=3, closed=True), failing, failing]
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
def test_nothing_one_wrote_is_lost_with_the_server(serve: Serve, window: Open) -> None:
    with FakeServer(reply=lambda _: "one two three") as upstream:
        page = window(serve(openai_base_url=upstream.url), language="ko").go("/chat")
        area = page.get_by_label("메시지", exact=True)
        area.fill("count")
        page.get_by_role("button", name="보내기").dblclick()  # the second click is no stop
        expect(turns(page)).to_have_text(["count", "one two three"])
        done(page)

        page.context.set_offline(True)
        area.fill("more")
        page.keyboard.press("Enter")
        expect(page.locator("#wrong")).to_have_text("서버에 연결할 수 없습니다.")
        expect(area).to_have_value("more")
        expect(turns(page)).to_have_text(["count", "one two three"])
        page.context.set_offline(False)
        area.press("Enter")
        expect(turns(page)).to_have_text(["count", "one two three", "more", "one two three"])


@on_sqlite
def test_what_is_asked_again_of_a_deleted_conversation_comes_back_to_be_sent(
    site: Site, window: Open
) -> None:
    page = window(site).go("/chat")
    say(page, "count")
    done(page)
    site.delete(f"{PATH}/{page.url.rpartition('/')[2]}")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#wrong")).to_contain_text("send it again")
    expect(page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_have_value("count")
    page.get_by_label("Message", exact=True).press("Enter")
    done(page)
    expect(turns(page).first).to_have_text("count")
    expect(page.get_by_role("heading", name="This conversation is not here")).to_be_hidden()
