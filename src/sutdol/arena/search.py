"""What an adaptive search is: an attacker who sees the guard's score and tries again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from sutdol.arena.attack import Attack
from sutdol.arena.disguise import seed_of
from sutdol.arena.oracle import Answer, Asking, Judge, Oracle, Trial
from sutdol.arena.space import Candidate, Space
from sutdol.core.errors import UsageError
from sutdol.core.registry import Registry

Search = Callable[[Space, Oracle, Random], Asking[None]]
"""Looks through a space by asking the oracle, until `oracle.done` or out of ideas."""
SearchFactory = Callable[[], Search]
"""Makes a search for one run over many texts: what it remembers, it learns across them."""

SEARCHES: Registry[SearchFactory] = Registry("search", "sutdol.arena.searches", plural="searches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an attacker may spend on one text; printed with every figure."""

    queries: int = 80
    edits: int = 4

    def __post_init__(self) -> None:
        if self.queries < 1 or self.edits < 1:
            raise UsageError("An attacker needs at least one query and one edit per text.")


USUAL = Budget()


def search(name: str) -> Callable[[SearchFactory], SearchFactory]:
    """Register the decorated factory as the search `name`; its docstring is the help text."""

    def register(factory: SearchFactory) -> SearchFactory:
        SEARCHES.add(name, factory)
        return factory

    return register


def attack_all(
    search_name: str,
    texts: Sequence[str],
    attacks: Sequence[Attack],
    judge: Judge,
    *,
    budget: Budget = USUAL,
    seed: int,
) -> list[Trial]:
    """Attack each text by a search, all in lock-step: one call of `judge` per step for all.

    Give attacks that suit the language of the texts and leave them readable.
    """
    run = SEARCHES[search_name]()
    oracles, attempts = [], []
    for text in texts:
        space = Space(text, attacks, edits=budget.edits, seed=seed)
        oracle = Oracle(space.render, budget=budget.queries)
        random = Random(seed_of(seed, search_name, text))
        oracles.append(oracle)
        attempts.append(_attempt(run, space, oracle, random))
    _drive(attempts, judge)
    return [oracle.trial() for oracle in oracles]


def important(space: Space, oracle: Oracle) -> Asking[list[int]]:
    """The words by how much the score falls without them, the most telling first.

    Long texts are narrowed down: spans of words first, then the words of the worst span.
    """
    most = max(2, oracle.budget // 4)
    words, behind = space.words, list[int]()
    while len(words) > 1:
        length = -(-len(words) // most)
        spans = [words[i : i + length] for i in range(0, len(words), length)]
        scores = yield from oracle.probe([space.without(span) for span in spans])
        first, *others = sorted(range(len(spans)), key=scores.__getitem__)
        behind = [word for other in others for word in spans[other]] + behind
        words = spans[first]
    return words + behind


def _attempt(run: Search, space: Space, oracle: Oracle, random: Random) -> Asking[None]:
    yield from oracle.ask([Candidate()])
    if not oracle.done:
        yield from run(space, oracle, random)


def _drive(attempts: Sequence[Asking[None]], judge: Judge) -> None:
    waiting = [
        (attempt, texts) for attempt in attempts if (texts := next(attempt, None)) is not None
    ]
    while waiting:
        answers = _judged(judge, [text for _, texts in waiting for text in texts])
        resumed = [
            (attempt, _resume(attempt, [next(answers) for _ in texts]))
            for attempt, texts in waiting
        ]
        waiting = [(attempt, texts) for attempt, texts in resumed if texts is not None]


def _judged(judge: Judge, texts: Sequence[str]) -> Iterator[Answer]:
    """Plain numbers, whatever kind of array the guard answers with."""
    for _, (score, flagged) in zip(texts, judge(texts), strict=True):
        yield float(score), bool(flagged)


def _resume(attempt: Asking[None], answers: Sequence[Answer]) -> list[str] | None:
    try:
        return attempt.send(answers)
    except StopIteration:
        return None
