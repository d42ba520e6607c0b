"""Slips of the finger, one a word."""

from functools import lru_cache
from random import Random

from sutdol.arena.attack import attack, replace_some
from sutdol.core.text.hangul import (
    INITIALS,
    JAMO_OF_KEY,
    compose,
    decompose,
    is_syllable,
    join,
    split,
)

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
LONG = 4  # syllables: a word that can lose one and still be read


def _near_keys() -> dict[str, str]:
    """Keys beside, above and below; each row stands half a key to the right of the one above."""
    spots = {(row, i): key for row, keys in enumerate(ROWS) for i, key in enumerate(keys)}
    steps = ((0, -1), (0, 1), (1, -1), (1, 0), (-1, 0), (-1, 1))
    return {
        key: "".join(spots.get((row + down, i + right), "") for down, right in steps)
        for (row, i), key in spots.items()
    }


def _near_letters() -> dict[str, str]:
    """English and Korean letters; a vowel slips to a vowel, so that syllables stay syllables."""
    near = _near_keys()
    small = {
        jamo: "".join(
            other
            for other in map(JAMO_OF_KEY.__getitem__, near[key])
            if (other in INITIALS) == (jamo in INITIALS)
        )
        for key, jamo in JAMO_OF_KEY.items()
        if key in near
    }
    return near | {key.upper(): keys.upper() for key, keys in near.items()} | small


NEAR = _near_letters()


@lru_cache(maxsize=4096)
def _slips(char: str) -> tuple[str, ...]:
    """What one wrong key can make of a letter or a syllable."""
    if not is_syllable(char):
        return tuple(NEAR.get(char, ""))
    initial, medial, final = split(char)
    return (
        *(join(near, medial, final) for near in NEAR.get(initial, "")),
        *(join(initial, near, final) for near in NEAR.get(medial, "")),
        *(join(initial, medial, near) for near in NEAR.get(final, "")),
    )


@attack("swap", family="typo")
def swap(word: str, random: Random) -> str:
    """Two neighbouring keystrokes change places."""
    letters = list(decompose(word))
    places = [
        i
        for i in range(1, len(letters))
        if letters[i] != letters[i - 1] and letters[i].isalpha() and letters[i - 1].isalpha()
    ]
    if not places:
        return word
    # The first letter carries the most for a reader.
    i = random.choice([place for place in places if place > 1] or places)
    letters[i - 1], letters[i] = letters[i], letters[i - 1]
    return compose("".join(letters))


@attack("drop", family="typo")
def drop(word: str, random: Random) -> str:
    """An inner letter, a final consonant, or a syllable of a long word is left out."""
    is_long = sum(map(is_syllable, word)) >= LONG
    shorter = {}
    for i, char in enumerate(word):
        inner = word[i - 1 : i].isalpha() and word[i + 1 : i + 2].isalpha()
        if is_syllable(char) and split(char)[2]:
            shorter[i] = join(*split(char)[:2])
        elif inner and char.isalpha() and (is_long or not is_syllable(char)):
            shorter[i] = ""
    if not shorter:
        return word
    place = random.choice(list(shorter))
    return word[:place] + shorter[place] + word[place + 1 :]


@attack("dup", family="typo")
def dup(word: str, random: Random) -> str:
    """One letter is written twice."""
    return replace_some(word, lambda char: (char * 2,) if char.isalpha() else None, 0.0, random)


@attack("keyboard", family="typo")
def keyboard(word: str, random: Random) -> str:
    """One letter becomes its neighbour on the keyboard."""
    return replace_some(word, _slips, 0.0, random)
