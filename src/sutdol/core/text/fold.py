"""Each character on its own: what plain letters it stands for, whatever it was dressed up as.

Unicode decomposition (NFKD) does most of it; character names do the letters that have no
decomposition ("LATIN SMALL LETTER O WITH STROKE"); `lookalikes.tsv` does the letters of other
scripts that look like Latin ones. Invisible and combining characters fold to nothing.
"""

import re
import unicodedata
from importlib.resources import files

_LETTER = re.compile(
    r"(?:LATIN|MODIFIER|SQUARED|CIRCLED|BRACKETED|REGIONAL).*LETTER (?:SMALL CAPITAL )?"
    r"(?:SMALL |CAPITAL )?(?:TURNED |REVERSED |SIDEWAYS |INVERTED |DOTLESS )?([A-Z])(?: WITH .*)?$"
)
_FIRST_INITIAL, _FIRST_MEDIAL, _FIRST_FINAL = 0x1100, 0x1161, 0x11A8
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = (
    "ㄱ", "ㄲ", "ㄱㅅ", "ㄴ", "ㄴㅈ", "ㄴㅎ", "ㄷ", "ㄹ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ", "ㄹㅌ", "ㄹㅍ",
    "ㄹㅎ", "ㅁ", "ㅂ", "ㅂㅅ", "ㅅ", "ㅆ", "ㅇ", "ㅈ", "ㅊ", "ㅋ", "ㅌ", "ㅍ", "ㅎ",
)  # fmt: skip
_JAMO = {
    **{_FIRST_INITIAL + i: jamo for i, jamo in enumerate(_INITIALS)},
    **{_FIRST_MEDIAL + i: jamo for i, jamo in enumerate(_MEDIALS)},
    **{_FIRST_FINAL + i: jamo for i, jamo in enumerate(_FINALS)},
}


def _lookalikes() -> dict[str, str]:
    table = files("sutdol.core.text").joinpath("lookalikes.tsv").read_text(encoding="utf-8")
    pairs = (line.split("\t") for line in table.splitlines() if line and line[0] != "#")
    return {other: latin for latin, others in pairs for other in others.split()}


class Fold(dict[int, str]):
    """A table for `str.translate`, filled as characters are met; memory is bounded by Unicode."""

    def __init__(self) -> None:
        super().__init__()
        self._lookalikes = _lookalikes()

    def __missing__(self, code: int) -> str:
        folded = self[code] = self._fold(chr(code))
        return folded

    def _fold(self, character: str) -> str:
        if character in self._lookalikes:
            return self._lookalikes[character]
        category = unicodedata.category(character)
        if category == "Cf" or category[0] == "M" or character in "\u115f\u1160\u3164\uffa0\u2800":
            return ""
        if category in ("Zs", "Zl", "Zp", "Cc"):
            return " "
        if category == "Cs":
            return ""  # a lone surrogate says nothing
        decomposed = unicodedata.normalize("NFKD", character)
        if decomposed == character:
            return self._plain(character)
        if len(decomposed) == 3 and decomposed[0] + decomposed[2] == "()":
            decomposed = decomposed[1]  # a letter in brackets that is one character
        return "".join(self[ord(part)] for part in decomposed)

    def _plain(self, character: str) -> str:
        code = ord(character)
        if code in _JAMO:
            return _JAMO[code]
        lowered = character.casefold()
        if lowered.isascii():
            return lowered
        named = _LETTER.search(unicodedata.name(character, ""))
        return named.group(1).lower() if named else lowered


FOLD = Fold()
