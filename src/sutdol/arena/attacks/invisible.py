"""Characters that nobody sees, between the letters."""

from random import Random
from string import ascii_lowercase

from sutdol.arena.attack import attack, insert_some

JOINERS = "\u200b\u200c\u200d\u2060\ufeff"
SELECTORS = [chr(code) for code in range(0xFE00, 0xFE10)]
TAGS = [chr(0xE0000 + ord(letter)) for letter in ascii_lowercase]


@attack("zero_width", family="invisible")
def zero_width(word: str, random: Random) -> str:
    """An invisible space or joiner goes between letters."""
    return insert_some(word, random.choice(JOINERS), 0.6, random)


@attack("soft_hyphen", family="invisible")
def soft_hyphen(word: str, random: Random) -> str:
    """A hyphen that only shows at a line's end goes between letters."""
    return insert_some(word, "\u00ad", 0.6, random)


@attack("variation_selector", family="invisible")
def variation_selector(word: str, random: Random) -> str:
    """Letters are followed by a variation selector, which has no effect on them."""
    return insert_some(word, SELECTORS, 0.6, random)


@attack("tag_chars", family="invisible")
def tag_chars(word: str, random: Random) -> str:
    """Invisible tag letters, made for flags, go between the visible ones."""
    return insert_some(word, TAGS, 0.6, random)
