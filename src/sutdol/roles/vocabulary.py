"""The words a guard knows, so that it can mend those that were disguised."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from sutdol.core.text.lexicon import Lexicon

LEAST = 3  # texts a word must stand in: a typo that two people made is no word
MOST = 20_000  # words; beyond, they are too rare to matter and cost memory
COMMON = 200  # occurrences in the library's subtitles: 37,000 words
_WORD = re.compile("[a-z]+")


def vocabulary(texts: Iterable[str]) -> Lexicon:
    """The lexicon of folded texts; a word of everyday English is never mended to one of theirs."""
    counts = Counter(word for text in texts for word in set(_WORD.findall(text)))
    words = sorted((word for word, count in counts.items() if count >= LEAST), key=str)
    words.sort(key=counts.__getitem__, reverse=True)
    return Lexicon(words[:MOST], english() if words else ())


@cache
def english() -> frozenset[str]:
    """Common English words, from the dictionary of pyspellchecker."""
    from spellchecker import SpellChecker

    frequency = SpellChecker(language="en", distance=1).word_frequency
    return frozenset(
        word for word in frequency.words() if _WORD.fullmatch(word) and frequency[word] >= COMMON
    )
