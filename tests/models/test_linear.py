"""One linear decision: alike for one text and for many, in training and in serving."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.models.linear import (
    FEWEST,
    Features,
    Head,
    Heads,
    Row,
    chance,
    fit,
    platt,
    row,
    scales,
    sigmoid,
    stack,
    valued,
)
from sutdol.models.ngrams import COLUMNS, columns

HEAD = Head(
    weights=np.random.default_rng(0).normal(size=COLUMNS).astype(np.float16).astype(np.float32),
    bias=0.25,
)
TEA = ["green tea", "black tea please", "tea with lemon", "a pot of tea", "iced tea"]
REST = ["green apple", "black coffee please", "water with lemon", "a pot of soup", "ice cream"]


def features(texts: list[str]) -> Features:
    return stack([views(text) for text in texts])


def views(text: str) -> Row:
    return row([f" {text} ", text, text[::2]])


def lesson(seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Forty texts, every other about tea."""
    random = Random(seed)
    texts = [f"{random.choice(pick)} {random.randint(1, 9)}" for pick in [TEA, REST] * 20]
    return texts, np.array([True, False] * 20)


@pytest.fixture(scope="module")
def fitted() -> Head:
    texts, labels = lesson()
    return fit(features(texts), labels, strength=1.0, seed=0)


@given(st.lists(st.lists(st.text(), min_size=1, max_size=3), max_size=8))
def test_one_text_alone_scores_to_the_bit_as_among_others(texts: list[list[str]]) -> None:
    rows = [row(views) for views in texts]
    assert HEAD.logits(stack(rows)).tolist() == [HEAD.logit(one) for one in rows]


def test_a_long_text_alone_scores_to_the_bit_as_among_others() -> None:
    random = Random(0)
    texts = ["".join(random.choices("abcdefgh ", k=length)) for length in (5, 3_000, 1, 20_000, 40)]
    rows = [views(text) for text in texts]
    assert HEAD.logits(stack(rows)).tolist() == [HEAD.logit(one) for one in rows]


def heads(count: int) -> dict[str, Head]:
    """Heads that differ, by name."""
    return {
        f"head {number}": Head(weights=np.roll(HEAD.weights, number), bias=number / 7)
        for number in range(count)
    }


SEVERAL = heads(5)
TOGETHER = Heads.of(SEVERAL)


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_heads_side_by_side_say_to_the_bit_what_each_says(texts: list[str]) -> None:
    one = row(texts)
    assert TOGETHER.weighed(valued(one)).tolist() == [head.logit(one) for head in SEVERAL.values()]


@pytest.mark.parametrize("length", [3_000, 20_000])
@pytest.mark.parametrize("count", [0, 1, 2, 13])
def test_so_they_do_of_a_long_text(length: int, count: int) -> None:
    one = views("".join(Random(0).choices("abcdefgh ", k=length)))
    each = heads(count)
    said = Heads.of(each).weighed(valued(one)).tolist()
    assert said == [head.logit(one) for head in each.values()]


def test_a_head_among_others_is_the_one_that_was_put_there() -> None:
    assert list(TOGETHER) == list(SEVERAL)
    for name, head in TOGETHER.items():
        assert head.bias == SEVERAL[name].bias
        assert np.array_equal(head.weights, SEVERAL[name].weights)
        assert head.logit(views("green tea")) == SEVERAL[name].logit(views("green tea"))


def test_heads_without_their_weights_or_biases_are_refused() -> None:
    for names, biases in ((["one"], 2), (["one", "two"], 1), ([], 2)):
        with pytest.raises(ValueError, match="other weights or biases"):
            Heads(names, np.zeros((8, 2), dtype=np.float32), np.zeros(biases))


def test_a_text_without_n_grams_has_the_bias_for_logit() -> None:
    empty = row(["", "a"])
    assert HEAD.logit(empty) == HEAD.bias
    rows = [empty, row(["tea"]), empty, empty]
    assert HEAD.logits(stack(rows)).tolist() == [0.25, HEAD.logit(rows[1]), 0.25, 0.25]


def test_no_texts_have_no_logits() -> None:
    assert HEAD.logits(stack([])).tolist() == []
    assert len(stack([])) == 0


def test_a_row_holds_the_columns_of_view_after_view() -> None:
    found, sizes = row(["green", "", "tea"])
    assert found.tolist() == columns("green").tolist() + columns("tea").tolist()
    assert sizes.tolist() == [len(columns("green")), 0, len(columns("tea"))]


