"""Models in the browser: who reigns and why, versions side by side, verdicts, the way back."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.api.people import cookie, new_user, signs_in
from tests.api.site import Site, serving
from tests.api.test_models import URL, fought, judged, more, second, sutdol  # noqa: F401  fixtures
from tests.databases import Databases, on_sqlite
from tests.web.conftest import Open
from tests.web.worker import working

from sutdol.app import Sutdol
from sutdol.core.caller import UserRole
from sutdol.core.settings import Settings
from sutdol.loop.verdict import Check
from sutdol.storage import promotions
from sutdol.storage.versions import Version

VERDICT = "/models/guard/verdicts/guard-one"
COMPARE = "/models/guard/compare?a=guard-v1&b=guard-v2"
PAGES = ("/models", "/models/guard/guard-v2", COMPARE, VERDICT)


def check(name: str, kind: str, before: float, after: float, **other: Any) -> dict[str, Any]:
    """A check of the gate, as a verdict keeps it."""
    loss = after - before if name.startswith("false") else before - after
    found = {"name": name, "kind": kind, "against": "champion", "champion": before}
    found |= {"challenger": after, "loss": loss, "bound": loss + 0.01, "margin": 0.02, "n": 1500}
    found |= {"state": "passed"} | other
    assert found.keys() == set(Check.__dataclass_fields__)
    return found


REASON = "false positives lost 4.0 points against the champion (limit 2, n 1500)"
BODY: dict[str, Any] = {
    "decision": "reject",
    "reason": REASON,
    "primary": {
        "name": "attacked recall",
        "champion": 0.9,
        "challenger": 0.95,
        "effect": 0.05,
        "low": 0.03,
        "high": 0.07,
        "p": 0.0001,
        "alpha": 0.01,
        "n": 1500,
        "test": "joint paired bootstrap",
        "detectable": 0.02,
        "wanted": 700,
    },
    "guard_rails": [
        check("clean recall", "proven", 0.97, 0.972),
        check("false positives", "proven", 0.01, 0.05, state="breached"),
        check("clean recall", "proven", 0.96, 0.972, against="anchor", margin=0.03),
        check("attacked recall family:leet", "alarm", 0.8, 0.9, n=900),
        check("attacked recall attack:mask", "alarm", 0.8, 0.7, n=20, state="not judged"),
    ],
    "budget": {"position": 1, "alpha": 0.01},
    "scores": "5c" * 32,
}


@pytest.fixture
def verdict(sutdol: Sutdol, second: Version) -> str:  # noqa: F811
    """The gate refused guard-v2, and both fought in one battle."""
    fought(sutdol, "guard-v1", "guard-v2")
    stored = judged(sutdol, "guard-one", body=BODY, decision="reject", reason=REASON)
    return stored.id


@pytest.fixture
def crowned(site: Site, second: Version) -> Version:  # noqa: F811
    """guard-v2 reigns, so that there is a way back."""
    done = site.post(f"{URL}/guard/promote", {"version": "guard-v2", "reason": "a test"})
    assert done.status == 200
    return second


def tab_to(page: Page, wanted: Locator, most: int = 60) -> None:
    """Press Tab until it has the focus, as who has no mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{most} times Tab do not lead to {wanted}")


def crownings(sutdol: Sutdol) -> list[tuple[str, str, str]]:  # noqa: F811
    with sutdol.db.read() as tx:
        return [(one.kind, one.to_version, one.reason) for one in promotions.all(tx, "guard")]


@on_sqlite
def test_a_role_says_who_reigns_why_and_what_the_gate_thought_of_the_challenger(
    site: Site,
    window: Open,
    verdict: str,
) -> None:
    page = window(site).go("/models")
    expect(page.get_by_role("heading", name="guard", exact=True)).to_be_visible()
    champion, challenger = (page.get_by_role("region", name=name) for name in CARDS)
    expect(champion).to_contain_text("guard-v1")
    expect(champion).to_contain_text("there was nobody to beat")
    expect(challenger).to_contain_text("reject: false positives lost 4.0 points")
    row = page.get_by_role("row", name="guard-v2")
    expect(row).to_contain_text("challenger")
    expect(row.get_by_role("link", name="reject")).to_have_attribute("href", VERDICT)

    page.get_by_role("button", name="Version").click()
    names = page.locator("tbody tr th a")
    expect(names).to_have_text(["guard-v1", "guard-v2"])
    history = page.get_by_role("region", name="History").get_by_role("listitem")
    expect(history).to_have_count(2)
    expect(history.first).to_contain_text("guard-v2 vs. guard-v1")


CARDS = ("Champion", "Challenger")


