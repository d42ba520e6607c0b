"""What every metric owes those who read it, whoever wrote it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.metrics.measure import METRICS, Decisions, mean

every_metric = pytest.mark.parametrize("name", list(METRICS))

CASES = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.5, 0.9, 1.0])),
    max_size=40,
)


def decisions(cases: list[tuple[bool, bool, float]]) -> Decisions:
    return Decisions(
        expected=np.array([one[0] for one in cases], dtype=bool),
        flagged=np.array([one[1] for one in cases], dtype=bool),
        scores=np.array([one[2] for one in cases], dtype=np.float64),
    )


def clean_sweep(*, right: bool) -> Decisions:
    """A classifier that is always right, or always wrong."""
    expected = [True, False, True, False, False]
    return decisions([(e, e == right, 0.9 if e == right else 0.1) for e in expected])


def test_the_promised_metrics_are_registered() -> None:
    assert set(METRICS) >= {"accuracy", "precision", "recall", "fpr", "auroc"}


@every_metric
def test_says_what_it_measures_in_one_line(name: str) -> None:
    doc = METRICS[name].__doc__ or ""
    assert doc.strip().split("\n")[0].endswith(".")
    assert len(doc) <= 99


@every_metric
@settings(max_examples=60, deadline=None)
@given(CASES)
def test_gives_one_share_per_case_and_nan_where_a_case_is_none(
    name: str, cases: list[tuple[bool, bool, float]]
) -> None:
    values = METRICS[name](decisions(cases))
    assert values.shape == (len(cases),)
    assert values.dtype == np.float64
    counted = values[~np.isnan(values)]
    assert ((counted >= 0) & (counted <= 1)).all()
    assert mean(values).n == len(counted)


@every_metric
@settings(max_examples=60, deadline=None)
@given(CASES, st.randoms(use_true_random=False))
def test_does_not_mind_the_order_of_cases(
    name: str, cases: list[tuple[bool, bool, float]], random: object
) -> None:
    order = list(range(len(cases)))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = METRICS[name](decisions([cases[place] for place in order]))
    np.testing.assert_array_equal(moved, METRICS[name](decisions(cases))[order])


@every_metric
@settings(max_examples=60, deadline=None)
@given(CASES.filter(bool))
def test_seeing_every_case_twice_changes_nothing(
    name: str, cases: list[tuple[bool, bool, float]]
) -> None:
    once, twice = METRICS[name](decisions(cases)), METRICS[name](decisions(cases * 2))
    assert mean(twice).n == 2 * mean(once).n
    np.testing.assert_allclose(mean(twice).value, mean(once).value, atol=1e-12)


@every_metric
def test_tells_always_right_from_always_wrong(name: str) -> None:
    right, wrong = (mean(METRICS[name](clean_sweep(right=right))).value for right in (True, False))
    assert {right, wrong} == {0.0, 1.0}


@every_metric
@pytest.mark.parametrize("expected", [True, False])
@pytest.mark.parametrize("flagged", [True, False])
def test_one_kind_of_text_is_no_mistake(name: str, expected: bool, flagged: bool) -> None:
    figure = mean(METRICS[name](decisions([(expected, flagged, 0.5)] * 3)))
    assert figure.n in (0, 3)
    assert (figure.json()["value"] is None) == (figure.n == 0)


@every_metric
def test_leaves_what_it_was_given_as_it_was(name: str) -> None:
    given_to, again = clean_sweep(right=True), clean_sweep(right=True)
    METRICS[name](given_to)
    for field in ("expected", "flagged", "scores"):
        np.testing.assert_array_equal(getattr(given_to, field), getattr(again, field))
