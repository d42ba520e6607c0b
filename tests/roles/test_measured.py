"""A guard's figures on labelled texts, and which texts are fresh."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from sutdol.core.errors import NotReady
from sutdol.core.types import Example
from sutdol.loop.collect import collect
from sutdol.loop.cycle import found
from sutdol.loop.workshop import Workshop
from sutdol.metrics.measure import METRICS, Decisions
from sutdol.roles.classifier import Classifier
from sutdol.roles.guard import GuardRole
from sutdol.roles.measured import Fresh, figures, fresh, measured
from sutdol.storage import snapshots, versions
from sutdol.storage.database import Database

Toys = Callable[..., list[Example]]


def decisions(expected: str, flagged: str) -> Decisions:
    """Marks: + is violating, or flagged."""
    return Decisions(
        expected=np.array([mark == "+" for mark in expected]),
        flagged=np.array([mark == "+" for mark in flagged]),
        scores=np.array([0.9 if mark == "+" else 0.1 for mark in flagged]),
    )


def test_every_metric_is_there_with_its_interval_and_f1() -> None:
    told = figures(decisions("+++---", "++-+--"))
    assert set(told) == {*METRICS, "f1"}
    assert told["recall"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert told["recall"]["n"] == 3
    assert told["precision"]["n"] == 3
    assert told["accuracy"]["n"] == 6
    assert told["f1"] == pytest.approx(2 / 3, abs=1e-6)
    for name in METRICS:
        assert told[name]["low"] <= told[name]["value"] <= told[name]["high"]


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    told = figures(decisions("++++----", "+--+++--"))
    precision, recall = told["precision"]["value"], told["recall"]["value"]
    assert told["f1"] == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-5)


def test_what_has_no_cases_has_no_value() -> None:
    told = figures(decisions("---", "---"))
    assert told["recall"] == {"value": None, "low": None, "high": None, "n": 0}
    assert told["f1"] is None
    assert told["fpr"]["value"] == 0


def test_texts_are_told_overall_by_language_source_and_category(
    guard: Classifier, toys: Toys
) -> None:
    texts = toys(80, seed=9)
    told = measured(guard, Fresh(texts=texts, left_out=3))
    assert (told["n"], told["left_out"], told["guard"]) == (80, 3, guard.version)
    assert set(told["by_language"]) == {"en", "ko"}
    assert set(told["by_source"]) == {"import:toy"}
    assert set(told["by_category"]) == {"harassment", "none", "spam"}
    assert sum(part["accuracy"]["n"] for part in told["by_language"].values()) == 80
    assert sum(part["accuracy"]["n"] for part in told["by_category"].values()) == 80
    assert told["by_category"]["none"]["recall"]["n"] == 0
    assert told["by_category"]["spam"]["fpr"]["n"] == 0


def test_the_figures_are_those_of_the_flags_the_guard_gives(guard: Classifier, toys: Toys) -> None:
    texts = toys(120, seed=9)
    _, flags = guard.judge([one.input for one in texts])
    caught = [flag for flag, one in zip(flags, texts, strict=True) if one.target]
    told = measured(guard, Fresh(texts=texts, left_out=0))["overall"]
    assert told["recall"]["value"] == pytest.approx(np.mean(caught), abs=1e-6)
    assert told["recall"]["n"] == len(caught)


@pytest.fixture
def shop(tmp_path: Path, role: GuardRole, toys: Toys) -> Iterator[Workshop[Classifier]]:
    """A workshop whose guard was trained on the toy world."""
    with Database.open(f"sqlite+pysqlite:///{tmp_path}/sutdol.db", tmp_path) as db:
        shop = Workshop(db=db, home=tmp_path, role=role, now=lambda: datetime.now(UTC))
        collect(shop, toys(600), kind="data", reviewed=True)
        found(shop, seed=0)
        yield shop


def trained(shop: Workshop[Classifier]) -> set[str]:
    with shop.db.read() as tx:
        champion = versions.get(tx, str(versions.alias(tx, "guard", "champion")))
        return {one.input for one in snapshots.rows(tx, str(champion.snapshot))}


def test_texts_the_champion_learned_from_are_left_out_disguised_or_not(
    shop: Workshop[Classifier], toys: Toys
) -> None:
    known = sorted(trained(shop))
    new = [one for one in toys(60, seed=77) if one.input not in known]
    old = [one for one in toys(600) if one.input in known][:5]
    shouted = [
        Example(
            input=one.input.upper(), target=one.target, lang=one.lang,
            source=one.source, group="loud", part="train",
        )
        for one in old
    ]  # fmt: skip
    told = fresh(shop, [*new, *old, *shouted])
    inputs = {one.input for one in told.texts}
    assert inputs.isdisjoint(one.input for one in (*old, *shouted))
    assert told.left_out == len(new) + 10 - len(told.texts) >= 10


def test_with_nothing_fresh_it_says_so(shop: Workshop[Classifier], toys: Toys) -> None:
    learned = trained(shop)
    with pytest.raises(NotReady, match="trained on all of these texts: measure it on others"):
        fresh(shop, [one for one in toys(600) if one.input in learned])
