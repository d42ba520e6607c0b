"""The usual measures of a fight, and what a round says as JSON."""

import math

import pytest

from sutdol.arena.round import Curves, Fight, Round
from sutdol.metrics.interval import Interval, wilson


def test_the_measures_are_over_attacked_texts_and_twins() -> None:
    found = Fight(malicious=((40, 40), (40, 20)), harmless=((50, 20), (50, 0))).json()
    assert found["detection_rate"] == found["recall"] == 0.75
    assert found["evasion_rate"] == 0.25
    assert found["accuracy"] == pytest.approx((60 + 80) / 180, abs=1e-6)
    assert found["precision"] == 0.75
    assert found["f1"] == 0.75


def test_a_guard_that_flags_nothing_has_no_precision_to_speak_of() -> None:
    found = Fight(malicious=((10, 0),), harmless=((10, 0),)).json()
    assert (found["recall"], found["precision"], found["f1"]) == (0.0, 0.0, 0.0)
    assert found["evasion_rate"] == 1.0


def test_where_nobody_attacked_nobody_evaded() -> None:
    found = Fight(malicious=(), harmless=()).json()
    assert found["attacks"] == 0
    assert (found["detection_rate"], found["evasion_rate"]) == (0.0, 0.0)


def curves(independent: Interval | None = None) -> Curves:
    half = wilson(5, 10)
    return Curves(
        seen=half,
        held_out=half,
        adaptive=wilson(0, 0),
        independent=independent,
        clean=half,
        retention_seen=half,
        retention_held_out=half,
        fpr_clean=half,
        fpr_twins=half,
        fpr_twins_unseen=half,
        fpr_twins_worst=("leet_digit", half),
        families={"typo": half, "leet": half},
        families_held_out={"typo": half},
        per_text={"a": 0.5},
    )


def told(found: Curves) -> dict[str, object]:
    fight = Fight(malicious=((4, 3),), harmless=((4, 1),))
    return Round(
        number=2,
        guard="guard-v1",
        fight=fight,
        curves=found,
        verdict=None,
        learned=1,
        resists=("leet",),
        rolled_back=None,
    ).json()


def test_a_figure_is_value_low_high_and_n() -> None:
    found = told(curves())
    assert found["seen"] == wilson(5, 10).json()
    assert set(wilson(5, 10).json()) == {"value", "low", "high", "n"}
    assert found["fpr_twins_worst"] == {"attack": "leet_digit", **wilson(5, 10).json()}


def test_what_was_not_measured_is_null_and_what_had_no_texts_has_no_value() -> None:
    found = told(curves())
    assert found["independent"] is None
    assert found["adaptive"] == {"value": None, "low": None, "high": None, "n": 0}
    assert told(curves(wilson(1, 4)))["independent"] == wilson(1, 4).json()


def test_no_figure_is_nan_and_no_text_is_told() -> None:
    found = told(curves())
    assert "per_text" not in found
    assert not [v for v in found.values() if isinstance(v, float) and math.isnan(v)]
