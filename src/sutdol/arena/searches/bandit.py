"""Bandit search: learns over all texts of a run which attacks the guard is weak against."""

from collections import defaultdict
from math import log
from random import Random

from sutdol.arena.oracle import Asking, Oracle, Scored
from sutdol.arena.search import Search, important, search
from sutdol.arena.space import Candidate, Space

PULLS = 4  # attacks tried at a time
FULL = 3.0  # fall of the log-odds that counts as full success
LEAST = 1e-9  # log-odds need scores off 0 and 1


@search("bandit")
def bandit() -> Search:
    """Learns over all texts which attacks work, and prefers them (Thompson sampling)."""
    return Bandit()


class Bandit:
    """Beliefs about each attack: a beta distribution of how well it works."""

    def __init__(self) -> None:
        self._won: dict[str, float] = defaultdict(lambda: 1.0)
        self._lost: dict[str, float] = defaultdict(lambda: 1.0)

    def __call__(self, space: Space, oracle: Oracle, random: Random) -> Asking[None]:
        words = (yield from important(space, oracle))[: space.edits]
        while not oracle.done:
            before = oracle.best
            pulled = {
                _played(space, before.candidate, words, name, random): name
                for name in self._pull(space, random)
            }
            pulled.pop(before.candidate, None)  # not allowed here: says nothing of the attack
            for one in (yield from oracle.ask(list(pulled))):
                self._learn(pulled[one.candidate], _success(before, one))

    def _pull(self, space: Space, random: Random) -> list[str]:
        """The attacks that look best in one draw from the beliefs."""
        drawn = {
            name: random.betavariate(self._won[name], self._lost[name])
            for name in space.word_attacks + space.message_attacks
        }
        return sorted(drawn, key=drawn.__getitem__, reverse=True)[:PULLS]

    def _learn(self, name: str, success: float) -> None:
        self._won[name] += success
        self._lost[name] += 1 - success


def _played(
    space: Space, candidate: Candidate, words: list[int], name: str, random: Random
) -> Candidate:
    """The candidate with an attack more: on the message, on one word or on all of them."""
    if name in space.message_attacks:
        return Candidate(words=candidate.words, message=name)
    chosen = words if random.random() < 0.5 else words and [random.choice(words)]
    for word in chosen:
        candidate = space.put(candidate, word, name)
    return candidate


def _success(before: Scored, after: Scored) -> float:
    """From 0, no better, to 1, through."""
    if not after.flagged:
        return 1.0
    return min(1.0, max(0.0, (_odds(before.score) - _odds(after.score)) / FULL))


def _odds(score: float) -> float:
    inside = min(1 - LEAST, max(LEAST, score))
    return log(inside / (1 - inside))
