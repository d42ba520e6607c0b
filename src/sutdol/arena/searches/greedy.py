"""Greedy search: the words that matter most, one after another, each in the best way found."""

from random import Random

from sutdol.arena.oracle import Asking, Oracle
from sutdol.arena.search import Search, important, search
from sutdol.arena.space import Candidate, Space


@search("greedy")
def greedy() -> Search:
    """Disguises the most telling word in the best way found, then the next one."""
    return _greedy


def _greedy(space: Space, oracle: Oracle, random: Random) -> Asking[None]:
    words = (yield from important(space, oracle))[: space.edits]
    for turn, word in enumerate(words):
        # As much for each word, and the same once more for the message and second layers.
        share = oracle.left // (len(words) - turn + 1)
        yield from _try(space.on_word(oracle.best.candidate, word), share, oracle, random)
    yield from _try(space.on_message(oracle.best.candidate), oracle.left, oracle, random)
    while not oracle.done:
        # One at a time: what helps is built upon at once.
        yield from oracle.ask([space.move(oracle.best.candidate, words, random)])


def _try(options: list[Candidate], most: int, oracle: Oracle, random: Random) -> Asking[None]:
    if not oracle.done:
        yield from oracle.ask(random.sample(options, min(len(options), most)))
