"""Accents that do not belong there."""

from random import Random
from string import ascii_letters
from unicodedata import normalize

from sutdol.arena.attack import attack, replace_some, some

MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030c\u0323\u0327\u0328"
ACCENTED = {
    letter: [accented for mark in MARKS if len(accented := normalize("NFC", letter + mark)) == 1]
    for letter in ascii_letters
}
ABOVE = [chr(code) for code in range(0x300, 0x315)]
BELOW = [chr(code) for code in range(0x323, 0x334)]


@attack("diacritic", family="diacritic", languages=("en",))
def diacritic(word: str, random: Random) -> str:
    """Letters get an accent: hèllö."""
    return replace_some(word, ACCENTED.get, 0.6, random)


@attack("zalgo", family="diacritic")
def zalgo(word: str, random: Random) -> str:
    """Accents pile up above and below the letters."""
    letters = [i for i, char in enumerate(word) if char.isalpha()]
    chosen = set(some(letters, 0.7, random))
    return "".join(
        char + random.choice(ABOVE) + random.choice(BELOW) if i in chosen else char
        for i, char in enumerate(word)
    )
