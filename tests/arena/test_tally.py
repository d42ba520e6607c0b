"""Intervals of a fight: over texts, whatever number of attacks each took."""

import math

import pytest

from sutdol.arena.tally import intervals

MALICIOUS = [(10, 10)] * 60 + [(10, 0)] * 40
HARMLESS = [(10, 1)] * 100


def test_values_are_the_usual_ones() -> None:
    found = intervals(MALICIOUS, HARMLESS)
    assert found["recall"].value == pytest.approx(0.6)
    assert found["precision"].value == pytest.approx(600 / 700)
    assert found["accuracy"].value == pytest.approx(1500 / 2000)
    assert found["f1"].value == pytest.approx(1200 / (1200 + 400 + 100))
    assert all(one.low <= one.value <= one.high for one in found.values())
    assert (found["recall"].n, found["f1"].n) == (100, 200)


def test_ten_attacks_on_a_text_are_no_ten_texts() -> None:
    recall = intervals(MALICIOUS, HARMLESS)["recall"]
    assert recall.high - recall.low == pytest.approx(2 * 1.96 * math.sqrt(0.6 * 0.4 / 100), rel=0.2)


def test_more_texts_are_surer_and_the_same_ones_always_alike() -> None:
    few, many = intervals(MALICIOUS, HARMLESS), intervals(MALICIOUS * 9, HARMLESS * 9)
    for name, one in few.items():
        assert many[name].high - many[name].low < one.high - one.low
    assert intervals(MALICIOUS, HARMLESS) == few


def test_without_attacks_nothing_was_measured() -> None:
    assert {one.n for one in intervals([], []).values()} == {0}
    assert intervals([(4, 0)], [(4, 0)])["precision"].json()["value"] is None
