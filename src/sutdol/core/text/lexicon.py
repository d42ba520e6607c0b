"""Mend words that were starred out, split, misspelt or robbed of their vowels.

A guard knows the words of its training texts. One that is unknown as it stands, to the guard and
to English at large, is read as the most frequent word it can be a disguise of. Latin letters only:
Korean words carry endings, so that most are unknown as they stand.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Self, TypeVar

from sutdol.core.text.carrier import Carrier

C = TypeVar("C", bound=Carrier)

SHORTEST, LONGEST = 3, 20  # letters of a word that is mended; shorter ones can mean anything
FOR_EDITS = 4  # letters of a word of which one may be missing, doubled or in the wrong place
FOR_CHANGES = 5  # letters of a word of which one may be another: short words are too much alike
FOR_MARKS = 4  # letters and marks of a word whose marks may also be just that: e.g.
_WORD = re.compile("[a-z]+")
_STARRED = re.compile(r"(?<![a-z])[a-z]++(?:[*#._\-]{1,3}[a-z]++)++")
_STAR_INSIDE = re.compile(r"[*#._\-](?<=[a-z][*#._\-])[*#._\-]{0,2}[a-z]")
_STARS = re.compile(r"[*#._\-]")
_SURE = re.compile(r"[*#]")
_VOWELS = re.compile("[aeiou]")
_GAP = re.compile("(?<=[a-z]) (?=[a-z])")


class Lexicon:
    """`words`: what may be meant, most frequent first; `known`: more that is left as it stands."""

    def __init__(self, words: Sequence[str] = (), known: Iterable[str] = ()) -> None:
        self.words = tuple(words)
        self._rank = {word: rank for rank, word in enumerate(self.words)}
        self.known = frozenset(known) | self._rank.keys()
        self._mended = lru_cache(maxsize=1 << 15)(self._mend)
        self._unstarred = lru_cache(maxsize=1 << 15)(self._unstar)

    def unstarred(self, text: C) -> C:
        """Starred letters of a folded text restored: f*lded."""
        if not self.words or not _STAR_INSIDE.search(text.text):
            return text
        return text.sub(_STARRED, lambda match: self._unstarred(match.group()))

    def mended(self, text: C) -> C:
        """A text whose inner marks are gone: split words joined, unknown ones mended."""
        if not self.words:
            return text
        tokens = _WORD.findall(text.text)
        unknown = set(tokens) - self.known
        if not unknown:
            return text
        gone = self._joints(text.text) if self._joins(tokens, unknown) else None
        if gone:
            text = text.sub(_GAP, lambda match: "" if match.start() in gone else " ")
        elif all(self._mended(token) == token for token in unknown):
            return text.whole(_WORD)
        return text.sub(_WORD, lambda match: self._mended(match.group()))

    def _joins(self, tokens: Sequence[str], unknown: Set[str]) -> bool:
        """Whether any token and the next one make a word of ours, though not both are words."""
        return any(
            (first in unknown or second in unknown) and first + second in self._rank
            for first, second in pairwise(tokens)
        )

    def _joints(self, text: str) -> set[int]:
        """Where the spaces stand that cut a word of ours in two, of which one is none."""
        gone = set[int]()
        before = None
        for token in _WORD.finditer(text):
            if before is not None and token.start() == before.end() + 1:
                parts = before.group(), token.group()
                split = not self.known.issuperset(parts) and "".join(parts) in self._rank
                if split and text[before.end()] == " ":
                    gone.add(before.end())
                    token = None
            before = token
        return gone

    def _unstar(self, token: str) -> str:
        bare = _STARS.sub("", token)
        least = SHORTEST if _SURE.search(token) else FOR_MARKS
        if bare in self.known or not least <= len(token) <= LONGEST:
            return token
        ends = len(token), token[0], token[-1]
        shape = re.compile(_STARS.sub("[a-z]", token))
        return next((word for word in self._ends.get(ends, ()) if shape.fullmatch(word)), token)

    def _mend(self, token: str) -> str:
        if token in self.known or not SHORTEST <= len(token) <= LONGEST:
            return token
        meant = [word for word in self._frames.get(_frame(token), ()) if _lacks(token, word)]
        if len(token) >= FOR_EDITS:
            meant += self._edits(token)
        return min(meant, key=self._rank.__getitem__, default=token)

    def _edits(self, token: str) -> list[str]:
        """Words one letter is missing of, or that have two of them swapped or one doubled."""
        places = range(1, len(token))
        swapped = (token[: i - 1] + token[i] + token[i - 1] + token[i + 1 :] for i in places)
        single = (token[:i] + token[i + 1 :] for i in places if token[i] == token[i - 1])
        found = [word for word in (*swapped, *single) if word in self._rank]
        if len(token) >= FOR_CHANGES:
            for i in places:
                found += self._wrong.get((i, token[:i], token[i + 1 :]), ())
        return [*found, *self._lacking.get(token, ())]

    def prepare(self) -> None:
        """Make the tables now that the first odd word would wait for."""
        _ = self._ends, self._frames, self._lacking, self._wrong

    @cached_property
    def _ends(self) -> dict[tuple[int, str, str], list[str]]:
        found = defaultdict(list)
        for word in self.words:
            if len(word) >= SHORTEST:
                found[len(word), word[0], word[-1]].append(word)
        return found

    @cached_property
    def _frames(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for word in self._long:
            found[_frame(word)].append(word)
        return {frame: words for frame, words in found.items() if len(frame) > 1}

    @cached_property
    def _lacking(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for word in self._long:
            for i in range(1, len(word)):
                found[word[:i] + word[i + 1 :]].append(word)
        return found

    @cached_property
    def _wrong(self) -> dict[tuple[int, str, str], list[str]]:
        found = defaultdict(list)
        for word in self._long:
            for i in range(1, len(word)):
                found[i, word[:i], word[i + 1 :]].append(word)
        return found

    @property
    def _long(self) -> list[str]:
        return [word for word in self.words if FOR_EDITS <= len(word) <= LONGEST]

    @cached_property
    def digest(self) -> bytes:
        """Equal for lexicons that read every text alike."""
        return sha256(self.dump()).digest()

    def dump(self) -> bytes:
        """The lexicon as it is stored: `words`, an empty line, the rest of `known`."""
        rest = sorted(self.known - self._rank.keys())
        return "\n".join([*self.words, "", *rest]).encode("ascii")

    @classmethod
    @lru_cache(maxsize=2)
    def parse(cls, stored: bytes) -> Self:
        """The lexicon that was dumped; those asked for last are kept, for they are large."""
        words, _, known = stored.decode("ascii").partition("\n\n")
        lexicon = cls(words.split(), known.split())
        lexicon.digest = sha256(stored).digest()  # known here without sorting all words again
        return lexicon


def _frame(word: str) -> str:
    """The first letter and all consonants."""
    return word[:1] + _VOWELS.sub("", word[1:])


def _lacks(token: str, word: str) -> bool:
    """Whether leaving letters out of the word gives the token."""
    letters = iter(word)
    return len(token) < len(word) and all(letter in letters for letter in token)


EMPTY = Lexicon()
