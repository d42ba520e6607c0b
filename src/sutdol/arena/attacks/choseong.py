"""Korean words by their initial consonants."""

from random import Random

from sutdol.arena.attack import attack
from sutdol.core.text.hangul import LETTERS

INITIAL = str.maketrans({syllable: letters[0] for syllable, letters in LETTERS.items()})


@attack("choseong", family="choseong", group="korean_evasion", languages=("ko",))
def choseong(word: str, random: Random) -> str:
    """Only the initial consonants remain: ㅇㄴ."""
    return word.translate(INITIAL)
