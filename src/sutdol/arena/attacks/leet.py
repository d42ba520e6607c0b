"""Letters written as digits and symbols."""

from random import Random

from sutdol.arena.attack import attack, replace_some

DIGITS = {
    "a": "4", "b": "8", "e": "3", "g": "96", "i": "1", "l": "1", "o": "0", "s": "5", "t": "7",
    "z": "2",
}  # fmt: skip
SYMBOLS = {
    "a": "@", "b": ("|3", "ß"), "c": "(¢", "d": ("|)",), "e": "€£", "h": "#", "i": "!¡|",
    "k": ("|<",), "l": "|!", "n": ("|\\|",), "o": ("()", "°"), "s": "$§", "t": "+†",
    "u": ("(_)", "µ"), "v": ("\\/",), "w": ("\\/\\/",), "x": ("><", "%"), "y": "¥",
}  # fmt: skip


@attack("leet_digit", family="leet", languages=("en",))
def leet_digit(word: str, random: Random) -> str:
    """Letters become digits of a like shape: h3ll0."""
    return replace_some(word, lambda char: DIGITS.get(char.lower()), 0.7, random)


@attack("leet_symbol", family="leet", languages=("en",))
def leet_symbol(word: str, random: Random) -> str:
    """Letters become symbols of a like shape: @pp|e."""
    return replace_some(word, lambda char: SYMBOLS.get(char.lower()), 0.5, random)
