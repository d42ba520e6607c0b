"""What an attacker may learn from the guard: scores of disguised texts, up to a budget."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sutdol.arena.space import Candidate, Step

T = TypeVar("T")
Answer = tuple[float, bool]
"""The guard's score of a text, and whether it flags it."""
Judge = Callable[[Sequence[str]], Sequence[Answer]]
Asking = Generator[list[str], Sequence[Answer], T]
"""Yields texts to be judged, is sent their answers in order, and returns a T in the end."""

PATIENCE = 10  # questions in a row that bring nothing new: then the search has run dry


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The best that a search found for one text, and what it cost.

    Rendering the steps in a space of the same text, attacks and seed gives `text` again.
    """

    text: str
    score: float
    evaded: bool
    queries: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A candidate and what the guard said of it."""

    candidate: Candidate
    text: str
    score: float
    flagged: bool

    @property
    def rank(self) -> tuple[bool, float]:
        """The lower the better for the attacker.

        What is not flagged comes first even at a higher score: thresholds differ by language.
        """
        return self.flagged, self.score


class Oracle:
    """Counts questions about one text; never asks more than `budget`, and nothing twice.

    It judges nothing itself but yields the texts, so that the questions of many searches can be
    put to the guard together: `tried = yield from oracle.ask(candidates)`.
    """

    def __init__(self, render: Callable[[Candidate], str], *, budget: int) -> None:
        self.budget = budget
        self.best = _nothing_yet(render)
        self._render = render
        self._known: dict[str, Answer] = {}
        self._stale = 0

    @property
    def queries(self) -> int:
        return len(self._known)

    @property
    def left(self) -> int:
        return self.budget - self.queries

    @property
    def done(self) -> bool:
        """The text gets through, the budget is used up, or nothing new comes up any more."""
        return not self.best.flagged or self.left <= 0 or self._stale >= PATIENCE

    def ask(self, candidates: Sequence[Candidate]) -> Asking[list[Scored]]:
        """Have candidates judged; those the budget does not reach are left out."""
        texts = [self._render(candidate) for candidate in candidates]
        yield from self._learn(texts)
        tried = [
            Scored(candidate=candidate, text=text, score=answer[0], flagged=answer[1])
            for candidate, text in zip(candidates, texts, strict=True)
            if (answer := self._known.get(text)) is not None
        ]
        self.best = min([self.best, *tried], key=lambda scored: scored.rank)
        return tried

    def probe(self, texts: Sequence[str]) -> Asking[list[float]]:
        """Scores of texts that are no disguises; infinite where the budget does not reach."""
        yield from self._learn(texts)
        unknown = float("inf"), True
        return [self._known.get(text, unknown)[0] for text in texts]

    def trial(self) -> Trial:
        """The outcome so far."""
        return Trial(
            text=self.best.text,
            score=self.best.score,
            evaded=not self.best.flagged,
            queries=self.queries,
            steps=self.best.candidate.steps,
        )

    def _learn(self, texts: Sequence[str]) -> Asking[None]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known][: self.left]
        self._stale = 0 if new else self._stale + 1
        if new:
            answers = yield new
            self._known.update(zip(new, answers, strict=True))


def _nothing_yet(render: Callable[[Candidate], str]) -> Scored:
    plain = Candidate()
    return Scored(candidate=plain, text=render(plain), score=float("inf"), flagged=True)
