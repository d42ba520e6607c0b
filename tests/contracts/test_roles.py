"""What every role owes the loop, whatever kind of model it trains."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from shutil import copytree
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sutdol.app import bundled
from sutdol.arena.fixed import exam_disguises
from sutdol.core.errors import Corrupted
from sutdol.core.types import Example
from sutdol.loop.evidence import Scored, evidence
from sutdol.loop.gate import alpha, decide
from sutdol.loop.role import Lesson, Probe, Role
from sutdol.loop.verdict import Budget
from sutdol.roles.guard import GuardRole

ODD = {
    "nothing": "",
    "white space": " \t\n\u3000 ",
    "emoji": "👨‍👩‍👧 ❤️ 🇰🇷 👍🏽",
    "5,000 syllables": "숫돌을갈아요" * 834,
    "combining marks": "\u0301\u0308 \u20e3\ufe0f\u0301",
    "invisible": "\u200b\u202e\u2066\u00ad \u202c",
    "half a pair": "a \ud83d b",
    "NUL": "a\0b",
}


@cache
def toy() -> ModuleType:
    """The toy roles of the loop's own tests."""
    path = Path(__file__).parents[1] / "loop" / "toy.py"
    spec = spec_from_file_location("sutdol_toy", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A role, and texts of its trade."""

    role: Role[Any]
    texts: Sequence[Example]

    @property
    def lesson(self) -> Lesson:
        return Lesson(train=self.texts[::2], dev=self.texts[1::2], seed=3)


KINDS: dict[str, Callable[[], Kind]] = {
    "guard": lambda: Kind(role=GuardRole(exam_disguises), texts=bundled()[::20]),
    "spotter": lambda: Kind(role=toy().Spotter(), texts=toy().texts(6)),
    "tutor": lambda: Kind(role=toy().Tutor(), texts=toy().texts(6)),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]()


@pytest.fixture(scope="module")
def folder(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model."""
    place = tmp_path_factory.mktemp("model")
    kind.role.train(kind.lesson, place)
    return place


@pytest.fixture(scope="module")
def model(kind: Kind, folder: Path) -> Any:
    return kind.role.load(folder, "toy-v1")


@pytest.fixture(scope="module")
def probes(kind: Kind) -> list[Probe]:
    return kind.role.probes(kind.texts[1::2])


def inputs(probes: Sequence[Probe]) -> list[str]:
    return [probe.input for probe in probes]


def test_its_name_is_one_lower_case_word(kind: Kind) -> None:
    assert kind.role.name.isalpha()
    assert kind.role.name == kind.role.name.lower()


def test_its_rules_can_be_stored(kind: Kind) -> None:
    assert json.loads(json.dumps(kind.role.rules.json()))["primary"]["name"]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_every_text_has_a_key_that_stays(kind: Kind, text: str) -> None:
    assert kind.role.key(text) == kind.role.key(text)


def test_training_fills_the_folder_and_tells_what_it_did(kind: Kind, tmp_path: Path) -> None:
    manifest = kind.role.train(kind.lesson, tmp_path)
    assert list(tmp_path.iterdir())
    assert json.loads(json.dumps(dict(manifest)))


def test_the_same_lesson_teaches_the_same(
    kind: Kind, model: Any, probes: list[Probe], tmp_path: Path
) -> None:
    kind.role.train(kind.lesson, tmp_path)
    again = kind.role.load(tmp_path, "toy-v2")
    np.testing.assert_array_equal(
        kind.role.score(again, inputs(probes)), kind.role.score(model, inputs(probes))
    )
    assert dict(kind.role.thresholds(again)) == dict(kind.role.thresholds(model))


def test_a_model_works_from_whatever_folder_it_is_in(
    kind: Kind, folder: Path, model: Any, probes: list[Probe], tmp_path: Path
) -> None:
    moved = kind.role.load(copytree(folder, tmp_path / "elsewhere"), "toy-v1")
    np.testing.assert_array_equal(
        kind.role.score(moved, inputs(probes)), kind.role.score(model, inputs(probes))
    )


def test_a_damaged_model_is_never_loaded(kind: Kind, folder: Path, tmp_path: Path) -> None:
    for file in sorted(folder.iterdir()):
        damaged = copytree(folder, tmp_path / file.name)
        (damaged / file.name).write_bytes(file.read_bytes()[:-20])
        with pytest.raises(Corrupted):
            kind.role.load(damaged, "toy-v1")


def test_a_missing_model_is_corrupt_as_well(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(Corrupted):
        kind.role.load(tmp_path / "nowhere", "toy-v1")


def test_it_gives_one_number_per_input_in_order(
    kind: Kind, model: Any, probes: list[Probe]
) -> None:
    scores = kind.role.score(model, inputs(probes))
    assert scores.shape == (len(probes),)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    some = inputs(probes)[:20]
    alone = [float(kind.role.score(model, [text])[0]) for text in some]
    np.testing.assert_allclose(scores[:20], alone, atol=1e-9)


def test_it_tells_inputs_apart(kind: Kind, model: Any, probes: list[Probe]) -> None:
    known = [one.input for one in kind.lesson.train]
    assert len(set(kind.role.score(model, [*known, *inputs(probes)]).tolist())) > 1


def test_no_inputs_get_no_numbers(kind: Kind, model: Any) -> None:
    assert kind.role.score(model, []).shape == (0,)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_it_has_a_number_for_any_input(kind: Kind, model: Any, text: str) -> None:
    assert np.isfinite(kind.role.score(model, [text])).all()


def test_thresholds_are_numbers_and_there_if_the_rules_use_them(kind: Kind, model: Any) -> None:
    thresholds = kind.role.thresholds(model)
    assert bool(thresholds) == (kind.role.rules.calibration is not None)
    assert all(math.isfinite(value) for value in thresholds.values())


def test_an_exam_is_the_same_every_time_it_is_set(kind: Kind, probes: list[Probe]) -> None:
    assert kind.role.probes(kind.texts[1::2]) == probes


def test_an_exam_does_not_depend_on_the_order_of_its_texts(kind: Kind, probes: list[Probe]) -> None:
    def place(probe: Probe) -> tuple[str, str]:
        return probe.row.case, probe.row.probe

    backwards = kind.role.probes(kind.texts[1::2][::-1])
    assert sorted(backwards, key=place) == sorted(probes, key=place)


def test_each_text_of_an_exam_is_a_case_and_no_row_comes_twice(
    kind: Kind, probes: list[Probe]
) -> None:
    places = [(probe.row.case, probe.row.probe) for probe in probes]
    assert len(set(places)) == len(places)
    assert len({case for case, _ in places}) == len(kind.texts[1::2])


def test_a_row_says_nothing_of_the_text_itself(kind: Kind, probes: list[Probe]) -> None:
    by_case: dict[str, set[str]] = {}
    for probe in probes:
        by_case.setdefault(probe.row.case, set()).add(probe.input)
    assert not any(text and text in case for case, texts in by_case.items() for text in texts)


def test_every_measure_of_its_rules_finds_rows(kind: Kind, probes: list[Probe]) -> None:
    rules = kind.role.rules
    measures = [rules.primary, *(rail.measure for rail in rules.rails)]
    measures += [alarm.measure for alarm in rules.alarms]
    for measure in measures:
        assert any(set(measure.tags) <= set(probe.row.tags) for probe in probes), measure.name
    for alarm in rules.alarms:
        for tag in alarm.slices:
            assert any(one.startswith(tag) for probe in probes for one in probe.row.tags), tag


def test_every_row_has_a_threshold_to_go_by(kind: Kind, model: Any, probes: list[Probe]) -> None:
    if kind.role.rules.calibration is None:
        assert {probe.row.calibration for probe in probes} == {""}
    else:
        known = kind.role.thresholds(model)
        assert all(probe.row.calibration in known or "*" in known for probe in probes)


@pytest.mark.parametrize("pinned", [True, False])
def test_a_regression_item_says_what_must_become_of_it(kind: Kind, pinned: bool) -> None:
    for one in kind.texts[:10]:
        probe = kind.role.suite(one, pinned=pinned)
        wanted = "must:flag" if one.target else "must:pass"
        assert {"suite", wanted} <= set(probe.row.tags)
        assert ("pinned" in probe.row.tags) == pinned
        assert probe.input == one.input


def test_its_own_exam_can_be_judged(kind: Kind, model: Any, probes: list[Probe]) -> None:
    scores = kind.role.score(model, inputs(probes))
    scored = Scored(version="v1", scores=scores, thresholds=kind.role.thresholds(model))
    found = evidence([probe.row for probe in probes], champion=scored, challenger=scored)
    verdict = decide(found, kind.role.rules, Budget(position=1, alpha=alpha(1)))
    assert verdict.decision == "inconclusive"
    assert verdict.primary.n > 0
