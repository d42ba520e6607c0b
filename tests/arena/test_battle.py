"""Rounds: measured, fought, learned from and judged, against guards that are functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sutdol.arena.battle import PATIENCE, Arena, Timed, rounds
from sutdol.arena.panel import Panel, panel
from sutdol.arena.pools import Pool
from sutdol.arena.search import Budget
from sutdol.core.types import Example

MakePool = Callable[..., Pool]
Guards = Callable[..., Any]
PROMOTE: Mapping[str, Any] = {"decision": "promote"}
REJECT: Mapping[str, Any] = {"decision": "reject"}


@dataclass
class Ring:
    """Who reigns, and what was asked of the rest of Sutdol."""

    guards: list[Any]
    verdicts: list[Mapping[str, Any] | None] = field(default_factory=list)
    learned: list[tuple[Sequence[Example], Sequence[Example]]] = field(default_factory=list)
    known: bool = False
    reasons: list[str] = field(default_factory=list)
    reigning: int = 0

    def arena(self) -> Arena:
        return Arena(
            guard=lambda: self.guards[self.reigning],
            learn=self._learn,
            improve=self._improve,
            go_back=self._go_back,
        )

    def _learn(self, evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        self.learned.append((evasions, twins))
        return 0 if self.known else len(evasions) + len(twins)

    def _improve(self) -> Mapping[str, Any] | None:
        verdict = self.verdicts.pop(0) if self.verdicts else None
        self.reigning += verdict is PROMOTE
        return verdict

    def _go_back(self, reason: str) -> None:
        self.reasons.append(reason)
        self.reigning -= 1


@pytest.fixture
def watched(pool: MakePool) -> Panel:
    dev = [pool(40, lang=lang, part="dev") for lang in ("en", "ko")]
    return panel(dev, 40, budget=Budget(queries=4, edits=1), seed=0)


@pytest.fixture
def fought(pool: MakePool, terms: Callable[..., Any], watched: Panel) -> Callable[..., list[Timed]]:
    """`fought(ring, rounds=2)`: the rounds of a small battle."""

    def made(ring: Ring, *, progress: Callable[[str], None] = print, **asked: Any) -> list[Timed]:
        return list(rounds(ring.arena(), [pool(8)], watched, terms(**asked), progress))

    return made


def test_each_round_is_fought_and_measured_with_the_guard_that_reigns(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    better = word_guard(words=["wom", "웜"], version="guard-v2")
    ring = Ring([word_guard(), better], verdicts=[REJECT, PROMOTE])
    told = [one.round for one in fought(ring, rounds=4)]
    assert [one.number for one in told] == [1, 2, 3, 4]
    assert [one.guard for one in told] == ["guard-v1", "guard-v1", "guard-v2", "guard-v2"]
    assert told[1].curves == told[0].curves
    assert told[2].curves.seen.value > told[1].curves.seen.value
    assert [one.verdict for one in told] == [REJECT, PROMOTE, None, None]


def test_the_same_texts_are_asked_about_in_every_round(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    guards = [word_guard(version=f"guard-v{n}") for n in (1, 2, 3)]
    fought(Ring(list(guards), verdicts=[PROMOTE, PROMOTE]), rounds=3)
    first, *others = [guard.asked_again for guard in guards]
    panel_texts = 80 * 2  # clean, of both kinds
    assert len(set(first)) > panel_texts * 10
    for asked in others:
        # besides the panel, the fight asks about the clean texts it has drawn
        assert asked[: len(first) - 8] == first[:-8]


def test_what_slipped_through_is_learned_with_its_twins(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    ring = Ring([word_guard()])
    told = fought(ring, rounds=2)
    assert len(ring.learned) == 2
    for one, (evasions, twins) in zip(told, ring.learned, strict=True):
        assert len(twins) == 2 * len(evasions) > 0
        assert one.round.learned == len(evasions) + len(twins)


def test_a_guard_that_catches_enough_is_left_alone(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    ring = Ring([word_guard()], verdicts=[REJECT])
    (only,) = fought(ring, rounds=1, trigger=0.0)
    assert only.round.verdict is None
    assert ring.verdicts == [REJECT]
    assert only.round.learned > 0


def test_with_nothing_new_to_learn_nobody_is_judged(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    ring = Ring([word_guard()], verdicts=[REJECT], known=True)
    (only,) = fought(ring, rounds=1)
    assert (only.round.verdict, only.round.learned) == (None, 0)
    assert ring.verdicts == [REJECT]


def test_a_new_champion_that_is_surely_worse_on_the_panel_is_taken_back(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    worse = word_guard(words=["wombat number 1 "], version="guard-v2")
    good = word_guard(words=["wom", "웜"])
    ring = Ring([good, worse], verdicts=[PROMOTE])
    first, second, third = (one.round for one in fought(ring, rounds=3))
    (reason,) = ring.reasons
    assert reason.startswith("recall on the panel fell by")
    assert second.rolled_back == reason
    assert second.guard == "guard-v1"
    assert second.curves == first.curves
    assert (first.rolled_back, third.rolled_back) == (None, None)


def test_a_new_champion_that_is_no_worse_stays(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    ring = Ring([word_guard(), word_guard(version="guard-v2")], verdicts=[PROMOTE])
    told = fought(ring, rounds=3)
    assert ring.reasons == []
    assert told[-1].round.guard == "guard-v2"


def test_families_resist_only_after_rounds_of_learning_and_only_if_surely_weak(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    told = [one.round for one in fought(Ring([word_guard()]), rounds=PATIENCE + 1)]
    assert [list(one.resists) for one in told[:PATIENCE]] == [[]] * PATIENCE
    assert "lookalike" in told[-1].resists
    assert "padding" not in told[-1].resists  # leaves the words as they are
    assert list(told[-1].resists) == sorted(told[-1].resists)
    strong = fought(Ring([word_guard(words=[""])]), rounds=PATIENCE + 1)
    assert strong[-1].round.resists == ()


def test_a_round_is_yielded_before_the_next_begins(
    pool: MakePool, terms: Callable[..., Any], watched: Panel, word_guard: Guards
) -> None:
    ring = Ring([word_guard()])
    going = rounds(ring.arena(), [pool(8)], watched, terms(rounds=3))
    assert next(going).round.number == 1
    assert len(ring.learned) == 1


def test_progress_names_the_stages_in_order(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    stages: list[str] = []
    fought(Ring([word_guard()]), rounds=2, progress=stages.append)
    assert stages == ["measure", "fight", "improve"] * 2


def test_times_stand_beside_the_round_never_in_it(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    (only,) = fought(Ring([word_guard()]), rounds=1)
    assert set(only.timing) == {"measure", "fight", "improve"}
    assert all(seconds >= 0 for seconds in only.timing.values())
    assert "timing" not in only.round.json()


def test_equal_seeds_are_equal_battles(
    fought: Callable[..., list[Timed]], word_guard: Guards
) -> None:
    first, again = (
        [one.round.json() for one in fought(Ring([word_guard()]), rounds=2)] for _ in range(2)
    )
    assert again == first
    other = [one.round.json() for one in fought(Ring([word_guard()]), rounds=2, seed=5)]
    assert other != first


def test_two_languages_are_one_round(
    pool: MakePool, terms: Callable[..., Any], watched: Panel, word_guard: Guards
) -> None:
    pools = [pool(8), pool(8, lang="ko")]
    ring = Ring([word_guard()])
    (both,) = rounds(ring.arena(), pools, watched, terms(rounds=1))
    single = [
        next(rounds(Ring([word_guard()]).arena(), [one], watched, terms(rounds=1))).round.fight
        for one in pools
    ]
    assert both.round.fight.attacks == sum(one.attacks for one in single)
    assert both.round.fight.caught == sum(one.caught for one in single)
    assert {one.lang for one in ring.learned[0][0]} == {"en", "ko"}
