"""Korean syllables taken apart into their letters."""

from functools import lru_cache
from random import Random
from unicodedata import normalize

from sutdol.arena.attack import attack, replace_some
from sutdol.core.text.hangul import decompose, is_syllable

CIRCLED = str.maketrans("ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ", "㉠㉡㉢㉣㉤㉥㉦㉧㉨㉩㉪㉫㉬㉭")
LOOKALIKES = {
    "ㄱ": "7「", "ㄴ": "L└", "ㄷ": "C匚", "ㄹ": "2己", "ㅁ": "口ロ", "ㅂ": "廿H", "ㅅ": "人^",
    "ㅇ": "O0", "ㅈ": "ス", "ㅋ": "ヲF", "ㅌ": "E", "ㅍ": "π", "ㅎ": "ō",
    "ㅏ": "r卜", "ㅐ": "H", "ㅑ": "ト├", "ㅓ": "┤", "ㅗ": "⊥┴", "ㅜ": "T┬", "ㅠ": "π",
    "ㅡ": "-ー", "ㅣ": "l1|",
}  # fmt: skip


@lru_cache(maxsize=4096)
def _letters(char: str) -> tuple[str, ...]:
    return (decompose(char),) if is_syllable(char) else ()


@lru_cache(maxsize=4096)
def _circled_letters(char: str) -> tuple[str, ...]:
    return tuple(letters.translate(CIRCLED) for letters in _letters(char))


@attack("jamo_split", family="jamo", group="korean_evasion", languages=("ko",))
def jamo_split(word: str, random: Random) -> str:
    """Syllables are written as separate letters: ㅅㅜㅅ돌."""
    return replace_some(word, _letters, 0.7, random)


@attack("nfd", family="jamo", group="korean_evasion", languages=("ko",))
def nfd(word: str, random: Random) -> str:
    """Syllables are stored as separate letters that still show as one."""
    return "".join(normalize("NFD", char) if is_syllable(char) else char for char in word)


@attack("circled_jamo", family="jamo", group="korean_evasion", languages=("ko",))
def circled_jamo(word: str, random: Random) -> str:
    """Syllables are written as separate letters with the consonants in circles: ㉧ㅏ㉡."""
    return replace_some(word, _circled_letters, 0.7, random)


@attack("jamo_lookalike", family="jamo", group="korean_evasion", languages=("ko",))
def jamo_lookalike(word: str, random: Random) -> str:
    """Syllables are taken apart and letters become signs of a like shape: Orㄴ."""
    return replace_some(decompose(word), LOOKALIKES.get, 0.5, random)
