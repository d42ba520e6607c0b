"""The guard as the arena knows it: asked again, it answers as when it was asked first."""

from collections.abc import Callable

import numpy as np
import pytest

from sutdol.app import Standing, bundled
from sutdol.arena.guarded import Guard
from sutdol.loop.role import Lesson
from sutdol.roles.guard import GuardRole
from sutdol.roles.texts import Texts

BUNDLED = bundled()


@pytest.fixture(scope="module")
def standing() -> Callable[[], Guard]:
    texts = BUNDLED[::30]
    role = GuardRole(lambda _: [])
    model = role.fit(Lesson(train=texts[::2], dev=texts[1::2], seed=0))
    return lambda: Standing(model, Texts())


TEXTS = [one.input for one in BUNDLED[7::200]] + ["", " ", "👍🏽", "숫돌을갈아요" * 300, "a \0 b"]


def test_asked_again_it_says_the_same(standing: Callable[[], Guard]) -> None:
    guard = standing()
    scores, flags = guard.judge(TEXTS)
    assert len(scores) == len(flags) == len(TEXTS)
    assert 0 < flags.sum() < len(TEXTS)
    for _ in range(2):
        again, flagged = guard.judge_again(TEXTS)
        np.testing.assert_allclose(again, scores, atol=1e-9)
        np.testing.assert_array_equal(flagged, flags)


def test_asked_about_nothing_it_says_nothing(standing: Callable[[], Guard]) -> None:
    for answer in (standing().judge([]), standing().judge_again([])):
        assert [len(part) for part in answer] == [0, 0]
