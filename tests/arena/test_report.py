"""The page and the picture of a battle: self-contained, in both languages, safe to open."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from sutdol.arena.report import curve, page

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("x")</script><img src=http://evil.example/x onerror=alert(1)>'


def figure(value: float, n: int = 80) -> dict[str, Any]:
    return {"value": value, "low": max(0, value - 0.05), "high": min(1, value + 0.05), "n": n}


def one_round(number: int, **changed: Any) -> dict[str, Any]:
    shares = {"detection_rate": 0.8, "evasion_rate": 0.2, "accuracy": 0.9, "precision": 0.95}
    return {
        "round": number,
        "guard": f"guard-v{number}",
        "attacks": 160,
        **shares,
        "recall": 0.8,
        "f1": 0.87,
        **{name: figure(0.8) for name in ("seen", "clean", "retention_seen")},
        **{name: figure(0.6) for name in ("held_out", "adaptive", "retention_held_out")},
        "independent": None,
        **{name: figure(0.05) for name in ("fpr_clean", "fpr_twins", "fpr_twins_unseen")},
        "fpr_twins_worst": {"attack": "zalgo", **figure(0.08)},
        "fight": {name: figure(0.9) for name in ("accuracy", "precision", "recall", "f1")},
        "families": {name: figure(0.7) for name in ("leet", "padding", "mask")},
        "families_held_out": {name: figure(0.7) for name in ("typo", "fake_final")},
        "learned": 12,
        "verdict": None,
        "resists": [],
        "rolled_back": None,
    } | changed


VERDICT: dict[str, Any] = {
    "id": "guard-abc",
    "decision": "promote",
    "reason": "attacked recall +5.0 points",
    "budget": {"position": 1, "alpha": 0.01},
}


def battle(*rounds: dict[str, Any]) -> dict[str, Any]:
    settings = {"queries": 80, "edits": 4, "attack_strategy": "mixed", "texts": 150, "rounds": 2}
    return {"battle": "3", "seed": 1, "settings": settings, "data": {}, "rounds": list(rounds)}


class Seen(HTMLParser):
    """Every tag with its attributes, and all text but the chart's script."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.words += " | " if tag == "td" else ""

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1] != ("script", {"type": "module"}):
            self.words += data


@pytest.fixture
def seen() -> Callable[..., Seen]:
    """`seen(one_round(1))`: the page of these rounds, read."""
    return lambda *rounds: Seen(page(battle(*rounds)))


