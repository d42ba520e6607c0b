"""Korean typed with the keyboard left on English."""

from random import Random

from sutdol.arena.attack import attack
from sutdol.core.text.hangul import to_keys


@attack("keyboard_qwerty", family="keyboard_qwerty", group="korean_evasion", languages=("ko",))
def keyboard_qwerty(word: str, random: Random) -> str:
    """Each letter is the English one on the same key: 안녕 is dkssud."""
    return to_keys(word)
