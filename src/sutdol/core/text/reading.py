"""All views of one text at once, and the language it is read as."""

import re
from array import array
from dataclasses import dataclass

from sutdol.core.text.carrier import Plain, Traced
from sutdol.core.text.fold import FOLD
from sutdol.core.text.lexicon import EMPTY, Lexicon
from sutdol.core.text.views import VERSION, consonants, normalised, opened, skeleton

_KOREAN = re.compile("[ㄱ-ㅣ]")
VIEWS = ("normalised", "skeleton", "consonants")
__all__ = [
    "VERSION", "VIEWS", "Reading", "close", "key", "key_of", "language", "open_up", "read",
    "reading", "shown", "trace",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The views of a text, in the order of `VIEWS`."""

    normalised: str
    skeleton: str
    consonants: str

    @property
    def views(self) -> tuple[str, str, str]:
        # words at the ends of a message have borders too
        return f" {self.normalised} ", self.skeleton, self.consonants


def read(text: str, lexicon: Lexicon = EMPTY) -> Reading:
    """The views a guard scores."""
    return reading(normalised(opened(Plain(text)), lexicon).text)


def open_up(text: str) -> str:
    """The first half of reading, which is the same with any lexicon."""
    return opened(Plain(text)).text


def close(text: str, lexicon: Lexicon) -> str:
    """The second half: an opened text normalised."""
    return normalised(Plain(text), lexicon).text


def reading(normal: str) -> Reading:
    """The views of a normalised text."""
    bones = skeleton(Plain(normal))
    return Reading(normalised=normal, skeleton=bones.text, consonants=consonants(bones).text)


def trace(text: str, lexicon: Lexicon = EMPTY) -> dict[str, Traced]:
    """The same views with the way back to the original text; slower, for showing spans."""
    normal = normalised(opened(Traced(text)), lexicon)
    bones = skeleton(normal)
    end = len(text)
    bordered = Traced(f" {normal.text} ", [(0, 0), *normal.spans, (end, end)])
    return {"normalised": bordered, "skeleton": bones, "consonants": consonants(bones)}


def shown(text: str) -> "array[int]":
    """The places of the characters a reader sees; of a run of white space, the first."""
    places = array("L")
    before = ""
    for place, character in enumerate(text):
        folded = FOLD[ord(character)]
        if folded and not folded == before == " ":
            places.append(place)
        before = folded or before
    return places


def language(normal: str) -> str:
    """Which threshold holds for a normalised text: any Korean letter makes it Korean."""
    return "ko" if _KOREAN.search(normal) else "en"


def key(text: str) -> str:
    """What disguised copies of one text share: its skeleton, or the bare text if that is empty."""
    return key_of(read(text), text)


def key_of(reading: Reading, text: str) -> str:
    """The same of a text that was read already."""
    return reading.skeleton or reading.normalised.strip() or text
