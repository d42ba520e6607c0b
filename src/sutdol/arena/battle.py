"""A battle: rounds in which the guard is attacked, learns, and is judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sutdol.arena.fight import Result, Terms, fight
from sutdol.arena.guarded import Guard
from sutdol.arena.panel import Panel, measure
from sutdol.arena.pools import Pool
from sutdol.arena.round import Curves, Fight, Round
from sutdol.core.types import Example
from sutdol.loop.monitor import watch

Progress = Callable[[str], None]

RESISTS = 0.90  # a family whose retention surely lies below this after learning resists
PATIENCE = 2  # rounds of learning before a family is said to resist


@dataclass(frozen=True, kw_only=True)
class Arena:
    """What a battle needs from the rest of Sutdol, and nothing more.

    `guard` gives the live guard; `learn` takes evasions and twins and says how many were new;
    `improve` runs the loop once: a verdict, or None when there was nothing to learn; `go_back`
    returns to the previous champion, giving the reason.
    """

    guard: Callable[[], Guard]
    learn: Callable[[Sequence[Example], Sequence[Example]], int]
    improve: Callable[[], Mapping[str, Any] | None]
    go_back: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A round with the seconds of its stages, which no figure depends on."""

    round: Round
    timing: Mapping[str, float]


def rounds(
    arena: Arena,
    pools: Sequence[Pool],
    panel: Panel,
    terms: Terms,
    progress: Progress = lambda _: None,
) -> Iterator[Timed]:
    """Fight the rounds; each is yielded when it is over."""
    before: Curves | None = None
    standing, promoted = "", False
    for number in range(1, terms.rounds + 1):
        clock = _Clock()
        guard = arena.guard()
        progress("measure")
        # the same guard says the same of the same panel
        curves = before if before and standing == guard.version else measure(panel, guard)
        standing = guard.version
        clock.lap("measure")
        rolled_back = _watch(arena, before, curves) if promoted and before else None
        if rolled_back:
            guard = arena.guard()
            curves, standing = measure(panel, guard), guard.version
        progress("fight")
        results = [fight(number, pool, guard, terms) for pool in pools]
        clock.lap("fight")
        learned = arena.learn(
            [one for result in results for one in result.evasions],
            [one for result in results for one in result.twins],
        )
        total = _total(results)
        progress("improve")
        verdict = arena.improve() if total.detection_rate < terms.trigger and learned else None
        clock.lap("improve")
        promoted = bool(verdict and verdict["decision"] == "promote")
        before = curves
        yield Timed(
            round=Round(
                number=number,
                guard=guard.version,
                fight=total,
                curves=curves,
                verdict=verdict,
                learned=learned,
                resists=_resisting(curves) if number > PATIENCE else (),
                rolled_back=rolled_back,
            ),
            timing=clock.laps,
        )


def _watch(arena: Arena, before: Curves, after: Curves) -> str | None:
    """Go back when the new champion is surely worse on the panel than the old one was."""
    texts = sorted(before.per_text)
    alarm = watch(
        "recall on the panel",
        [before.per_text[text] for text in texts],
        [after.per_text[text] for text in texts],
    )
    if alarm is None:
        return None
    arena.go_back(str(alarm))
    return str(alarm)


def _total(results: Sequence[Result]) -> Fight:
    return Fight(
        malicious=tuple(tally for one in results for tally in one.fight.malicious),
        harmless=tuple(tally for one in results for tally in one.fight.harmless),
    )


def _resisting(curves: Curves) -> tuple[str, ...]:
    return tuple(name for name, figure in sorted(curves.families.items()) if figure.high < RESISTS)


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self.laps[name] = round(now - self._last, 3)
        self._last = now
