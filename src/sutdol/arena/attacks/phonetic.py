"""Korean spelt by ear."""

from functools import lru_cache
from random import Random

from sutdol.arena.attack import attack, replace_some, some
from sutdol.core.text.hangul import (
    COMPOUND_FINALS,
    FINALS,
    INITIALS,
    is_syllable,
    join,
    split,
)

# Plain, tense and aspirated consonants of one kind.
SERIES = ("ㄱㄲㅋ", "ㄷㄸㅌ", "ㅂㅃㅍ", "ㅅㅆ", "ㅈㅉㅊ")
HARDER = {letter: series.replace(letter, "") for series in SERIES for letter in series}
VOWELS = {
    "ㅐ": "ㅔ", "ㅔ": "ㅐ", "ㅒ": "ㅖ", "ㅖ": "ㅒ", "ㅙ": "ㅚㅞ", "ㅚ": "ㅙㅞ", "ㅞ": "ㅙㅚ",
    "ㅓ": "ㅗㅕ", "ㅗ": "ㅓㅛ", "ㅕ": "ㅓ", "ㅛ": "ㅗ", "ㅏ": "ㅑ", "ㅑ": "ㅏ", "ㅜ": "ㅡㅠ",
    "ㅠ": "ㅜ", "ㅡ": "ㅜ", "ㅢ": "ㅣ", "ㅟ": "ㅣ", "ㅝ": "ㅓ", "ㅘ": "ㅏ",
}  # fmt: skip

BACK = [letter for letter in INITIALS if letter in FINALS and letter not in "ㅇㅎ"]
# What stays and what moves over to a following vowel: 먹어 is 머거, 앉아 is 안자, 좋아 is 조아.
CARRIED = (
    {letter: ("", letter) for letter in BACK}
    | {compound: (parts[0], parts[1]) for parts, compound in COMPOUND_FINALS.items()}
    | {"ㅎ": ("", "ㅇ"), "ㄶ": ("", "ㄴ"), "ㅀ": ("", "ㄹ")}
)
BEFORE_I = {"ㄷ": "ㅈ", "ㅌ": "ㅊ"}  # 같이 is 가치


@lru_cache(maxsize=4096)
def _moved(pair: str) -> str:
    """Two syllables with the consonant between them on the other side, or as they are."""
    if not (is_syllable(pair[0]) and is_syllable(pair[1])):
        return pair
    initial, medial, final = split(pair[0])
    next_initial, next_medial, next_final = split(pair[1])
    if next_initial == "ㅇ" and final in CARRIED:
        stays, goes = CARRIED[final]
        goes = BEFORE_I.get(goes, goes) if next_medial == "ㅣ" else goes
        return join(initial, medial, stays) + join(goes, next_medial, next_final)
    if not final and next_initial in BACK:
        return join(initial, medial, next_initial) + join("ㅇ", next_medial, next_final)
    return pair


@lru_cache(maxsize=4096)
def _harder(char: str) -> tuple[str, ...]:
    if not is_syllable(char):
        return ()
    initial, medial, final = split(char)
    return tuple(join(other, medial, final) for other in HARDER.get(initial, ""))


@lru_cache(maxsize=4096)
def _other_vowels(char: str) -> tuple[str, ...]:
    if not is_syllable(char):
        return ()
    initial, medial, final = split(char)
    return tuple(join(initial, other, final) for other in VOWELS.get(medial, ""))


@attack("liaison", family="phonetic", group="korean_evasion", languages=("ko",))
def liaison(word: str, random: Random) -> str:
    """Consonants move over to the next vowel or back: 먹어 is 머거, 사람 is 살암."""
    syllables = list(word)
    places = [i for i in range(len(word) - 1) if _moved(word[i : i + 2]) != word[i : i + 2]]
    for i in some(places, 0.5, random):
        syllables[i : i + 2] = _moved("".join(syllables[i : i + 2]))
    return "".join(syllables)


@attack("tense", family="phonetic", group="korean_evasion", languages=("ko",))
def tense(word: str, random: Random) -> str:
    """Initial consonants change between plain, tense and aspirated: 바다 is 빠타."""
    return replace_some(word, _harder, 0.6, random)


@attack("vowel_swap", family="phonetic", group="korean_evasion", languages=("ko",))
def vowel_swap(word: str, random: Random) -> str:
    """Vowels become others of a like sound: 세상 is 새상."""
    return replace_some(word, _other_vowels, 0.4, random)
