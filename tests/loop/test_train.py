"""Training: one version for each snapshot and seed, and never half a model."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sutdol.loop import cycle, live
from sutdol.loop.collect import collect
from sutdol.loop.parts import on_panel
from sutdol.loop.role import Lesson
from sutdol.loop.snapshot import snapshot
from sutdol.loop.train import train
from sutdol.loop.workshop import Workshop
from sutdol.storage import files, versions


def watched(toy: ModuleType, lessons: list[Lesson]) -> Any:
    """A role that keeps its lessons."""

    class Watched(toy.Spotter):  # type: ignore[misc, name-defined]
        def train(self, lesson: Lesson, folder: Path) -> Mapping[str, Any]:
            lessons.append(lesson)
            return super().train(lesson, folder)  # type: ignore[no-any-return]

    return Watched()


def test_the_same_snapshot_and_seed_are_trained_once(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    lessons: list[Lesson] = []
    shop = replace(reigning, role=watched(toy, lessons))
    frozen = snapshot(shop)
    first = train(shop, frozen, parent=None, seed=0)
    other = train(shop, frozen, parent="guard-v1", seed=1)
    assert first.id == "guard-v1"
    assert train(shop, frozen, parent=None, seed=1) == other
    assert (other.id, other.parent, other.manifest["seed"]) == ("guard-v2", "guard-v1", 1)
    assert [lesson.seed for lesson in lessons] == [1]
    with shop.db.read() as tx:
        assert versions.alias(tx, "guard", "challenger") == "guard-v2"


def test_two_who_train_the_same_at_once_make_one_version(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    """A worker that slept finds that another has taken over and finished meanwhile."""
    frozen = snapshot(reigning)
    done: list[str] = []

    def asleep() -> None:
        done.append(train(reigning, frozen, parent="guard-v1", seed=1).id)

    sleeper = replace(reigning, role=toy.Spotter(training=asleep))
    assert train(sleeper, frozen, parent="guard-v1", seed=1).id == "guard-v2"
    assert done == ["guard-v2"]
    with reigning.db.read() as tx:
        assert [one.id for one in versions.all(tx, "guard")] == ["guard-v1", "guard-v2"]


def test_thresholds_are_set_on_reviewed_data_that_no_curve_shows(
    toy: ModuleType, shop: Workshop[Any]
) -> None:
    lessons: list[Lesson] = []
    shop = replace(shop, role=watched(toy, lessons))
    collect(shop, toy.texts(12), kind="data", reviewed=True)
    told = [toy.text_for("dev", word, "told") for word in toy.GOOD]
    collect(shop, told, kind="feedback", reviewed=True)
    collect(shop, toy.texts(1, salt="unsure"), kind="data", reviewed=False)
    cycle.found(shop, seed=0)
    dev = lessons[0].dev
    assert {one.part for one in dev} == {"dev"}
    assert {(one.kind, one.reviewed) for one in dev} == {("data", True)}
    assert not any(on_panel("guard", one.group) for one in dev)
    assert {one.part for one in lessons[0].train} == {"train"}


def test_a_model_lies_under_its_checksum_and_loads(reigning: Workshop[Any]) -> None:
    version = live.champion(reigning)
    assert version.path == f"models/{version.checksum}"
    files.verify(reigning.home / version.path, version.checksum)
    assert live.load(reigning, version)["venom01"] == 1.0


def test_a_training_that_fails_leaves_no_version_and_no_files(
    toy: ModuleType, reigning: Workshop[Any]
) -> None:
    def fail() -> None:
        raise MemoryError

    before = sorted((reigning.home / "models").iterdir())
    with pytest.raises(MemoryError):
        train(
            replace(reigning, role=toy.Spotter(training=fail)),
            snapshot(reigning),
            parent=None,
            seed=9,
        )
    assert sorted((reigning.home / "models").iterdir()) == before
    with reigning.db.read() as tx:
        assert [one.id for one in versions.all(tx, "guard")] == ["guard-v1"]
