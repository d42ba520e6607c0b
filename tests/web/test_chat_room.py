"""The page of chats around what is said: conversations, drafts, models, and everybody's hands."""

import pytest
from playwright.sync_api import expect
from tests.api.conftest import Serve
from tests.api.site import Site, until
from tests.databases import on_sqlite
from tests.web.conftest import Open, tab_to
from tests.web.talking import LONG, PATH, done, say, turns

from sutdol.models.fake import FakeServer

FORMED = "# A\n\n| | b |\n|-|-|\n| 1 | 2 |\n\n- [x] c\n\n```py\nd\n```\n\n> [e](https://a.example)"


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
def test_conversations_are_found_by_keys(site: Site, window: Open) -> None:
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
    expect(turns(page)).to_have_text(["the grit of a whetstone"])


@on_sqlite
def test_one_chats_judges_and_asks_again_by_keyboard_alone(site: Site, window: Open) -> None:
    page = window(site).go("/chat")
    page.keyboard.type("sharpen the knife")
    page.keyboard.press("Enter")
    done(page)
    tab_to(page, page.get_by_role("button", name="Good answer"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    tab_to(page, page.get_by_role("button", name="Retry"))
    page.keyboard.press("Enter")
    done(page)
    expect(turns(page)).to_have_count(2)
    expect(turns(page).last).to_have_text("knife the sharpen")
    assert site.get("/api/v1/feedback").json["data"][0]["value"]["up"] is True


@on_sqlite
def test_a_conversation_is_renamed_taken_away_and_deleted_by_keys(site: Site, window: Open) -> None:
    texts = [{"role": "user", "content": "the grit of a whetstone"}]
    made = [site.post(PATH, {"title": name, "messages": texts}).json["id"] for name in "abc"]
    page = window(site).go(f"/chat/{made[1]}")
    page.get_by_role("button", name="More about b").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Rename", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Title").fill("stones")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("stones")
    expect(page.locator("#list a")).to_have_text(["c", "stones", "a"])

    page.get_by_role("button", name="More about this conversation").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download as Markdown").click()
    assert "# stones" in taken.value.path().read_text(encoding="utf-8")

    page.get_by_role("button", name="More about c").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("“c” and all that was said in it")
    page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    expect(page.locator("#list a")).to_have_text(["stones", "a"])
    expect(page.get_by_role("link", name="stones")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("stones")
    assert [one["title"] for one in site.get(PATH).json["data"]] == ["stones", "a"]


@on_sqlite
def test_a_long_conversation_opens_at_its_end_and_goes_back(site: Site, window: Open) -> None:
    text = "A line of **text**, `code` and more.\n\n- a\n- b\n\n" * 3
    said = [{"role": ("user", "assistant")[n % 2], "content": f"{n} {text}"} for n in range(1_000)]
    name = site.post(PATH, {"title": "long", "messages": said}).json["id"]
    opened = window(site)
    opened.go("/chat")
    page = opened.go(f"/chat/{name}")
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
def test_who_goes_elsewhere_stops_the_answer_and_finds_what_had_come(
    serve: Serve, window: Open
) -> None:
    with FakeServer(reply=lambda _: LONG, pace=0.02) as upstream:
        site = serve(openai_base_url=upstream.url)
        messages = [
            {"role": "system", "content": "be brief"},
            {"role": "tool", "content": "21 degrees"},
            {"role": "user", "content": "hello"},
        ]
        site.post(PATH, {"title": "older", "messages": messages})
        page = window(site).go("/chat")
        say(page, "go on")
        expect(turns(page).last).to_contain_text("well and good")
        page.get_by_role("link", name="older").click()
        expect(page.locator("#toasts")).to_contain_text("The answer was stopped.")
        expect(page.locator("details summary")).to_have_text(
            ["Instructions", "What a tool answered"]
        )
        expect(page.get_by_role("button", name="Ask again")).to_have_count(1)
        page.get_by_role("link", name="go on", exact=True).click()
        expect(turns(page).last).to_contain_text("well and good")
        expect(page.locator(".said .badge")).to_have_text("Stopped")
        until(lambda: upstream.aborted)


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
    with FakeServer(reply=lambda _: FORMED) as upstream:
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
