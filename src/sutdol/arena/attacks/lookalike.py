"""Latin letters written with other characters that look like them."""

import re
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from sutdol.arena.attack import attack, replace_some

HOMOGLYPHS = {
    "a": "аɑα", "b": "Ьƅ", "c": "сϲⅽ", "d": "ԁⅾ", "e": "еҽ", "f": "ƒẝ", "g": "ɡց", "h": "һհ",
    "i": "іⅰ", "j": "јϳ", "k": "кκ", "l": "ӏⅼ", "m": "мⅿ", "n": "ոп", "o": "оοօ", "p": "рρ",
    "q": "ԛգ", "r": "гᴦ", "s": "ѕꜱ", "t": "тτ", "u": "υս", "v": "νѵⅴ", "w": "ԝѡ", "x": "хⅹ",
    "y": "уγ", "z": "ᴢʐ",
    "A": "АΑ", "B": "ВΒ", "C": "СϹ", "D": "ⅮᎠ", "E": "ЕΕ", "F": "ϜҒ", "G": "ԌᏀ", "H": "НΗ",
    "I": "ІΙ", "J": "ЈᎫ", "K": "КΚ", "L": "ⅬᏞ", "M": "МΜ", "N": "Νɴ", "O": "ОΟ", "P": "РΡ",
    "Q": "Ԛ", "R": "ᎡƦ", "S": "ЅՏ", "T": "ТΤ", "U": "ՍԱ", "V": "ѴᏙ", "W": "ԜᎳ", "X": "ХΧ",
    "Y": "ΥҮ", "Z": "ΖᏃ",
}  # fmt: skip
FULLWIDTH = str.maketrans({letter: chr(ord(letter) + 0xFEE0) for letter in ascii_letters})
INDICATORS = {letter: chr(0x1F1E6 + ord(letter.lower()) - ord("a")) for letter in ascii_letters}
# The first capital of alphabets without holes: bold, bold italic, script, fraktur, sans, mono.
MATH_STYLES = (0x1D400, 0x1D468, 0x1D4D0, 0x1D56C, 0x1D5A0, 0x1D5D4, 0x1D608, 0x1D63C, 0x1D670)


def _alphabet(capital: int, small: int) -> dict[int, str]:
    letters = zip(ascii_uppercase + ascii_lowercase, [capital] * 26 + [small] * 26, strict=True)
    return str.maketrans({char: chr(start + i % 26) for i, (char, start) in enumerate(letters)})


MATH = [_alphabet(capital, capital + 26) for capital in MATH_STYLES]
# Circled, in brackets; white on black, squared, white on black squared have capitals only.
CIRCLED = [
    _alphabet(0x24B6, 0x24D0),
    _alphabet(0x1F110, 0x249C),
    _alphabet(0x1F150, 0x1F150),
    _alphabet(0x1F130, 0x1F130),
    _alphabet(0x1F170, 0x1F170),
]


@attack("homoglyph", family="lookalike", languages=("en",))
def homoglyph(word: str, random: Random) -> str:
    """Letters become Cyrillic, Greek and other letters of the same shape."""
    return replace_some(word, HOMOGLYPHS.get, 0.6, random)


@attack("fullwidth", family="lookalike", languages=("en",))
def fullwidth(word: str, random: Random) -> str:
    """Letters become as wide as Chinese characters."""
    return word.translate(FULLWIDTH)


@attack("math_alnum", family="lookalike", languages=("en",))
def math_alnum(word: str, random: Random) -> str:
    """Letters come from one of the mathematical alphabets: bold, script, fraktur, mono."""
    return word.translate(random.choice(MATH))


@attack("circled", family="lookalike", languages=("en",))
def circled(word: str, random: Random) -> str:
    """Letters are put into circles, brackets or squares."""
    return word.translate(random.choice(CIRCLED))


@attack("regional_indicator", family="lookalike", languages=("en",))
def regional_indicator(word: str, random: Random) -> str:
    """Letters become the emoji letters that flags are made of."""
    # Spaced, as people do it: two that touch can turn into a country's flag.
    return re.sub("[A-Za-z]+", lambda run: " ".join(INDICATORS[char] for char in run[0]), word)
