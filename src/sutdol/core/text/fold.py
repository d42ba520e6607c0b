"""Each character on its own: what plain letters it stands for, whatever it was dressed up as.

Unicode decomposition (NFKD) does most of it; character names do the letters that have no
decomposition ("LATIN SMALL LETTER O WITH STROKE"); `lookalikes.tsv` does the letters of other
scripts that look like Latin ones. Invisible and combining characters fold to nothing.
"""

import re
import unicodedata
from importlib.resources import files

from sutdol.core.text.hangul import COMPOUND_FINALS, FINALS, INITIALS, MEDIALS

_LETTER = re.compile(
    r"(?:LATIN|MODIFIER|SQUARED|CIRCLED|BRACKETED|REGIONAL).*LETTER (?:SMALL CAPITAL )?"
    r"(?:SMALL |CAPITAL )?(?:TURNED |REVERSED |SIDEWAYS |INVERTED |DOTLESS )?([A-Z])(?: WITH .*)?$"
)
_PARTS: dict[str, str] = {compound: parts for parts, compound in COMPOUND_FINALS.items()}
_FINALS: list[str] = [_PARTS.get(final, final) for final in FINALS[1:]]
_JAMO: dict[int, str] = {
    **{0x1100 + i: jamo for i, jamo in enumerate(INITIALS)},
    **{0x1161 + i: jamo for i, jamo in enumerate(MEDIALS)},
    **{0x11A8 + i: jamo for i, jamo in enumerate(_FINALS)},
}


def _lookalikes() -> dict[str, str]:
    table = files("sutdol.core.text").joinpath("lookalikes.tsv").read_text(encoding="utf-8")
    pairs = (line.split("\t") for line in table.splitlines() if line and line[0] != "#")
    return {other: latin for latin, others in pairs for other in others.split()}


_SILENT = ("Cf", "Mn", "Mc", "Me", "Cs")  # formatting, marks; a lone surrogate says nothing
_BLANK = "\u115f\u1160\u3164\uffa0\u2800"  # letters that show as nothing
_SPACE = ("Zs", "Zl", "Zp", "Cc")


class Fold(dict[int, str]):
    """A table for `str.translate`, filled as characters are met; memory is bounded by Unicode."""

    def __init__(self) -> None:
        super().__init__()
        self._lookalikes = _lookalikes()

    def __missing__(self, code: int) -> str:
        folded = self[code] = self._fold(chr(code))
        return folded

    def _fold(self, character: str) -> str:
        decomposed = unicodedata.normalize("NFKD", character)
        if character in self._lookalikes:
            return self._lookalikes[character]
        if unicodedata.category(character) in _SILENT or character in _BLANK:
            return ""
        if unicodedata.category(character) in _SPACE:
            return " "
        return self._letters(character, decomposed)

    def _letters(self, character: str, decomposed: str) -> str:
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
        if lowered in self._lookalikes:
            return self._lookalikes[lowered]  # the capital of a letter that looks like a Latin one
        if lowered.isascii():
            return lowered
        named = _LETTER.search(unicodedata.name(character, ""))
        return str(named[1]).lower() if named else lowered


FOLD = Fold()
