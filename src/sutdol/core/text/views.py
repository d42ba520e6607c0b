"""The views of a text that the guard reads together.

normalised  decoded where that reads better, each character folded, one jamo alphabet, leet,
            split and misspelt words mended
skeleton    letters only, repeats gone, sounds that pass for each other merged
consonants  the skeleton without Latin vowels and without Korean finals: fake finals and masked
            vowels leave it alone
"""

import re
from typing import TypeVar

from sutdol.core.text.carrier import Carrier
from sutdol.core.text.decode import reread, unwrapped, upright
from sutdol.core.text.fold import FOLD
from sutdol.core.text.lexicon import Lexicon

VERSION = 1
"""Part of every model's manifest: raise it with any change to a table or a pattern."""

C = TypeVar("C", bound=Carrier)

_OVERRIDE = re.compile("[\u202e\u2067]([^\u202a-\u202e\u2066-\u2069\n]*)[\u202c\u2069]?")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s(?:\s+|(?<! ))")  # but a lone space, which is one already
_MARK = re.compile(r"[^a-zㄱ-ㅣ0-9\s][a-zㄱ-ㅣ]")
_INNER = re.compile(r"(?<=[a-zㄱ-ㅣ])[^a-zㄱ-ㅣ0-9\s]+(?=[a-zㄱ-ㅣ])")
_SPELLED_IN_LEET = re.compile(
    # what stands before is asked last: a search for a first character is quick, one after it not
    r"[a-z0-9@$](?<![a-z0-9@$]{2})(?:[^a-z0-9@$]{1,2}[a-z0-9@$]){3,}(?![a-z0-9@$])"
)
_SPELLED_OUT = re.compile(r"[a-z](?<![a-zㄱ-ㅣ][a-z])(?:[^a-zㄱ-ㅣ0-9]{1,2}[a-z])+(?![a-zㄱ-ㅣ])")
_STRETCHES = re.compile(r"([a-zㄱ-ㅣ])(?:\1|ㅇ\1)(?:\1|ㅇ\1)")  # quicker to search for
_STRETCHED = re.compile(r"([a-zㄱ-ㅣ])(?:ㅇ?\1){2,}")
_GAPS = re.compile(r"[^a-z0-9@$]+")
_NOT_LETTERS = re.compile(r"[^a-zㄱ-ㅣ]+")
_LEETISH = re.compile(r"[0-9@$|+()!/#£%<\\]")
_LEET_IN_JAMO = re.compile("[lor](?:(?<=[ㄱ-ㅣ][lor])|[ㄱ-ㅣ])")
_DIGRAPHS = {
    "()": "o", "[]": "o", "(_)": "u", r"|\|": "n", r"|\/|": "m", "/\\": "a", r"\/": "v",
    "|-|": "h", "|<": "k", "|)": "d", "|3": "b", r"\/\/": "w", "|_|": "u", "><": "x",
}  # fmt: skip
_NATURAL = ("()", "[]", "/\\", r"\/")  # also stand in ordinary text: read only beside a letter
_DIGRAPH = re.compile(
    "|".join(
        f"(?<=[a-z]){re.escape(pair)}|{re.escape(pair)}(?=[a-z])"
        if pair in _NATURAL
        else re.escape(pair)
        for pair in sorted(_DIGRAPHS, key=len, reverse=True)
    )
)
_DIGRAPHIC = ("|", "\\", "()", "[]", "(_)", "><")  # each digraph has one of these
_ONE_AS_L = re.compile(
    r"(?<=[a-z0-9])[1|](?=[aeou034@])|(?<![a-z])[1|](?=[aeou])|(?<=[aeiou34])[1|](?![a-z0-9])"
)
_LEET = re.compile(
    r"(?<=[a-z])[0-9@$|+()!#£%]+(?=[a-z])|(?<=[a-z])[013456789@$|£#]+"
    # not from within a run: each run is tried once, however long it is
    r"|(?<![013456789@$|£#])[013456789@$|£#]+(?=[a-z])"
)
_LEET_BESIDE = re.compile(  # whether `_LEET` is anywhere
    r"[0-9@$|+()!#£%](?:(?<=[a-z][013456789@$|£#])|(?<=[013456789@$|£#])[a-z]"
    r"|(?<=[a-z][0-9@$|+()!#£%])[0-9@$|+()!#£%]*+[a-z])"
)
_LEET_TABLE = str.maketrans("0123456789@$|+()!#£%", "oizeasgtbgasitccihex")
_JAMO_LEET = re.compile(
    r"(?<=[ㄱ-ㅣ])[01279|lor/!]+(?=[ㄱ-ㅣ])|(?<=[ㄱ-ㅎ])[1|lr/!]+"
    r"|(?<![0o7])[0o7]+(?=[ㅏ-ㅣ])|(?<=[ㅏ-ㅣ])[02]+"
)
_JAMO_LEET_BESIDE = re.compile(  # whether `_JAMO_LEET` is anywhere
    r"[01279|lor/!](?:(?<=[ㄱ-ㅎ][1|lr/!])|(?<=[0o7])[ㅏ-ㅣ]|(?<=[ㅏ-ㅣ][02])"
    r"|(?<=[ㄱ-ㅣ][01279|lor/!])[01279|lor/!]*+[ㄱ-ㅣ])"
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


def folded(raw: C) -> C:
    """Each character as the plain letters it stands for."""
    if _BIDI.search(raw.text):
        raw = raw.reverse(_OVERRIDE)
    return raw.fold(FOLD).sub(_SPACES, " ")


def opened(raw: C) -> C:
    """The text decoded and folded, leet as letters: what needs no lexicon."""
    raw = upright(unwrapped(raw))
    text = reread(raw, folded(raw))
    if _LEETISH.search(text.text) or _LEET_IN_JAMO.search(text.text):
        text = _unleeted(text)
    return text


def _unleeted(text: C) -> C:
    """Digits and marks that stand for letters, as these; each pattern is tried where it may be."""
    text = text.sub(_SPELLED_IN_LEET, lambda match: _run_together(match.group()))
    if any(marks in text.text for marks in _DIGRAPHIC):
        text = text.sub(_DIGRAPH, lambda match: _DIGRAPHS[match.group()])
    if "1" in text.text or "|" in text.text:
        text = text.sub(_ONE_AS_L, "l")
    if _LEET_BESIDE.search(text.text):
        text = text.sub(_LEET, lambda match: match.group().translate(_LEET_TABLE))
    if not text.text.isascii() and _JAMO_LEET_BESIDE.search(text.text):
        text = text.sub(_JAMO_LEET, lambda match: match.group().translate(_JAMO_LEET_TABLE))
    return text


def _run_together(spelled: str) -> str:
    """What is spelled out, without the gaps, if most of it are letters: h 3 l l o."""
    letters = _NOT_LETTERS.sub("", spelled)
    whole = _GAPS.sub("", spelled)
    return whole if 2 * len(letters) > len(whole) else spelled


def normalised(text: C, lexicon: Lexicon) -> C:
    """An opened text as a patient reader reads it: split, stretched and starred words mended."""
    text = lexicon.unstarred(text)
    if _MARK.search(text.text):
        text = text.sub(_INNER, "")
    if _STRETCHES.search(text.text):
        text = text.sub(_STRETCHED, r"\1")
    text = text.sub(_SPELLED_OUT, lambda match: _NOT_LETTERS.sub("", match.group()))
    return lexicon.mended(text)


def skeleton(normal: C) -> C:
    """Of a normalised text."""
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
