"""The words a guard knows, so that it can mend those that were disguised."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from sutdol.core.text.lexicon import Lexicon

LEAST = 3  # groups of texts a word must stand in: a typo that two people made is no word
MOST = 20_000  # words; beyond, they are too rare to matter and cost memory
_WORD = re.compile("[a-z]+")


def vocabulary(texts: Iterable[tuple[str, str]]) -> Lexicon:
    """The lexicon of folded texts with their groups; what is English already is never mended."""
    stands = {(group, word) for group, text in texts for word in _WORD.findall(text)}
    counts = Counter(word for _, word in stands)
    words = sorted((word for word, count in counts.items() if count >= LEAST), key=str)
    words.sort(key=counts.__getitem__, reverse=True)
    return Lexicon(words[:MOST], english() if words else ())


@cache
def english() -> frozenset[str]:
    """English words, rare ones and many names among them: the dictionary of pyspellchecker."""
    from spellchecker import SpellChecker

    words = SpellChecker(language="en", distance=1).word_frequency.words()
    return frozenset(word for word in words if _WORD.fullmatch(word))
