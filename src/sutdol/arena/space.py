"""The disguises of one text that a search may choose from, and how each reads."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from sutdol.arena.attack import Attack
from sutdol.arena.disguise import disguise, seed_of, words

STACKED = 2  # attacks on one word: with more of them nobody could read it

Stack = tuple[str, ...]
Step = tuple[int | Literal["message"], str]
"""Where (index of a word, or the message) and by which attack."""

_SPACE = re.compile(r"(\s+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A disguise: attacks by word, in the order they are applied, then one on the message."""

    words: tuple[tuple[int, Stack], ...] = ()  # ascending, each word once
    message: str = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        on_words: list[Step] = [(word, name) for word, stack in self.words for name in stack]
        return (*on_words, ("message", self.message)) if self.message else tuple(on_words)


class Space:
    """All candidates for `text` within the rules: `edits` words, two attacks each, one message.

    The two attacks on a word are of different families: a word masked twice is no word.

    A word disguised in one way always reads the same, whatever is done to the others, so that a
    search can tell what helped.
    """

    def __init__(self, text: str, attacks: Sequence[Attack], *, edits: int, seed: int) -> None:
        self.text, self.edits = text, edits
        self.word_attacks = [attack.name for attack in attacks if attack.scope == "word"]
        self.message_attacks = [attack.name for attack in attacks if attack.scope == "message"]
        self._attacks = {attack.name: attack for attack in attacks}
        self._seed = seed_of(seed, text)
        self._pieces = _SPACE.split(text)  # words with the white space between them
        self._places = [i for i, piece in enumerate(self._pieces) if words(piece)]
        self._disguised: dict[tuple[int, Stack], str] = {}

    @property
    def words(self) -> list[int]:
        """The words with a letter in them, by index: no attack changes the others."""
        return [i for i, place in enumerate(self._places) if _has_letter(self._pieces[place])]

    def render(self, candidate: Candidate) -> str:
        pieces = list(self._pieces)
        for word, stack in candidate.words:
            pieces[self._places[word]] = self._word(word, stack)
        text = "".join(pieces)
        if not candidate.message:
            return text
        random = Random(seed_of(self._seed, candidate.message))
        return disguise(self._attacks[candidate.message], text, random)

    def without(self, left_out: Collection[int]) -> str:
        """The text lacking some words: to find out how much they matter, not to be sent."""
        gone = {self._places[word] for word in left_out}
        return "".join(piece for i, piece in enumerate(self._pieces) if i not in gone)

    def put(self, candidate: Candidate, word: int, name: str) -> Candidate:
        """One more attack on a word, in place of the last one when its stack is full.

        The candidate stays as it is where the rules do not allow it.
        """
        stacks = dict(candidate.words)
        stack = stacks.get(word, ())
        below = stack[: STACKED - 1]
        if self._family(name) in map(self._family, below) or (
            not stack and len(stacks) >= self.edits
        ):
            return candidate
        stacks[word] = (*below, name)
        return made_of(stacks, candidate.message)

    def on_word(self, candidate: Candidate, word: int) -> list[Candidate]:
        """Every way to put one more attack on a word."""
        return [self.put(candidate, word, name) for name in self.word_attacks]

    def on_message(self, candidate: Candidate) -> list[Candidate]:
        """Every way to attack the message as a whole."""
        return [Candidate(words=candidate.words, message=name) for name in self.message_attacks]

    def move(self, candidate: Candidate, words: Sequence[int], random: Random) -> Candidate:
        """One attack more, picked by chance, on one of `words` or on the message."""
        on_words = len(self.word_attacks) if words else 0
        pick = random.randrange(max(1, on_words + len(self.message_attacks)))
        if pick < on_words:
            return self.put(candidate, random.choice(words), self.word_attacks[pick])
        names = self.message_attacks[pick - on_words :][:1]
        return Candidate(words=candidate.words, message=names[0]) if names else candidate

    def _family(self, name: str) -> str:
        return self._attacks[name].family

    def _word(self, word: int, stack: Stack) -> str:
        known = self._disguised.get((word, stack))
        if known is not None:
            return known
        below = (
            self._pieces[self._places[word]] if len(stack) == 1 else self._word(word, stack[:-1])
        )
        # An attack may have split the word: the next one gets all its parts.
        parts = range(len(words(below)))
        random = Random(seed_of(self._seed, word, stack))
        made = disguise(self._attacks[stack[-1]], below, random, parts)
        self._disguised[word, stack] = made
        return made


def made_of(stacks: Mapping[int, Stack], message: str = "") -> Candidate:
    """The candidate with these attacks by word."""
    return Candidate(words=tuple(sorted(stacks.items())), message=message)


def _has_letter(word: str) -> bool:
    return any(char.isalpha() for char in word)
