"""Korean in Latin letters."""

from random import Random

from sutdol.arena.attack import attack
from sutdol.core.text.hangul import FINALS, INITIALS, MEDIALS, is_syllable, split

# The official spelling first, then what people also write.
INITIAL_SPELLINGS = dict(
    zip(
        INITIALS,
        ("g k", "kk gg", "n", "d t", "tt dd", "r l", "m", "b p", "pp bb", "s", "ss", "", "j",
         "jj", "ch", "k", "t", "p", "h"),
        strict=True,
    )
)  # fmt: skip
MEDIAL_SPELLINGS = dict(
    zip(
        MEDIALS,
        ("a", "ae e", "ya", "yae", "eo u", "e", "yeo yu", "ye", "o", "wa", "wae", "oe we", "yo",
         "u oo", "wo", "we", "wi", "yu yoo", "eu u", "ui", "i ee"),
        strict=True,
    )
)  # fmt: skip
FINAL_SPELLINGS = dict(
    zip(
        FINALS,
        ("", "k g", "k", "k", "n", "n", "n", "t d", "l", "k", "m", "l", "l", "l", "p", "l", "m",
         "p b", "p", "t s", "t", "ng", "t", "t", "k", "t", "p", "t h"),
        strict=True,
    )
)  # fmt: skip
OFFICIAL = 0.7  # share of the official spelling where there are two


def _spelt(spellings: str, random: Random) -> str:
    official, _, casual = spellings.partition(" ")
    return casual if casual and random.random() >= OFFICIAL else official


@attack("romanised", family="romanised", group="korean_evasion", languages=("ko",))
def romanised(word: str, random: Random) -> str:
    """Korean in Latin letters, officially or as people write it: annyeong."""
    pieces = [
        _syllable(char, word[i + 1 : i + 2], random) if is_syllable(char) else char
        for i, char in enumerate(word)
    ]
    return "".join(pieces).replace("lr", "ll")


def _syllable(char: str, following: str, random: Random) -> str:
    initial, medial, final = split(char)
    onset = INITIAL_SPELLINGS[initial]
    if initial in "ㅅㅆ" and medial in "ㅣㅑㅕㅛㅠㅟ":
        onset += " sh"
    # Before a vowel the final sounds as it is spelt: 옷이 is osi.
    before_vowel = is_syllable(following) and split(following)[0] == "ㅇ" and final != "ㅇ"
    coda = INITIAL_SPELLINGS.get(final, "") if before_vowel else ""
    return (
        _spelt(onset, random)
        + _spelt(MEDIAL_SPELLINGS[medial], random)
        + _spelt(coda or FINAL_SPELLINGS[final], random)
    )
