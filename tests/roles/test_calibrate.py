"""Calibration: other thresholds, the same weights, and a version of its own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from sutdol.core.errors import NotReady, UsageError
from sutdol.core.types import Example
from sutdol.loop import live, promote
from sutdol.loop.collect import collect
from sutdol.loop.cycle import found
from sutdol.loop.parts import on_panel
from sutdol.loop.workshop import Workshop
from sutdol.roles.calibrate import calibrate
from sutdol.roles.classifier import Classifier
from sutdol.roles.guard import GuardRole
from sutdol.storage import examples, looks, promotions
from sutdol.storage.database import Database

Toys = Callable[..., list[Example]]
Shop = Workshop[Classifier]


@pytest.fixture
def empty(tmp_path: Path, role: GuardRole) -> Iterator[Shop]:
    with Database.open(f"sqlite+pysqlite:///{tmp_path}/sutdol.db", tmp_path) as db:
        yield Workshop(db=db, home=tmp_path, role=role, now=lambda: datetime.now(UTC))


@pytest.fixture
def shop(empty: Shop, toys: Toys) -> Shop:
    """A workshop with a first guard."""
    collect(empty, toys(600), kind="data", reviewed=True)
    found(empty, seed=0)
    return empty


@pytest.fixture
def harmless(toys: Toys) -> list[Example]:
    """1,200 harmless texts, half of them close to the edge: they speak of wombats kindly."""
    made = toys(1200, targets=("",), seed=5)
    return [
        one if place % 2 else Example(
            input=f"{one.input} silly wombat", target="", lang=one.lang,
            source="benign:own", group=f"kind {place}", part="dev",
        )
        for place, one in enumerate(made)
    ]  # fmt: skip


def free(shop: Shop, harmless: list[Example]) -> list[str]:
    """Texts that are neither trained on nor held out nor on the panel."""
    with shop.db.read() as tx:
        dev = examples.find(tx, "guard", part="dev")
    may = {one.input for one in dev if not on_panel("guard", one.group)}
    return sorted({one.input for one in harmless} & may)


def model(shop: Shop) -> Classifier:
    return live.load(shop, live.champion(shop))


def share(guard: Classifier, texts: list[str]) -> float:
    return float(guard.judge(texts)[1].mean())


@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.2])
def test_it_flags_at_most_the_wanted_share_of_these_texts(
    shop: Shop, role: GuardRole, harmless: list[Example], fpr: float
) -> None:
    calibrate(shop, role, harmless, fpr=fpr)
    assert share(model(shop), free(shop, harmless)) <= fpr


def test_a_larger_share_is_a_lower_threshold(
    shop: Shop, role: GuardRole, harmless: list[Example]
) -> None:
    strict = calibrate(shop, role, harmless, fpr=0.01)
    loose = calibrate(shop, role, harmless, fpr=0.2)
    assert loose.thresholds["en"] < strict.thresholds["en"]


def test_the_weights_stay_and_the_version_is_another(
    shop: Shop, role: GuardRole, harmless: list[Example]
) -> None:
    before = model(shop)
    done = calibrate(shop, role, harmless, fpr=0.05)
    after = model(shop)
    assert (before.version, after.version, done.version) == ("guard-v1", "guard-v2", "guard-v2")
    np.testing.assert_array_equal(after.violating.weights, before.violating.weights)
    assert dict(after.thresholds) == dict(done.thresholds) != dict(before.thresholds)
    version = live.champion(shop)
    assert version.parent == "guard-v1"
    used = len(free(shop, harmless))
    assert 200 < used < len(harmless)
    assert version.manifest["calibrated"] == {"fpr": 0.05, "texts": used, "from": "guard-v1"}


def test_it_is_on_record_costs_no_look_and_can_be_taken_back(
    shop: Shop, role: GuardRole, harmless: list[Example]
) -> None:
    before = dict(model(shop).thresholds)
    calibrate(shop, role, harmless, fpr=0.05)
    with shop.db.read() as tx:
        last = promotions.all(tx, "guard")[-1]
        assert looks.all(tx, "guard") == []
    assert last.kind == "force"
    used = len(free(shop, harmless))
    assert last.reason == f"thresholds set to 5 % of {used} harmless texts"
    promote.rollback(shop, reason="too strict")
    assert dict(model(shop).thresholds) == before


def test_the_texts_set_the_thresholds_of_later_challengers_and_are_never_trained_on(
    shop: Shop, role: GuardRole, harmless: list[Example]
) -> None:
    calibrate(shop, role, harmless, fpr=0.05)
    with shop.db.read() as tx:
        kept = [one for one in examples.find(tx, "guard") if one.source == "benign:own"]
    assert {one.input for one in kept} == {
        one.input for one in harmless if one.source == "benign:own"
    }
    assert {one.part for one in kept} == {"dev"}
    assert all(one.reviewed for one in kept)


@pytest.mark.parametrize(("count", "fpr", "least"), [(19, 0.05, 20), (99, 0.01, 100), (0, 0.5, 2)])
def test_too_few_texts_are_refused_with_the_number_wanted(
    shop: Shop, role: GuardRole, harmless: list[Example], count: int, fpr: float, least: int
) -> None:
    told = rf"of {count} texts may set thresholds.*too few.*takes {least}\."
    with pytest.raises(UsageError, match=told):
        calibrate(shop, role, harmless[:count], fpr=fpr)
    assert live.champion(shop).id == "guard-v1"


def test_without_a_guard_there_is_nothing_to_calibrate(
    empty: Shop, role: GuardRole, harmless: list[Example]
) -> None:
    with pytest.raises(NotReady, match="There is no guard yet"):
        calibrate(empty, role, harmless, fpr=0.05)
