"""Beam search: the five best disguises so far are carried on, each in several ways."""

from random import Random

from sutdol.arena.oracle import Asking, Oracle, Scored
from sutdol.arena.search import Search, important, search
from sutdol.arena.space import Space

WIDTH = 5
BRANCHES = 2  # ways in which each is carried on: fewer ways leave budget for more levels


@search("beam")
def beam() -> Search:
    """Carries the five best disguises on, one more attack at a time."""
    return _beam


def _beam(space: Space, oracle: Oracle, random: Random) -> Asking[None]:
    words = (yield from important(space, oracle))[: space.edits]
    kept = [oracle.best]
    while not oracle.done:
        branches = BRANCHES * WIDTH // len(kept)
        tried = yield from oracle.ask(
            [space.move(one.candidate, words, random) for one in kept for _ in range(branches)]
        )
        kept = _best(kept + tried)


def _best(scored: list[Scored]) -> list[Scored]:
    different = {one.text: one for one in scored}.values()
    return sorted(different, key=lambda one: one.rank)[:WIDTH]