def test_each_view_has_length_one_however_long() -> None:
    values = scales(np.array([10, 0, 300]))
    assert np.sum(values[:10] ** 2) == pytest.approx(1.0)
    assert np.sum(values[10:] ** 2) == pytest.approx(1.0)


def test_a_lone_syllable_does_not_shout() -> None:
    assert scales(np.array([1])).tolist() == [FEWEST**-0.5]


def test_stacked_rows_end_where_the_next_begins() -> None:
    stacked = stack([row(["tea"]), row([""]), row(["green"])])
    assert len(stacked) == 3
    first = len(columns("tea"))
    assert stacked.ends.tolist() == [0, first, first, first + len(columns("green"))]
    assert len(stacked.values) == len(stacked.columns) == stacked.ends[-1]


def test_learns_what_tells_the_texts_apart(fitted: Head) -> None:
    assert fitted.logit(views("some tea")) > 0 > fitted.logit(views("some soup"))


def test_the_same_lesson_gives_the_same_weights(fitted: Head) -> None:
    texts, labels = lesson()
    again = fit(features(texts), labels, strength=1.0, seed=0)
    assert again.bias == fitted.bias
    assert np.array_equal(again.weights, fitted.weights)


def test_weights_are_what_float16_can_hold(fitted: Head) -> None:
    assert fitted.weights.dtype == np.float32
    assert np.array_equal(fitted.weights, fitted.weights.astype(np.float16).astype(np.float32))


def test_weights_stand_at_columns_of_the_lesson_only(fitted: Head) -> None:
    seen = np.unique(features(lesson()[0]).columns)
    assert set(np.flatnonzero(fitted.weights).tolist()) <= set(seen.tolist())


def test_learning_leaves_the_features_alone() -> None:
    texts, labels = lesson()
    used, fresh = features(texts), features(texts)
    fit(used, labels, strength=1.0, seed=0)
    assert np.array_equal(used.values, fresh.values)
    assert np.array_equal(used.columns, fresh.columns)
    assert np.array_equal(used.ends, fresh.ends)


def test_logits_are_those_of_scikit_learn(fitted: Head) -> None:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    texts, labels = lesson()
    given_ = features(texts)
    matrix = csr_matrix(
        (given_.values, given_.columns.astype(np.int32), given_.ends),
        shape=(len(texts), COLUMNS),
        copy=True,
    )
    matrix.sum_duplicates()
    stands = matrix > 0
    shares = [(stands[kind].sum(axis=0) + 1) / (kind.sum() + 2) for kind in (labels, ~labels)]
    contrast = np.log(np.asarray(shares[0] / shares[1])).ravel()
    matrix = csr_matrix(matrix.multiply(contrast))
    model = LogisticRegression(
        C=1.0, solver="liblinear", dual=True, tol=0.1, max_iter=40, random_state=0
    ).fit(matrix, labels)
    assert np.abs(fitted.logits(given_) - model.decision_function(matrix)).max() < 1e-3


def test_platt_finds_the_sigmoid_that_made_the_labels() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=20_000)
    labels = random.random(20_000) < 1 / (1 + np.exp(-(2 * logits - 1)))
    assert platt(logits, labels) == pytest.approx((2.0, -1.0), abs=0.1)


def test_platt_is_never_surer_than_its_few_texts_allow() -> None:
    slope, offset = platt(np.array([-1.0, 1.0]), np.array([False, True]))
    # Platt's targets for one text of a kind are 2/3 and 1/3
    assert chance(slope + offset) == pytest.approx(2 / 3, abs=1e-3)
    assert chance(-slope + offset) == pytest.approx(1 / 3, abs=1e-3)


def test_platt_never_turns_the_scores_around() -> None:
    logits = np.linspace(-1, 1, 50)
    slope, _ = platt(logits, logits < 0)
    assert slope > 0


@given(st.lists(st.floats(-800, 800), max_size=20))
def test_chances_are_between_none_and_certain(logits: list[float]) -> None:
    found = sigmoid(np.array(logits))
    assert found.tolist() == [chance(logit) for logit in logits]
    assert all(0 <= one <= 1 for one in found)


def test_an_even_logit_is_an_even_chance() -> None:
    assert chance(0.0) == 0.5
    assert chance(1.0) == pytest.approx(1 / (1 + np.exp(-1)))