@on_sqlite
@pytest.mark.parametrize("role", ["user", "operator"])
def test_only_operators_are_offered_deeds(
    locked: Site, window: Open, verdict: str, role: UserRole
) -> None:
    new_user(locked, "kim", role)
    opened = window(locked, cookie=cookie(signs_in(locked, "kim")))
    many = 1 if role == "operator" else 0
    for path, deeds in (
        ("/models", ("Improve now", "Promote by hand")),
        ("/models/guard/guard-v2", ("Promote by hand",)),
        (VERDICT, ("Recompute",)),
    ):
        page = opened.go(path)
        for deed in deeds:
            expect(page.get_by_role("button", name=deed)).to_have_count(many)
    expect(opened.go("/models").get_by_role("button", name="Compare")).to_be_disabled()


@on_sqlite
def test_two_versions_are_chosen_and_compared_by_keyboard(
    site: Site, window: Open, verdict: str
) -> None:
    page = window(site).go("/models")
    for name in ("guard-v2", "guard-v1"):
        tab_to(page, page.get_by_label(f"Choose {name}"))
        page.keyboard.press("Space")
    expect(page.get_by_text("Chosen: guard-v1, guard-v2")).to_be_visible()
    compare = page.get_by_role("button", name="Compare")
    compare.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{COMPARE}")
    page.wait_for_selector("main:not([aria-busy=true])")

    better, worse = (page.get_by_role("region", name=f"What got {how}") for how in TURNS)
    expect(better).to_have_text(re.compile(r"Attacked recall\s*\+5\.0 better", re.IGNORECASE))
    expect(worse).to_have_text(re.compile(r"False positives\s*\+4\.0 worse", re.IGNORECASE))
    exam = page.get_by_role("table", name="Measures of the gate")
    expect(exam.get_by_role("row", name="clean recall")).to_contain_text("no clear change")
    expect(page.get_by_role("link", name="battle 1")).to_have_attribute("href", "/arena/1")
    seen = page.get_by_role("row", name="seen attacks caught")
    expect(seen).to_contain_text("10.0 % [0.0, 100.0]")
    expect(seen).to_contain_text("no clear change")

    page.get_by_label("From", exact=True).select_option("guard-v2")
    tab_to(page, page.get_by_label("To", exact=True))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_role("button", name="Compare"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?a=guard-v2&b=guard-v1")
    expect(page.get_by_role("region", name="What got worse")).to_contain_text("−5.0 worse")


TURNS = ("better", "worse")


@on_sqlite
def test_going_back_is_asked_for_with_a_reason_and_undone_by_keyboard(
    site: Site,
    window: Open,
    sutdol: Sutdol,  # noqa: F811
    crowned: Version,
) -> None:
    page = window(site).go("/models")
    back = page.get_by_role("button", name="Roll back")
    tab_to(page, back)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Roll back to guard-v1?")
    expect(dialog).to_contain_text("guard-v1 decides from then on, in place of guard-v2.")
    page.keyboard.press("Enter")  # without a reason nothing happens
    expect(dialog).to_be_visible()
    page.keyboard.type("complaints")
    page.keyboard.press("Enter")

    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    champion = page.get_by_role("region", name="Champion")
    expect(champion).to_contain_text("Rolled back from guard-v2 by local: complaints")
    expect(back).to_be_hidden()  # there is nobody before the first
    page.keyboard.press("Enter")
    expect(page.get_by_text("guard-v2 is the champion again.", exact=True)).to_be_visible()
    expect(champion).to_contain_text("Promoted by hand by local: undo of the roll-back")
    expect(page.locator(".past li").nth(1)).to_contain_text("local: complaints")
    expect(back).to_be_focused()
    assert crownings(sutdol)[2:] == [
        ("rollback", "guard-v1", "complaints"),
        ("force", "guard-v2", "undo roll-back"),
    ]


@on_sqlite
def test_a_version_is_promoted_by_hand_from_the_list_and_from_its_page(
    site: Site,
    window: Open,
    sutdol: Sutdol,  # noqa: F811
    verdict: str,
) -> None:
    page = window(site).go("/models")
    promote = page.get_by_role("button", name="Promote by hand")
    expect(promote).to_be_disabled()
    page.get_by_label("Choose guard-v2").check()
    promote.click()
    dialog = page.get_by_role("dialog", name="Promote guard-v2 by hand?")
    expect(dialog).to_contain_text("No verdict says that it is better")
    dialog.get_by_label("Reason").fill("the audit of May")
    dialog.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("region", name="Champion")).to_contain_text("the audit of May")
    expect(promote).to_be_disabled()

    page.goto(f"{site.url}/models/guard/guard-v1")
    page.get_by_role("button", name="Promote by hand").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("better after all")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It decides on every request.")).to_be_visible()
    expect(page.get_by_role("button", name="Roll back")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert [one[:2] for one in crownings(sutdol)[1:]] == [
        ("force", "guard-v2"),
        ("force", "guard-v1"),
    ]


@on_sqlite
def test_a_turn_is_followed_to_its_verdict_which_can_be_recomputed(
    site: Site,
    window: Open,
    sutdol: Sutdol,  # noqa: F811
) -> None:
    more(sutdol)
    page = window(site).go("/models")
    page.get_by_role("button", name="Improve now").click()
    page.get_by_label("Dry run").check()
    page.get_by_role("button", name="Improve", exact=True).click()
    turn = page.get_by_role("region", name="A dry run")
    expect(turn).to_contain_text("It waits for a worker")
    page.reload()  # whoever comes back sees it again
    expect(turn).to_contain_text("It waits for a worker")
    with working(sutdol):
        expect(turn.locator("[aria-current=step]")).to_have_count(1)
        turn.get_by_role("link", name="Read the verdict").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("guard-v2 against guard-v1")
    page.get_by_role("button", name="Recompute").click()
    expect(page.get_by_text("Recomputed from the stored scores: it agrees.")).to_be_visible()


@on_sqlite
def test_a_turn_that_has_nothing_to_learn_says_what_to_do(
    site: Site,
    window: Open,
    sutdol: Sutdol,  # noqa: F811
) -> None:
    page = window(site, language="ko").go("/models")
    with working(sutdol):
        page.get_by_role("button", name="지금 개선").click()
        page.get_by_role("button", name="개선 시작").click()
        expect(page.get_by_text("새로 배울 것이 없습니다.")).to_be_visible()
    page.get_by_role("button", name="숨기기").click()
    expect(page.get_by_text("새로 배울 것이 없습니다.")).to_be_hidden()


@on_sqlite
def test_a_verdict_shows_its_numbers_and_what_was_watched(
    site: Site, window: Open, verdict: str
) -> None:
    page = window(site).go(VERDICT)
    expect(page.locator("#reason")).to_have_text(
        "false positives lost 4.0 points against the champion (limit 2, n 1,500)."
    )
    for name, value in (("Gain", "+5.0 points"), ("Allowed", "0.0100"), ("guard-v1", "90.0 %")):
        expect(page.locator(".stat", has_text=name).first).to_contain_text(value)
    rails = page.get_by_role("table", name="Guard-rails").get_by_role("row")
    expect(rails).to_have_count(4)
    expect(rails.nth(2)).to_contain_text("breached")
    page.get_by_text("2 slices were watched for harm, 1 judged, 0 rang").click()
    slices = page.get_by_role("table", name="Slices").locator("tbody tr")
    expect(slices.first).to_contain_text("attack mask")  # the greatest loss first
    page.get_by_label("Filter").fill("leet")
    expect(slices).to_have_count(1)
    page.get_by_role("button", name="Recompute").click()
    expect(page.get_by_text("The look of guard-one is gone")).to_be_visible()


@on_sqlite
def test_a_version_shows_what_it_is_made_of_and_what_there_is_about_it(
    site: Site, window: Open, verdict: str
) -> None:
    opened = window(site)
    page = opened.go("/models/guard/guard-v2")
    expect(page.get_by_text("The newest challenger")).to_be_visible()
    expect(page.locator("#line")).to_contain_text("guard-v1")
    expect(page.locator("#did")).to_contain_text("20.0 %")
    expect(page.locator("#learned")).to_contain_text("100.0 %")
    about = page.get_by_role("row", name="reject")
    expect(about.get_by_role("link", name="reject")).to_have_attribute("href", VERDICT)
    page.get_by_text("Manifest", exact=True).click()
    expect(page.get_by_text("thresholds.en")).to_be_visible()
    page.locator("#line").get_by_role("link", name="guard-v1").click()
    expect(page.get_by_role("heading", level=1, name="guard-v1")).to_contain_text("champion")

    wrong = opened.go("/models/guard/guard-v9")
    expect(wrong.get_by_text("Did you mean")).to_be_visible()
    wrong.get_by_role("link", name="All models").click()
    wrong.wait_for_url("**/models")


@pytest.fixture
def new(databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """A server on a home where nothing was trained yet."""
    url = databases.migrated(tmp_path)
    with serving(Settings.load(home=tmp_path, database_url=url)) as site:
        yield site


@on_sqlite
def test_a_home_without_a_model_says_how_to_get_one(new: Site, window: Open) -> None:
    opened = window(new)
    page = opened.go("/models")
    expect(page.get_by_role("heading", name="No guard yet")).to_be_visible()
    expect(page.get_by_text("sutdol guard train --data FILE")).to_be_visible()
    expect(page.get_by_role("link", name="To the arena")).to_have_attribute("href", "/arena")
    lone = opened.go("/models/guard/compare")
    expect(lone.get_by_role("heading", name="There is only one version")).to_be_visible()


@on_sqlite
@pytest.mark.parametrize("how", [{}, {"language": "ko", "phone": True, "dark": True}])
def test_every_page_is_for_everybody_and_fits(
    site: Site, window: Open, verdict: str, how: dict[str, Any]
) -> None:
    opened = window(site, strict=False, **how)
    for path in PAGES:
        page = opened.go(path)
        for one in page.locator("details > summary").all():
            one.click()
        assert opened.violations() == [], path
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, path
        if how:
            said = page.locator("main").inner_text()
            assert not re.findall(r"\b(?:the|is|and|with)\b", said), path
