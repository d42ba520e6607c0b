"""The guard as a role: training, thresholds and the rows of its exams."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sutdol.core.errors import NotReady
from sutdol.core.types import Example
from sutdol.loop.role import Lesson
from sutdol.roles.categories import UNSPECIFIED
from sutdol.roles.classifier import EVEN, Classifier
from sutdol.roles.guard import FEWEST_FOR_CATEGORY, FEWEST_FOR_THRESHOLD, RULES, GuardRole

Toys = Callable[..., list[Example]]
HARMLESS = ("",)


def flagged(model: Classifier, examples: list[Example]) -> int:
    return int(model.judge([one.input for one in examples])[1].sum())


# Training


def test_a_lesson_gives_the_same_model_each_time(
    role: GuardRole, lesson: Lesson, guard: Classifier
) -> None:
    again = role.fit(lesson)
    assert np.array_equal(again.violating.weights, guard.violating.weights)
    assert (again.slope, again.offset) == (guard.slope, guard.offset)
    assert again.thresholds == guard.thresholds


def test_a_stored_model_is_the_one_that_was_fitted(
    role: GuardRole, lesson: Lesson, guard: Classifier, tmp_path: Path
) -> None:
    manifest = role.train(lesson, tmp_path)
    again = role.load(tmp_path, "guard-1")
    texts = [one.input for one in lesson.dev]
    assert again.scores(texts).tolist() == guard.scores(texts).tolist()
    assert manifest["thresholds"] == role.thresholds(again) == guard.thresholds
    sizes = {"train": len(lesson.train), "rehearsed": 0, "dev": len(lesson.dev)}
    assert manifest["rows"] == sizes
    assert manifest["recipe"]["seed"] == lesson.seed


@pytest.mark.parametrize("targets", [HARMLESS, ("spam",), ("spam", "harassment")])
def test_one_kind_of_text_teaches_nothing(
    role: GuardRole, toys: Toys, lesson: Lesson, targets: tuple[str, ...]
) -> None:
    with pytest.raises(NotReady, match="there is only one kind"):
        role.fit(replace(lesson, train=toys(40, targets=targets)))


def test_no_texts_teach_nothing(role: GuardRole, lesson: Lesson) -> None:
    with pytest.raises(NotReady, match="needs violating and harmless texts"):
        role.fit(replace(lesson, train=[]))


def test_thresholds_need_harmless_texts(
    role: GuardRole, toys: Toys, lesson: Lesson, guard: Classifier
) -> None:
    for dev in ([], toys(40, targets=("spam",))):
        with pytest.raises(NotReady, match="give some with --data or --benign"):
            role.fit(replace(lesson, dev=dev))
        with pytest.raises(NotReady, match="Calibration needs harmless texts"):
            role.calibrate(guard, dev, fpr=0.05)


def test_dev_texts_are_not_trained_on(
    role: GuardRole, toys: Toys, lesson: Lesson, guard: Classifier
) -> None:
    other = role.fit(replace(lesson, dev=toys(200, part="dev", seed=5)))
    assert np.array_equal(other.violating.weights, guard.violating.weights)


# Thresholds


@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.05, 0.2])
def test_at_most_the_promised_share_of_harmless_texts_is_flagged(
    role: GuardRole, toys: Toys, guard: Classifier, fpr: float
) -> None:
    english = toys(150, seed=2, targets=HARMLESS, languages=["en"])
    korean = toys(170, seed=3, targets=HARMLESS, languages=["ko"])
    model = role.calibrate(guard, english + korean, fpr=fpr)
    assert flagged(model, english) <= fpr * len(english)
    assert flagged(model, korean) <= fpr * len(korean)
    pooled = replace(model, thresholds={"*": model.thresholds["*"]})
    assert flagged(pooled, english + korean) <= fpr * len(english + korean)


@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.2])
def test_checking_one_by_one_flags_no_more(
    role: GuardRole, toys: Toys, guard: Classifier, fpr: float
) -> None:
    texts = toys(120, seed=4, targets=HARMLESS, languages=["en"])
    model = role.calibrate(guard, texts, fpr=fpr)
    assert sum(model.check(one.input).flagged for one in texts) == flagged(model, texts)
    needed = model.thresholds["en"]
    assert sum(model.score(one.input) >= needed for one in texts) == flagged(model, texts)


def test_thresholds_are_no_higher_than_they_must_be(
    role: GuardRole, toys: Toys, guard: Classifier
) -> None:
    texts = {
        guard.score(one.input): one for one in toys(400, seed=5, targets=HARMLESS, languages=["en"])
    }
    distinct = list(texts.values())
    model = role.calibrate(guard, distinct, fpr=0.1, least=0.0)
    assert flagged(model, distinct) == int(0.1 * len(distinct))


def test_what_is_less_likely_than_not_is_never_flagged_unless_the_user_wants_it(
    role: GuardRole, toys: Toys, guard: Classifier
) -> None:
    harmless = toys(400, seed=5, targets=HARMLESS)  # all of them far from violating
    assert set(role.calibrate(guard, harmless, fpr=0.1).thresholds.values()) == {EVEN}
    assert role.calibrate(guard, harmless, fpr=0.1, least=0.0).thresholds["en"] < EVEN
    assert flagged(guard, [replace(harmless[0], input="")]) == 0


def test_texts_of_one_score_stand_or_fall_together(role: GuardRole, guard: Classifier) -> None:
    same = Example(
        input="the garden is lovely", target="", lang="en", source="s", group="g", part="dev"
    )
    model = role.calibrate(guard, [same] * 200, fpr=0.05)
    assert flagged(model, [same]) == 0


def test_a_language_with_few_texts_shares_the_pooled_threshold(
    role: GuardRole, toys: Toys, guard: Classifier
) -> None:
    many = toys(FEWEST_FOR_THRESHOLD, targets=HARMLESS, languages=["en"])
    few = toys(FEWEST_FOR_THRESHOLD - 1, targets=HARMLESS, languages=["ko"])
    model = role.calibrate(guard, many + few, fpr=0.05)
    assert set(model.thresholds) == {"*", "en"}
    assert model.threshold("ko") == model.thresholds["*"]


def test_harmless_texts_alone_move_thresholds_only(
    role: GuardRole, toys: Toys, guard: Classifier
) -> None:
    model = role.calibrate(guard, toys(200, seed=6, targets=HARMLESS), fpr=0.2, least=0.0)
    assert (model.slope, model.offset) == (guard.slope, guard.offset)
    assert model.violating is guard.violating
    assert model.thresholds != guard.thresholds


def test_most_forbidden_texts_are_caught(toys: Toys, guard: Classifier) -> None:
    fresh = toys(200, seed=7, targets=("spam", "harassment"))
    assert flagged(guard, fresh) > 0.95 * len(fresh)


# Categories


def test_shares_are_of_the_violating_texts(guard: Classifier) -> None:
    assert guard.shares == {"harassment": 0.5, "spam": 0.5}


def test_a_category_with_few_texts_is_untrained(role: GuardRole, toys: Toys) -> None:
    rare = toys(FEWEST_FOR_CATEGORY - 1, targets=("harassment",))
    lesson = Lesson(train=toys(240, targets=("", "spam")) + rare, dev=toys(200, seed=1), seed=0)
    model = role.fit(lesson)
    assert set(model.shares) == {"spam"}
    assert "harassment" in model.check("you silly wombat").untrained


def test_texts_without_a_category_train_none(role: GuardRole, toys: Toys) -> None:
    train = [replace(one, target=UNSPECIFIED if one.target else "") for one in toys(240)]
    model = role.fit(Lesson(train=train, dev=toys(200, seed=1), seed=0))
    assert model.shares == {}
    assert model.check("buy cheap blorp").flagged
    assert model.check("buy cheap blorp").applies == ()


def test_other_names_of_a_category_count_for_it(role: GuardRole, toys: Toys) -> None:
    train = [replace(one, target=one.target.replace("spam", "scam")) for one in toys(240)]
    model = role.fit(Lesson(train=train, dev=toys(200, seed=1), seed=0))
    assert set(model.shares) == {"harassment", "spam"}


# Exams


def test_probes_are_the_same_every_time(role: GuardRole, toys: Toys) -> None:
    cases = toys(40, seed=8)
    first = role.probes(cases)
    first_again = role.probes(list(cases))
    role.probes(cases[:3])  # another exam between
    assert role.probes(cases) == first_again == first


def test_probes_given_out_are_the_callers_own(role: GuardRole, toys: Toys) -> None:
    cases = toys(10, seed=8)
    role.probes(cases).clear()
    assert len(role.probes(cases)) == 30


def test_no_probe_comes_twice(role: GuardRole, toys: Toys) -> None:
    cases = {(one.source, one.input): one for one in toys(100, seed=8)}
    rows = [probe.row for probe in role.probes(list(cases.values()))]
    assert len({row.case for row in rows}) == len(cases)
    assert max(Counter((row.case, row.probe) for row in rows).values()) == 1


def test_a_text_of_two_sources_is_two_cases(role: GuardRole, toys: Toys) -> None:
    (one,) = toys(1)
    rows = [probe.row for probe in role.probes([one, replace(one, source="feedback:web")])]
    assert len({row.case for row in rows}) == 2


def test_a_malicious_text_is_examined_clean_and_attacked(role: GuardRole, toys: Toys) -> None:
    (case,) = toys(1, targets=("spam",), languages=["en"])
    clean, loud, dotted = role.probes([case])
    assert (clean.input, loud.input) == (case.input, case.input.upper())
    common = {"malicious", "lang:en", "source:import:toy"}
    assert set(clean.row.tags) == {"clean", *common}
    assert set(loud.row.tags) == {"attacked", "family:case", "attack:capitals", *common}
    assert set(dotted.row.tags) == {"attacked", "family:segment", "attack:dots", *common}
    assert [probe.row.probe for probe in (clean, loud, dotted)] == ["clean", "capitals", "dots"]
    assert len({probe.row.case for probe in (clean, loud, dotted)}) == 1


def test_a_harmless_text_has_twins(role: GuardRole, toys: Toys) -> None:
    (case,) = toys(1, targets=HARMLESS, languages=["ko"])
    clean, *twins = role.probes([case])
    assert set(clean.row.tags) == {"clean", "harmless", "lang:ko", "source:import:toy"}
    assert all({"twin", "harmless", "lang:ko"} < set(twin.row.tags) for twin in twins)
    assert {probe.row.calibration for probe in (clean, *twins)} == {"ko"}


def test_a_row_forgets_nothing_that_a_case_says(role: GuardRole, toys: Toys) -> None:
    (case,) = toys(1)
    before, after = (
        role.probes([one])[0].row for one in (case, replace(case, lang="eo", group="talk 7"))
    )
    assert "lang:eo" in after.tags
    assert before.group != after.group


def test_every_measure_of_the_gate_finds_its_rows(role: GuardRole, toys: Toys) -> None:
    rows = [probe.row for probe in role.probes(toys(8))]
    measures = [RULES.primary, *(rail.measure for rail in RULES.rails)]
    for measure in measures:
        assert any(set(measure.tags) <= set(row.tags) for row in rows), measure.name
    assert RULES.calibration is not None
    assert any(set(RULES.calibration.harmless) <= set(row.tags) for row in rows)
    prefixes = {prefix for alarm in RULES.alarms for prefix in alarm.slices}
    assert all(
        any(tag.startswith(prefix) for row in rows for tag in row.tags) for prefix in prefixes
    )


@pytest.mark.parametrize(
    ("target", "pinned", "tags"),
    [
        ("spam", True, {"suite", "must:flag", "pinned"}),
        ("spam", False, {"suite", "must:flag"}),
        ("", False, {"suite", "must:pass"}),
    ],
)
def test_items_of_the_suite_must_be_flagged_or_pass(
    role: GuardRole, toys: Toys, target: str, pinned: bool, tags: set[str]
) -> None:
    (item,) = toys(1, targets=(target,), languages=["ko"])
    probe = role.suite(item, pinned=pinned)
    assert set(probe.row.tags) == tags
    assert probe.row.calibration == "ko"
    assert probe.input == item.input


def test_an_exam_scores_as_the_guard_does(role: GuardRole, toys: Toys, guard: Classifier) -> None:
    inputs = [probe.input for probe in role.probes(toys(40, seed=8))]
    assert role.score(guard, inputs).tolist() == guard.scores(inputs).tolist()


def test_copies_share_a_key(role: GuardRole) -> None:
    assert role.key("Green TEA!") == role.key("g.r.e.e.n tea")
    assert role.name == "guard"
