"""The views of a text that the guard reads together.

normalised  each character folded, bidi overrides resolved, one jamo alphabet
skeleton    leet folded inside words, separators and repeats gone, sounds that pass for each other
            merged
consonants  the skeleton without Latin vowels and without Korean finals: fake finals and masked
            vowels leave it alone
onsets      the initial consonants of Korean, for texts that write only those
decoded     what a decoder made of it, where that reads better (see `decode`)
"""

import re
from typing import TypeVar

from sutdol.core.text.carrier import Carrier, Plain
from sutdol.core.text.fold import FOLD

VERSION = 1
"""Part of every model's manifest: raise it with any change to a table or a pattern."""

C = TypeVar("C", bound=Carrier)

_OVERRIDE = re.compile("[\u202e\u2067]([^\u202a-\u202e\u2066-\u2069\n]*)[\u202c\u2069]?")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s+")
_LEETISH = re.compile(r"[0-9@$|+()!/#£\\]|[ㄱ-ㅣ][lor]|[lor][ㄱ-ㅣ]")
_DIGRAPHS = {
    "()": "o", "[]": "o", r"|\|": "n", r"/\/": "n", r"|\/|": "m", r"/\/\\"[:-1]: "m", r"/\\"[:-1]: "a",
    r"\/": "v", "|-|": "h", "|<": "k", "|)": "d", r"\/\/": "w", "|_|": "u", "><": "x",
}  # fmt: skip
_DIGRAPH = re.compile(
    "|".join(
        f"(?<=[a-z]){re.escape(pair)}|{re.escape(pair)}(?=[a-z])"
        for pair in sorted(_DIGRAPHS, key=len, reverse=True)
    )
)
_LEET = re.compile(
    r"(?<=[a-z])[0-9@$|+()!#£]+(?=[a-z])|(?<=[a-z])[013456789@$|£#]+|[013456789@$|£#]+(?=[a-z])"
)
_LEET_TABLE = str.maketrans("0123456789@$|+()!#£", "oizeasgtbgasitcciheE".lower()[:19])
_JAMO_LEET = re.compile(
    r"(?<=[ㄱ-ㅣ])[01279|lor/!]+(?=[ㄱ-ㅣ])|(?<=[ㄱ-ㅎ])[1|lr/!]+|[0o7]+(?=[ㅏ-ㅣ])|(?<=[ㅏ-ㅣ])[02]+"
)
_JAMO_LEET_TABLE = str.maketrans("0o1|l/!r729", "ㅇㅇㅣㅣㅣㅣㅣㅏㄱㄹㄱ")
_SOUNDS = dict(
    zip(
        "ㄲㅋㄸㅌㅃㅍㅆㅉㅊㅔㅖㅒㅙㅞㅑㅕㅛㅠzqcv",
        "ㄱㄱㄷㄷㅂㅂㅅㅈㅈㅐㅐㅐㅚㅚㅏㅓㅗㅜskku",
        strict=True,
    )
)
_LOSSY = re.compile(r"[aeiouy]+|[ㄱ-ㅎ](?![ㅏ-ㅣ])")


def normalised(text: C) -> C:
    if _BIDI.search(text.text):
        text = text.reverse(_OVERRIDE)
    return text.fold(FOLD).sub(_SPACES, " ")


def skeleton(normal: C) -> C:
    """Of a normalised text."""
    if _LEETISH.search(normal.text):
        normal = normal.sub(_DIGRAPH, lambda match: _DIGRAPHS[match.group()])
        normal = normal.sub(_LEET, lambda match: match.group().translate(_LEET_TABLE))
        normal = normal.sub(_JAMO_LEET, lambda match: match.group().translate(_JAMO_LEET_TABLE))
    return normal.fold(_BONES).squeeze()


def consonants(bones: C) -> C:
    """Of a skeleton."""
    return bones.sub(_LOSSY, "")


class _Bones(dict[int, str]):
    """Letters of one sound become one; all that is no letter, and the silent ㅇ, goes."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kept = "a" <= character <= "z" or ("ㄱ" <= character <= "ㅣ" and character != "ㅇ")
        self[code] = _SOUNDS.get(character, character) if kept else ""
        return self[code]


_BONES = _Bones()
