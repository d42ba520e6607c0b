"""Letters starred out or left out."""

from random import Random

from sutdol.arena.attack import attack, some
from sutdol.core.text.hangul import is_syllable

VOWELS = frozenset("aeiouAEIOU")
LONG = 7  # letters: a word that can lose two and still be read


@attack("mask", family="mask")
def mask(word: str, random: Random) -> str:
    """A letter, two in a long word, or a syllable is starred out: h*llo, 숫*."""
    syllables = [i for i, char in enumerate(word) if is_syllable(char)]
    if syllables:
        return _starred(word, syllables[1:], 1, random.choice("*OX○#"), random)
    letters = [i for i, char in enumerate(word) if char.isalpha()]
    inner = letters[1:-1]
    vowels = [i for i in inner if word[i] in VOWELS]
    count = 2 if len(letters) >= LONG else 1
    return _starred(word, vowels or inner, count, random.choice("*#-."), random)


def _starred(word: str, places: list[int], count: int, star: str, random: Random) -> str:
    hidden = random.sample(places, min(count, len(places)))
    return "".join(star if i in hidden else char for i, char in enumerate(word))


@attack("vowel_drop", family="mask", languages=("en",))
def vowel_drop(word: str, random: Random) -> str:
    """Inner vowels are left out: mssg."""
    letters = [i for i, char in enumerate(word) if char.isalpha()]
    vowels = [i for i in letters[1:-1] if word[i] in VOWELS]
    dropped = set(some(vowels, 0.8, random))
    return "".join(char for i, char in enumerate(word) if i not in dropped)
