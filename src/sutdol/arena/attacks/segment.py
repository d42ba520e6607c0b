"""Words cut up or run together."""

import re
from random import Random

from sutdol.arena.attack import attack, insert_some, some

PUNCTUATION = ".,*~'-_/|^;:"
EMOJI = ("❤️", "🔥", "✨", "😂", "👍", "🍀", "💀", "🌸", "⭐", "🎉", "😎", "🐱")

_BETWEEN_WORDS = re.compile(r"(?<=\S)(\s+)(?=\S)")


@attack("space_out", family="segment")
def space_out(word: str, random: Random) -> str:
    """One and the same separator goes between all letters: h e l l o."""
    return insert_some(word, random.choice(" .-_"), 1.0, random)


@attack("punct_insert", family="segment")
def punct_insert(word: str, random: Random) -> str:
    """Punctuation goes between some letters."""
    return insert_some(word, PUNCTUATION, 0.3, random)


@attack("emoji_insert", family="segment")
def emoji_insert(word: str, random: Random) -> str:
    """Emoji go between some letters."""
    return insert_some(word, EMOJI, 0.3, random)


@attack("newline_split", family="segment", scope="message")
def newline_split(text: str, random: Random) -> str:
    """Lines break in the middle of words."""
    return insert_some(text, "\n", 0.15, random)


@attack("word_split", family="segment")
def word_split(word: str, random: Random) -> str:
    """A space cuts the word in two."""
    return insert_some(word, " ", 0.0, random)


@attack("word_merge", family="segment", scope="message")
def word_merge(text: str, random: Random) -> str:
    """Most words lose the space between them."""
    pieces = _BETWEEN_WORDS.split(text)  # word, space, word, ...
    lost = set(some(range(1, len(pieces), 2), 0.7, random))
    return "".join(piece for i, piece in enumerate(pieces) if i not in lost)
