"""Korean written in Latin letters, read back as jamo: Revised Romanisation and casual spelling."""

import re

_ONSETS = {
    "kk": "ㄲ", "gg": "ㄲ", "tt": "ㄸ", "dd": "ㄸ", "pp": "ㅃ", "bb": "ㅃ", "ss": "ㅆ", "jj": "ㅉ",
    "tch": "ㅉ", "ch": "ㅊ", "sh": "ㅅ", "g": "ㄱ", "k": "ㅋ", "n": "ㄴ", "d": "ㄷ", "t": "ㅌ",
    "r": "ㄹ", "l": "ㄹ", "m": "ㅁ", "b": "ㅂ", "p": "ㅍ", "s": "ㅅ", "j": "ㅈ", "z": "ㅈ",
    "h": "ㅎ", "f": "ㅍ", "v": "ㅂ", "": "ㅇ",
}  # fmt: skip
_VOWELS = {
    "yeo": "ㅕ", "yae": "ㅒ", "wae": "ㅙ", "yuh": "ㅕ", "eo": "ㅓ", "eu": "ㅡ", "ae": "ㅐ",
    "oe": "ㅚ",
    "ui": "ㅢ", "wi": "ㅟ", "wo": "ㅝ", "we": "ㅞ", "wa": "ㅘ", "ya": "ㅑ", "ye": "ㅖ", "yo": "ㅛ",
    "yu": "ㅠ", "yi": "ㅣ", "eee": "ㅣ", "ee": "ㅣ", "oo": "ㅜ", "uh": "ㅓ", "a": "ㅏ", "e": "ㅔ",
    "i": "ㅣ", "o": "ㅗ", "u": "ㅜ",
}  # fmt: skip
_CODAS = {
    "ng": "ㅇ", "kk": "ㄲ", "ss": "ㅆ", "n": "ㄴ", "m": "ㅁ", "l": "ㄹ", "r": "ㄹ", "k": "ㄱ",
    "g": "ㄱ", "t": "ㅅ", "d": "ㄷ", "p": "ㅂ", "b": "ㅂ", "s": "ㅅ", "h": "ㅎ", "j": "ㅈ", "": "",
}  # fmt: skip


def _longest_first(spellings: dict[str, str]) -> str:
    return "|".join(sorted(spellings, key=len, reverse=True))


_SYLLABLE = re.compile(
    f"({_longest_first(_ONSETS)})({_longest_first(_VOWELS)})"
    # a consonant before a vowel begins the next syllable
    f"((?:{_longest_first(_CODAS)})(?![aeiouwy]))?"
)


def hangul_of(word: str) -> str | None:
    """The jamo a romanised word stands for; None when it is no row of Korean syllables."""
    found, place = [], 0
    while place < len(word):
        match = _SYLLABLE.match(word, place)
        if match is None or match.end() == place:
            return None
        onset, vowel, coda = match.groups()
        found.append(_ONSETS[onset] + _VOWELS[vowel] + _CODAS[coda or ""])
        place = match.end()
    return "".join(found)
