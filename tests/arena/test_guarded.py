"""The guard as the arena knows it: asked again, it answers as when it was asked first."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sutdol.app import Standing, bundled
from sutdol.arena.guarded import Guard
from sutdol.core.types import Example
from sutdol.loop.role import Lesson
from sutdol.roles.guard import GuardRole
from sutdol.roles.texts import Texts

Standings = Callable[[], Guard]


@pytest.fixture(scope="module")
def examples() -> Sequence[Example]:
    return bundled()


@pytest.fixture(scope="module")
def standing(examples: Sequence[Example]) -> Standings:
    texts = examples[::30]
    role = GuardRole(lambda _: [])
    model = role.fit(Lesson(train=texts[::2], dev=texts[1::2], seed=0))
    return lambda: Standing(model, Texts())


def test_asked_again_it_says_the_same(standing: Standings, examples: Sequence[Example]) -> None:
    texts = [one.input for one in examples[7::200]]
    texts += ["", " ", "👍🏽", "숫돌을갈아요" * 300, "a \0 b"]
    guard = standing()
    scores, flags = guard.judge(texts)
    assert len(scores) == len(flags) == len(texts)
    assert 0 < flags.sum() < len(texts)
    for _ in range(2):
        again, flagged = guard.judge_again(texts)
        np.testing.assert_allclose(again, scores, atol=1e-9)
        np.testing.assert_array_equal(flagged, flags)


def test_asked_about_nothing_it_says_nothing(standing: Standings) -> None:
    for answer in (standing().judge([]), standing().judge_again([])):
        assert [len(part) for part in answer] == [0, 0]
