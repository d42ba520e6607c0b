"""Text from outside made fit to be kept: what both databases hold, searchable, short, visible."""

import math
import re
from collections.abc import Mapping
from functools import cache
from unicodedata import category, normalize

from sqlalchemy import Table

from sutdol.storage.columns import Words

_NOT_KEPT = re.compile("[\ud800-\udfff\x00]")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # bidi controls are Cf: they make names read backwards
_JOINER, _NON_JOINER = "\u200d", "\u200c"  # emoji and Persian need them
_MARKS = ("Mn", "Mc", "Me")
_SKIN, _FLAGS = range(0x1F3FB, 0x1F400), range(0x1F1E6, 0x1F200)
_JAMO = range(0x1160, 0x1200)  # vowels and finals, which go on with a syllable


def storable(text: str, most: int | None = None) -> str:
    """Neither lone surrogates nor NUL can be kept by every database; `most` characters of it."""
    if text.isascii() and "\0" not in text:  # as most is, and found out much sooner
        return text[:most]
    return _NOT_KEPT.sub("\ufffd", text)[:most]


def storable_body(body: Mapping[str, object]) -> dict[str, object]:
    """The same of all texts in a JSON object; numbers that JSON does not know become null."""
    return {storable(name): _storable_value(value) for name, value in body.items()}


def fitted(table: Table, values: Mapping[str, object]) -> dict[str, object]:
    """The values of a row with every text storable and cut to the length of its column.

    One text that is refused would cost the whole group of rows it is written with.
    """
    most = _lengths(table)
    return {
        name: storable(value, most.get(name)) if isinstance(value, str) else value
        for name, value in values.items()
    }


def fold(text: str) -> str:
    """What a search compares: NFC and without case, so that NFD Korean and capitals are found."""
    return normalize("NFC", normalize("NFC", storable(text)).casefold())


def visible(text: str) -> str:
    """One line in NFC without control, bidi and other invisible characters."""
    seen = (
        character
        for character in " ".join(storable(text).split())
        if category(character) not in _UNSEEN or character in (_JOINER, _NON_JOINER)
    )
    return normalize("NFC", "".join(seen)).strip()


def shortened(text: str, most: int) -> str:
    """At most so many characters of it, cut where a reader sees one end."""
    if len(text) <= most:
        return text
    place = most
    while place and _goes_on(text, place):
        place -= 1
    return text[: place or most].rstrip()  # one character with marks without end is cut anywhere


def _goes_on(text: str, place: int) -> bool:
    """Whether the character at this place belongs to the one before it."""
    before, here = text[place - 1], text[place]
    if category(here) in _MARKS or here in (_JOINER, _NON_JOINER) or before == _JOINER:
        return True
    if ord(here) in _FLAGS and ord(before) in _FLAGS:
        return _flags_before(text, place) % 2 == 1  # two letters are one flag
    return ord(here) in _SKIN or ord(here) in _JAMO


def _flags_before(text: str, place: int) -> int:
    start = place
    while start and ord(text[start - 1]) in _FLAGS:
        start -= 1
    return place - start


def _storable_value(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return storable_body(value)
    if isinstance(value, list | tuple):
        return [_storable_value(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@cache
def _lengths(table: Table) -> Mapping[str, int | None]:
    return {column.name: column.type.length for column in table.c if isinstance(column.type, Words)}
