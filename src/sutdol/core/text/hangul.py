"""Hangul arithmetic: syllables, their letters (compatibility jamo) and the two-set keyboard."""

import re
from itertools import product

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")

# What is typed with two keys. ㄲ, ㅆ and the like are one key with shift, so they are not here.
COMPOUND_MEDIALS = {
    "ㅗㅏ": "ㅘ", "ㅗㅐ": "ㅙ", "ㅗㅣ": "ㅚ", "ㅜㅓ": "ㅝ", "ㅜㅔ": "ㅞ", "ㅜㅣ": "ㅟ",
    "ㅡㅣ": "ㅢ",
}  # fmt: skip
COMPOUND_FINALS = {
    "ㄱㅅ": "ㄳ", "ㄴㅈ": "ㄵ", "ㄴㅎ": "ㄶ", "ㄹㄱ": "ㄺ", "ㄹㅁ": "ㄻ", "ㄹㅂ": "ㄼ",
    "ㄹㅅ": "ㄽ", "ㄹㅌ": "ㄾ", "ㄹㅍ": "ㄿ", "ㄹㅎ": "ㅀ", "ㅂㅅ": "ㅄ",
}  # fmt: skip

# Unicode orders the 11,172 syllables by initial, medial and final, as `product` does.
LETTERS = {
    chr(ord("가") + i): letters for i, letters in enumerate(product(INITIALS, MEDIALS, FINALS))
}
SYLLABLES = {letters: syllable for syllable, letters in LETTERS.items()}

_KEYS = "qwertyuiopasdfghjklzxcvbnmQWERTOP"
JAMO_OF_KEY = dict(
    zip(_KEYS, "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ", strict=True)
)
KEY_OF_JAMO = {jamo: key for key, jamo in JAMO_OF_KEY.items()}

_DECOMPOSED = str.maketrans({syllable: "".join(letters) for syllable, letters in LETTERS.items()})
_TYPED = str.maketrans(
    KEY_OF_JAMO
    | {
        compound: "".join(KEY_OF_JAMO[jamo] for jamo in parts)
        for parts, compound in (COMPOUND_MEDIALS | COMPOUND_FINALS).items()
    }
)
# Shift changes seven keys only: on the others it gives the same letter.
_READ = str.maketrans({key.upper(): jamo for key, jamo in JAMO_OF_KEY.items()} | JAMO_OF_KEY)

_SPELLED = re.compile(
    f"([{INITIALS}])({'|'.join(COMPOUND_MEDIALS)}|[{MEDIALS}])"
    # A consonant before a vowel begins the next syllable.
    f"((?:{'|'.join(COMPOUND_FINALS)}|[{''.join(FINALS)}])(?![{MEDIALS}]))?"
)
_HANGUL = re.compile("[가-힣ㄱ-ㅣ\u1100-\u11ff]")


def is_syllable(char: str) -> bool:
    return char in LETTERS


def has_hangul(text: str) -> bool:
    """Whether any syllable or letter of it is Korean, in whichever normal form."""
    return _HANGUL.search(text) is not None


def split(syllable: str) -> tuple[str, str, str]:
    """Initial, medial and final; the final of an open syllable is empty."""
    return LETTERS[syllable]


def join(initial: str, medial: str, final: str = "") -> str:
    return SYLLABLES[initial, medial, final]


def decompose(text: str) -> str:
    """Every syllable as its letters; all else stays: '안녕!' -> 'ㅇㅏㄴㄴㅕㅇ!'."""
    return text.translate(_DECOMPOSED)


def compose(text: str) -> str:
    """Letters to syllables as a keyboard does it; what makes no syllable stays as it is."""
    return _SPELLED.sub(_syllable, text)


def _syllable(spelled: re.Match[str]) -> str:
    initial, medial, final = spelled.groups("")
    return SYLLABLES[
        initial, COMPOUND_MEDIALS.get(medial, medial), COMPOUND_FINALS.get(final, final)
    ]


def to_keys(text: str) -> str:
    """Korean as typed with the keyboard left on English: '안녕' -> 'dkssud'."""
    return decompose(text).translate(_TYPED)


def from_keys(text: str) -> str:
    """English keys read as Korean ones: 'dkssud' -> '안녕'."""
    return compose(text.translate(_READ))
