"""The selftest on the bundled texts: each cheat looks like progress, and the gate refuses it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest

from sutdol.app import bundled
from sutdol.arena.fixed import by_family, exam_disguises, readable
from sutdol.arena.rehearse import rehearse
from sutdol.core.errors import NotReady
from sutdol.core.types import Disguised, Example
from sutdol.loop.parts import part_of
from sutdol.loop.role import Lesson
from sutdol.roles.guard import GuardRole
from sutdol.roles.selftest import Refusal, selftest


def every_seen_family(example: Example) -> Sequence[Disguised]:
    return by_family(example.input, readable(example.lang, unseen=False), "selftest")


@pytest.fixture(scope="module")
def refusals() -> Mapping[str, Refusal]:
    """What the gate says to each cheat: all harmless bundled texts, half of the others."""
    texts: dict[str, list[Example]] = {}
    for number, one in enumerate(bundled()):
        if number % 2 or not one.target:
            texts.setdefault(part_of("guard", one.group), []).append(one)
    lesson = Lesson(train=texts["train"], dev=texts["dev"], seed=0)
    role = GuardRole(exam_disguises, rehearse)
    return {one.cheat: one for one in selftest(role, lesson, texts["hold_out"], every_seen_family)}


def test_all_three_cheats_are_refused(refusals: Mapping[str, Refusal]) -> None:
    assert set(refusals) == {
        "evasions only", "flags everything odd", "label-flipped feedback",
    }  # fmt: skip
    assert {one.decision for one in refusals.values()} == {"reject"}
    assert all(one.refused for one in refusals.values())


def test_calling_all_odd_writing_bad_is_given_away_by_the_benign_twins(
    refusals: Mapping[str, Refusal],
) -> None:
    assert "false positives on twins lost" in refusals["flags everything odd"].reason


def test_at_equal_false_positives_a_cheat_catches_less(refusals: Mapping[str, Refusal]) -> None:
    """The famous gain is made of harmless texts: held to the same share of them it is a loss."""
    champion, cheating = refusals["evasions only"].attacked_recall
    assert cheating < champion - 0.02


def test_flipped_labels_cost_what_was_caught_before(refusals: Mapping[str, Refusal]) -> None:
    champion, poisoned = refusals["label-flipped feedback"].attacked_recall
    assert poisoned < champion
    assert "clean recall lost" in refusals["label-flipped feedback"].reason


def test_what_would_be_promoted_is_not_called_refused() -> None:
    refusal = Refusal(cheat="none", decision="promote", reason="", attacked_recall=(0.5, 0.9))
    assert not refusal.refused
    assert replace(refusal, decision="inconclusive").refused


def test_too_small_an_exam_refuses_too_but_proves_nothing() -> None:
    texts = Random(0).sample(bundled(), 600)
    lesson = Lesson(train=texts[:300], dev=texts[300:500], seed=0)
    with pytest.raises(NotReady, match="500 violating and 1,000 harmless"):
        selftest(GuardRole(exam_disguises), lesson, texts[500:], lambda _: [])
