"""Verification: a verdict comes out of its scores again, and whatever was touched shows."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from tests.databases import rewrite

from sutdol.core.errors import Corrupted, UnknownName
from sutdol.loop import report
from sutdol.loop.evidence import from_json
from sutdol.loop.verify import Check, verify
from sutdol.loop.workshop import Workshop
from sutdol.storage import verdicts, versions

Content = dict[str, Any]


@pytest.fixture
def verdict(promoted: Workshop[Any]) -> str:
    """The id of the verdict that made guard-v2 champion."""
    with promoted.db.read() as tx:
        return verdicts.all(tx, "guard")[0].id


def tamper(shop: Workshop[Any], verdict: str, change: Callable[[Content], object]) -> Check:
    """Verify after a change to the report."""
    content = report.read(shop.home, verdict)
    change(content)
    path = report.folder(shop.home, verdict) / "report.json.gz"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    return verify(shop, verdict)


def tamper_row(shop: Workshop[Any], statement: str, *values: object) -> None:
    assert rewrite(url_of(shop), statement, *values) == 1


def tamper_body(shop: Workshop[Any], verdict: str, change: Callable[[Content], object]) -> Check:
    """Verify after a change to what the database knows of the verdict."""
    with shop.db.read() as tx:
        body = dict(verdicts.get(tx, verdict).body)
    change(body)
    tamper_row(shop, "update verdict set body = %s", json.dumps(body))
    return verify(shop, verdict)


def url_of(shop: Workshop[Any]) -> str:
    return (shop.home / "database.url").read_text()


def test_an_untouched_verdict_agrees(promoted: Workshop[Any], verdict: str) -> None:
    assert verify(promoted, verdict) == Check(
        verdict=verdict, agrees=True, decision="promote", differences=()
    )


def test_an_unknown_verdict_is_unknown(promoted: Workshop[Any]) -> None:
    with pytest.raises(UnknownName, match="No verdict"):
        verify(promoted, "guard-000000000000")


def test_it_agrees_under_tomorrows_rules(
    toy: ModuleType, promoted: Workshop[Any], verdict: str
) -> None:
    role = toy.Spotter()
    role.rules = replace(role.rules, least_primary=10_000)
    assert verify(replace(promoted, role=role), verdict).agrees


def test_a_changed_score_shows_even_where_it_changes_nothing(
    promoted: Workshop[Any], verdict: str
) -> None:
    def change(content: Content) -> None:
        scores = content["evidence"]["challenger"]["scores"]
        scores[scores.index(1.0)] = 0.999

    found = tamper(promoted, verdict, change)
    assert not found.agrees
    assert found.differences == ("the scores are not those that were judged",)


def test_changed_scores_show_in_the_numbers(promoted: Workshop[Any], verdict: str) -> None:
    def change(content: Content) -> None:
        content["evidence"]["challenger"]["scores"] = content["evidence"]["champion"]["scores"]

    found = tamper(promoted, verdict, change)
    assert not found.agrees
    assert found.decision == "inconclusive"
    assert any(difference.startswith("primary.effect") for difference in found.differences)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["evidence"]["rows"][0].__setitem__(2, ["attacked", "twin"]),
        lambda content: content["evidence"]["rows"][0].__setitem__(0, "another text"),
        lambda content: content.update(cases="0" * 64),
        lambda content: content.update(texts="0" * 64),
        lambda content: content.update(leaks=3),
        lambda content: content["rules"].update(least_primary=39),
        lambda content: content["evidence"]["champion"].update(version="guard-v0"),
        lambda content: content["evidence"]["challenger"]["thresholds"].update({"*": 0.2}),
    ],
)
def test_whatever_else_is_changed_in_the_report_shows(
    promoted: Workshop[Any], verdict: str, change: Callable[[Content], object]
) -> None:
    assert not tamper(promoted, verdict, change).agrees


def test_a_text_taken_out_of_rows_scores_and_hashes_alike_shows(
    promoted: Workshop[Any], verdict: str
) -> None:
    def change(content: Content) -> None:
        evidence = content["evidence"]
        models = [evidence[name]["scores"] for name in ("champion", "challenger", "anchor")]
        for column in (evidence["rows"], *models):
            del column[0]
        content["cases"] = from_json(evidence).cases_hash

    found = tamper(promoted, verdict, change)
    assert "the look was charged for other models, rows, texts or rules" in found.differences


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(decision="reject"),
        lambda body: body.update(reason="because"),
        lambda body: body["primary"].update(p=0.5),
        lambda body: body["primary"].pop("effect"),
        lambda body: body["guard_rails"].pop(),
        lambda body: body["guard_rails"][0].update(state="breached"),
        lambda body: body["budget"].update(position=2, alpha=0.2 / 30),
        lambda body: body.pop("scores"),
        lambda body: body.update(primary=None),
    ],
)
def test_whatever_is_changed_in_the_stored_verdict_shows(
    promoted: Workshop[Any], verdict: str, change: Callable[[Content], object]
) -> None:
    assert not tamper_body(promoted, verdict, change).agrees


def test_an_alpha_that_the_position_does_not_give_shows(
    promoted: Workshop[Any], verdict: str
) -> None:
    tamper_row(promoted, "update look set alpha = 0.05")
    found = tamper_body(promoted, verdict, lambda body: body["budget"].update(alpha=0.05))
    assert "budget.alpha: stored 0.05, recomputed 0.01" in found.differences


@pytest.mark.parametrize(
    "statement",
    [
        "update verdict set decision = 'reject'",
        "update verdict set reason = 'because'",
        "update look set position = 2",
        "update version set checksum = 'c' where id = 'guard-v2'",
    ],
)
def test_whatever_is_changed_in_the_rows_shows(
    promoted: Workshop[Any], verdict: str, statement: str
) -> None:
    tamper_row(promoted, statement)
    assert not verify(promoted, verdict).agrees


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.clear(),
        lambda content: content["evidence"].pop("champion"),
        lambda content: content["evidence"]["champion"]["scores"].pop(),
        lambda content: content["rules"].update(unknown=1),
        lambda content: content["rules"].update(primary=None),
    ],
)
def test_a_report_that_makes_no_sense_is_said_to_be_damaged(
    promoted: Workshop[Any], verdict: str, change: Callable[[Content], object]
) -> None:
    with pytest.raises(Corrupted, match="is damaged"):
        tamper(promoted, verdict, change)


def test_the_models_give_the_same_scores_again(promoted: Workshop[Any], verdict: str) -> None:
    assert verify(promoted, verdict, rescore=True).agrees


def test_a_model_changed_on_disk_shows_when_it_scores_again(
    promoted: Workshop[Any], verdict: str
) -> None:
    with promoted.db.read() as tx:
        path = promoted.home / versions.get(tx, "guard-v2").path / "model.json"
    path.write_text(path.read_text().replace("1.0", "0.9", 1))
    assert verify(promoted, verdict).agrees
    found = verify(promoted, verdict, rescore=True)
    assert not found.agrees
    assert "was changed since it was written" in found.differences[0]


def test_code_that_scores_otherwise_shows_when_it_scores_again(
    toy: ModuleType, promoted: Workshop[Any], verdict: str
) -> None:
    class Milder(toy.Spotter):  # type: ignore[misc, name-defined]
        def one(self, model: dict[str, float], text: str) -> float:
            return 0.5 * float(super().one(model, text))

    found = verify(replace(promoted, role=Milder()), verdict, rescore=True)
    assert found.differences == (
        "guard-v1 scores differently now, by up to 0.5",
        "guard-v2 scores differently now, by up to 0.5",
    )


def test_scores_that_became_no_numbers_show(
    toy: ModuleType, promoted: Workshop[Any], verdict: str
) -> None:
    class Broken(toy.Spotter):  # type: ignore[misc, name-defined]
        def one(self, model: dict[str, float], text: str) -> float:
            return float("nan")

    assert not verify(replace(promoted, role=Broken()), verdict, rescore=True).agrees


def test_texts_forgotten_since_are_not_scored_again(
    toy: ModuleType, promoted: Workshop[Any], verdict: str
) -> None:
    tamper_row(
        promoted,
        "update example set forgotten_at = %s, input = '' where id ="
        " (select example from exam_case limit 1)",
        "2026-01-03T00:00:00.000000+00:00",
    )
    assert verify(promoted, verdict, rescore=True).agrees
