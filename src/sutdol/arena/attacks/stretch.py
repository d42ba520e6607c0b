"""Words drawn out."""

from random import Random

from sutdol.arena.attack import attack
from sutdol.core.text.hangul import MEDIALS, is_syllable, join, split

# How a drawn-out vowel goes on: 녀 is 녀어어, 와 is 와아아.
ECHO = dict(zip(MEDIALS, "ㅏㅐㅏㅐㅓㅔㅓㅔㅗㅏㅐㅔㅗㅜㅓㅔㅣㅜㅡㅣㅣ", strict=True))


@attack("stretch", family="stretch")
def stretch(word: str, random: Random) -> str:
    """A vowel or the last letter is drawn out: sooooo, 가아아아."""
    syllables = [i for i, char in enumerate(word) if is_syllable(char)]
    if syllables:
        return _drawn_out(word, syllables[-1], random)
    letters = [i for i, char in enumerate(word) if char.isalpha()]
    if not letters:
        return word
    vowels = [i for i in letters if word[i] in "aeiouAEIOU"]
    place = random.choice([*vowels, letters[-1]])
    return word[:place] + word[place] * random.randint(3, 6) + word[place + 1 :]


def _drawn_out(word: str, place: int, random: Random) -> str:
    initial, medial, final = split(word[place])
    times = random.randint(3, 6)
    if not final and random.random() < 0.5:
        return word[: place + 1] + medial * times + word[place + 1 :]
    echo = join("ㅇ", ECHO[medial]) * (times - 1) + join("ㅇ", ECHO[medial], final)
    return word[:place] + join(initial, medial) + echo + word[place + 1 :]