def test_nothing_is_loaded_and_only_the_chart_runs(seen: Callable[..., Seen]) -> None:
    found = seen(one_round(1), one_round(2, verdict=VERDICT))
    names = {tag for tag, _ in found.tags}
    assert names.isdisjoint({"link", "img", "iframe", "object", "embed", "base"})
    scripts = [attributes for tag, attributes in found.tags if tag == "script"]
    assert scripts == [{"type": "application/json"}, {"type": "module"}]
    (policy,) = [more["content"] or "" for _, more in found.tags if "http-equiv" in more]
    assert policy.startswith("default-src 'none'; ")
    assert "script-src 'sha256-" in policy
    for _, attributes in found.tags:
        assert not {"src", "href", "action", "srcset", "data"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    made = page(battle(one_round(1)))
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", made))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, never fetched
    assert "@import" not in made
    assert "url(" not in made


def test_the_curve_stands_inside(seen: Callable[..., Seen]) -> None:
    found = seen(one_round(1), one_round(2))
    assert [tag for tag, _ in found.tags].count("svg") == 1
    assert [tag for tag, _ in found.tags].count("polyline") == 5


def test_it_speaks_english_and_korean(seen: Callable[..., Seen]) -> None:
    found = seen(one_round(1))
    assert "Does the guard get harder to fool?" in found.words
    assert "가드는 점점 속이기 어려워지는가?" in found.words
    assert [attributes for _, attributes in found.tags if attributes.get("lang") == "ko"]
    assert ("meta", {"charset": "utf-8"}) in found.tags


def test_whatever_a_verdict_says_stays_text(seen: Callable[..., Seen]) -> None:
    verdict = VERDICT | {"reason": HOSTILE, "decision": HOSTILE, "id": HOSTILE}
    hostile = one_round(
        1,
        guard=HOSTILE,
        verdict=verdict,
        families={HOSTILE: figure(0.5)},
        resists=[HOSTILE],
        fpr_twins_worst={"attack": HOSTILE, **figure(0.1)},
    )
    found = seen(hostile)
    names = [tag for tag, _ in found.tags]
    assert (names.count("script"), names.count("img")) == (2, 0)
    assert found.words.count(HOSTILE) >= 5


def test_each_round_is_a_row_with_its_figures_and_intervals(seen: Callable[..., Seen]) -> None:
    found = seen(one_round(1), one_round(2, seen=figure(0.9), verdict=VERDICT))
    assert "80 [75, 85]" in found.words
    assert "90 [85, 95]" in found.words
    assert "guard-v1" in found.words
    assert "round 2: promote: attacked recall +5.0 points (guard-abc, look 1)" in found.words
    assert "greedy search, 80 queries and 4 edited words a text" in found.words
    assert "n = 80 attacked texts" in found.words


def test_what_was_not_measured_is_said(seen: Callable[..., Seen]) -> None:
    unknown = {"value": None, "low": None, "high": None, "n": 0}
    assert "not measured" in seen(one_round(1, adaptive=unknown)).words
    assert "not measured" not in seen(one_round(1, independent=figure(0.7))).words


def test_a_roll_back_is_said(seen: Callable[..., Seen]) -> None:
    told = seen(one_round(1), one_round(2, verdict=VERDICT, rolled_back="recall fell"))
    assert "promote, rolled back" in told.words


def test_a_family_says_whether_code_learning_or_neither_stands_behind_it(
    seen: Callable[..., Seen],
) -> None:
    last = one_round(2, resists=["padding"])
    words = re.sub(r"\s+", " ", seen(one_round(1), last).words)
    assert "leet | 70 [65, 75] | 70 [65, 75] | covered by code" in words
    assert "mask | 70 [65, 75] | 70 [65, 75] | covered by code (en)" in words
    assert "padding | 70 [65, 75] | 70 [65, 75] | learned; resists retraining" in words
    assert "typo | 70 [65, 75] | 70 [65, 75] | covered by code (en), never trained (en)" in words
    assert "fake_final | 70 [65, 75] | 70 [65, 75] | covered by code, never trained (ko)" in words


def test_a_family_that_shows_up_later_has_no_first_figure(seen: Callable[..., Seen]) -> None:
    first = one_round(1, families={})
    assert re.search(r"leet \| – \| 70", seen(first, one_round(2)).words)


def test_a_battle_without_rounds_is_still_a_page(seen: Callable[..., Seen]) -> None:
    assert "Does the guard get harder to fool?" in seen().words


def test_the_picture_has_every_measured_curve_and_marks_promotions() -> None:
    rounds = [one_round(1, verdict=VERDICT), one_round(2, independent=figure(0.7))]
    drawn = ElementTree.fromstring(curve(rounds, title="Quality"))
    said = " ".join("".join(text.itertext()) for text in drawn.iter(f"{SVG}text"))
    for name in ("seen attacks 80%", "never trained 60%", "independent 70%", "wins 60%"):
        assert name in said
    assert "attacked harmless flagged 5%" in said
    assert said.count("promoted") == 1


def test_only_a_promotion_is_marked() -> None:
    rejected = VERDICT | {"decision": "reject"}
    assert "promoted" not in curve([one_round(1, verdict=rejected), one_round(2)])


def test_equal_battles_are_equal_pages() -> None:
    assert page(battle(one_round(1))) == page(battle(one_round(1)))
