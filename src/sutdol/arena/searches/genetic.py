"""Genetic search: a population of disguises is crossed and mutated; the fittest stay."""

from random import Random

from sutdol.arena.oracle import Asking, Oracle, Scored
from sutdol.arena.search import Search, important, search
from sutdol.arena.space import Candidate, Space, made_of

POPULATION = 16
MUTATED = 0.7  # share of children; the others only mix their parents


@search("genetic")
def genetic() -> Search:
    """Crosses and mutates a population of disguises; the fittest stay."""
    return _genetic


def _genetic(space: Space, oracle: Oracle, random: Random) -> Asking[None]:
    # Twice as many words as may be changed: children can trade one word for another.
    words = (yield from important(space, oracle))[: 2 * space.edits]
    population = yield from oracle.ask([_born(space, words, random) for _ in range(POPULATION)])
    while population and not oracle.done:
        children = [_child(space, population, words, random) for _ in range(POPULATION // 2)]
        population = _fittest(population + (yield from oracle.ask(children)))


def _born(space: Space, words: list[int], random: Random) -> Candidate:
    """About as many attacks as words may be changed."""
    candidate = Candidate()
    for _ in range(space.edits):
        candidate = space.move(candidate, words, random)
    return candidate


def _child(space: Space, population: list[Scored], words: list[int], random: Random) -> Candidate:
    mother, father = (_chosen(population, random) for _ in range(2))
    child = crossed(mother, father, space.edits, random)
    return space.move(child, words, random) if random.random() < MUTATED else child


def _chosen(population: list[Scored], random: Random) -> Candidate:
    rivals = random.sample(population, min(3, len(population)))
    return min(rivals, key=lambda one: one.rank).candidate


def crossed(mother: Candidate, father: Candidate, edits: int, random: Random) -> Candidate:
    """Each word as one of the parents has it, and at most `edits` words."""
    hers, his = dict(mother.words), dict(father.words)
    words = random.sample(both := sorted(hers | his), min(edits, len(both)))
    stacks = {}
    for word in words:
        stacks[word] = random.choice([side[word] for side in (hers, his) if word in side])
    return made_of(stacks, random.choice([mother.message, father.message]))


def _fittest(scored: list[Scored]) -> list[Scored]:
    different = {one.text: one for one in scored}.values()
    return sorted(different, key=lambda one: one.rank)[:POPULATION]
