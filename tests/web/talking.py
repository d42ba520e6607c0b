"""What a person does on the page of chats, and what the server has of it."""

from playwright.sync_api import Locator, Page, expect
from tests.api.site import Site

PATH = "/api/v1/conversations"
LONG = "well and good " * 400


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def turns(page: Page) -> Locator:
    return page.locator(".said .text")


def done(page: Page) -> None:
    """The last answer is there, or what there will be of it."""
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator(".said:last-child .acts")).to_be_visible()


def on_record(site: Site, page: Page) -> list[tuple[str, str]]:
    name = page.url.rpartition("/")[2]
    told = site.get(f"{PATH}/{name}").json["messages"]
    return [(one["role"], one["content"]) for one in told]
