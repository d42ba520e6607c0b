"""The sealed texts: five readings in a life, each paid for before anything is seen."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from sutdol.core.errors import Corrupted, LimitReached, NotReady
from sutdol.loop import cycle, live
from sutdol.loop.collect import collect
from sutdol.loop.sealed import read_sealed
from sutdol.loop.workshop import Workshop
from sutdol.storage import sealed


def test_a_reading_gives_recall_and_false_positives_with_wide_intervals(
    reigning: Workshop[Any],
) -> None:
    body = read_sealed(reigning, purpose="yearly report")
    figures = body["figures"]
    assert isinstance(figures, dict)
    assert body["version"] == "guard-v1"
    assert {name: figure["value"] for name, figure in figures.items()} == {
        "attacked recall": 0.0,
        "clean recall": 1.0,
        "false <i>": 0.0,
    }
    n = figures["clean recall"]["n"]
    z = 2.5758293035489004
    assert figures["clean recall"]["low"] == pytest.approx(n / (n + z * z), abs=1e-5)


def test_a_reading_is_on_record_with_its_purpose(reigning: Workshop[Any]) -> None:
    body = read_sealed(reigning, purpose="yearly report")
    with reigning.db.read() as tx:
        (told,) = sealed.reads(tx, "guard")
    assert (told.version, told.purpose, told.body) == ("guard-v1", "yearly report", body)


def test_a_reading_is_paid_for_before_any_score_is_computed(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    def scoring() -> None:
        with elsewhere.read() as tx:
            assert len(sealed.reads(tx, "guard")) == 1
        raise MemoryError

    with toy.open_database(reigning.home) as elsewhere, pytest.raises(MemoryError):
        read_sealed(replace(reigning, role=toy.Spotter(scoring=scoring)), purpose="report")
    with reigning.db.read() as tx:
        assert [told.body for told in sealed.reads(tx, "guard")] == [None]


def test_the_sixth_reading_is_refused(toy: ModuleType, reigning: Workshop[Any]) -> None:
    for number in range(5):
        read_sealed(reigning, purpose=f"report {number}")
    silent = toy.Spotter()
    with pytest.raises(LimitReached, match="no reading is left"):
        read_sealed(replace(reigning, role=silent), purpose="one more")
    assert silent.scored == []


def test_near_copies_of_training_texts_are_left_out(toy: ModuleType, shop: Workshop[Any]) -> None:
    collect(shop, toy.texts(12), kind="data", reviewed=True)
    learned = [toy.text_for("train", word) for word in toy.BAD[:4]]
    collect(shop, learned, kind="data", reviewed=True)
    copies = [toy.text_near(one, "sealed") for one in learned]
    collect(shop, copies, kind="data", reviewed=True)
    cycle.found(shop, seed=0)
    body = read_sealed(shop, purpose="report")
    assert body["near_duplicates_left_out"] == 4
    assert {one.input for one in copies}.isdisjoint(shop.role.scored)


def test_a_damaged_champion_costs_no_reading(reigning: Workshop[Any]) -> None:
    (reigning.home / live.champion(reigning).path / "model.json").write_text("{}")
    with pytest.raises(Corrupted):
        read_sealed(reigning, purpose="report")
    with reigning.db.read() as tx:
        assert sealed.reads(tx, "guard") == []


def test_with_nothing_sealed_it_costs_no_reading(toy: ModuleType, shop: Workshop[Any]) -> None:
    collect(shop, toy.texts(3), kind="data", reviewed=True, part="train")
    collect(shop, toy.texts(3, salt="exam"), kind="data", reviewed=True, part="hold_out")
    cycle.found(shop, seed=0)
    with pytest.raises(NotReady, match="No reviewed guard texts are sealed"):
        read_sealed(shop, purpose="report")
    with shop.db.read() as tx:
        assert sealed.reads(tx, "guard") == []


def test_a_role_without_thresholds_reads_its_mean_score(
    toy: ModuleType, shop: Workshop[Any]
) -> None:
    tutor = replace(shop, role=toy.Tutor())
    questions = [replace(one, target="an answer") for one in toy.texts(6)]
    collect(tutor, questions[::3], kind="data", reviewed=True, part="train")
    collect(tutor, questions[1::3], kind="data", reviewed=True, part="hold_out")
    collect(tutor, questions[2::3], kind="data", reviewed=True, part="sealed")
    cycle.found(tutor, seed=0)
    figures = read_sealed(tutor, purpose="report")["figures"]
    assert figures == {"quality": {"value": 0.5, "low": 0.5, "high": 0.5, "n": 80}}
