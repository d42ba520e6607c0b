"""Readings of a text that was typed, turned or encoded another way, where they read better.

A decoder is used only when it raises plausibility: "tlqkf" is two-set Korean typed on a Latin
keyboard, "the" is not.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase
from typing import TypeVar
from urllib.parse import unquote

from sutdol.core.text.carrier import Carrier, Plain
from sutdol.core.text.fold import FOLD
from sutdol.core.text.hangul import JAMO_OF_KEY
from sutdol.core.text.plausible import both_ways, plausibility
from sutdol.core.text.romanisation import hangul_of

C = TypeVar("C", bound=Carrier)

CLEAR_GAIN = 0.7  # nats per letter by which a reading must be more plausible
TURN_GAIN = 0.35  # the same for a whole message in Latin letters turned around
ROMAN_GAIN = 0.25  # the same for all Latin words of a message as romanised Korean
UNLIKELY = -3.0  # a message less plausible than this is tried turned and rotated
READABLE = -3.3  # what comes out of base64 and the like must be at least this plausible
LONGEST_DECODED = 4_000  # characters handed to a decoder: hostile input stays cheap

_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[a-zA-Z]{2,8});")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){2,}")
_PERCENTS = re.compile(r"(?:%[0-9A-Fa-f]{2}[\w.~-]{0,3})*(?:%[0-9A-Fa-f]{2}){2,}(?:[\w.~%-]*)")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{12,}={0,2}(?![A-Za-z0-9+/=])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}[ ]?){5,}(?![0-9A-Za-z])")
_TELLTALE = re.compile("[ɐɔǝɟƃɓᵷɥᴉɾʞꞁɯɹʇʌʍʎ∀ƎℲ⅁˥Ԁ⅄]")
_TURNED_WORD = re.compile(rf"[^\s]*{_TELLTALE.pattern}[^\s]*")
_ALL = re.compile("(.+)", re.DOTALL)
_LATIN_WORD = re.compile("(?<![a-z])[a-z]{3,30}(?![a-z])")
_SYLLABLES = re.compile("(?:[ㄱ-ㅎ][ㅏ-ㅣ]{1,2}(?:[ㄱ-ㅎ]{1,2}(?![ㅏ-ㅣ]))?)+")
_KEYS = {ord(key): jamo for key, jamo in JAMO_OF_KEY.items()}


class _Swap(dict[int, str]):
    """A table for `str.translate` that leaves what it does not name."""

    def __missing__(self, code: int) -> str:
        return chr(code)


_TURNED = "ɐqɔpǝɟƃɓᵷɥᴉıɾʞꞁןɯuodbɹsʇnʌʍxʎ∀ᗺƆᗡƎℲ⅁ſ⅂ԀΌᴚ⊥∩Λ⅄˥"
_UPRIGHT = "abcdefggghiijkllmnopqrstuvwxyabcdefgjlpqrtuvyl"
_TURN = _Swap({ord(turned): letter for turned, letter in zip(_TURNED, _UPRIGHT, strict=True)})
_ROTATE = _Swap({ord(a): codecs.encode(a, "rot13") for a in ascii_lowercase})


def unwrapped(raw: C) -> C:
    """Entities, percent signs, base64 and hexadecimal of readable text, as that text."""
    if len(raw.text) > LONGEST_DECODED:
        return raw
    if "&" in raw.text:
        raw = raw.sub(_ENTITY, lambda match: html.unescape(match.group()))
    if "%" in raw.text and _PERCENT.search(raw.text):
        raw = raw.sub(_PERCENTS, lambda match: unquote(match.group(), errors="replace"))
    if _HEX.search(raw.text):
        raw = raw.sub(_HEX, lambda match: _readable(bytes.fromhex, match.group()))
    if _BASE64.search(raw.text):
        raw = raw.sub(_BASE64, lambda match: _readable(_unbase64, match.group()))
    return raw


def upright(raw: C) -> C:
    """Words written upside down, turned back."""
    if not _TELLTALE.search(raw.text):
        return raw
    return raw.sub(_TURNED_WORD, lambda match: _turned_back(match.group()))


def _turned_back(word: str) -> str:
    turned = sum(character in _TURNED or not character.isalpha() for character in word)
    return word.translate(_TURN)[::-1] if turned == len(word) else word


def reread(raw: C, folded: C) -> C:
    """The folded text, or a reading of it that is clearly more plausible."""
    text = folded.text
    if len(text) > LONGEST_DECODED or not text.strip():
        return folded
    words = [_word(word) for word in _LATIN_WORD.findall(text)]
    letters = sum(word.letters for word in words)
    turned = _turned(raw, folded, letters)
    if turned is not None:
        return turned
    if any(word.typed for word in words):
        folded = folded.sub(_LATIN_WORD, lambda match: _word(match.group()).typed or match.group())
    if letters and sum(word.gain for word in words) > ROMAN_GAIN * letters:
        folded = folded.sub(_LATIN_WORD, lambda match: _word(match.group()).roman or match.group())
    return folded


def _turned(raw: C, folded: C, letters: int) -> C | None:
    """The message backwards or rotated by 13, if it clearly reads better so."""
    likely, backwards = both_ways(folded.text)
    if 2 * letters > len(folded.text) and backwards > likely + TURN_GAIN:
        return folded.reverse(_ALL)
    if likely < UNLIKELY:
        # letters of a Korean syllable keep their order when a message is turned, so fold again
        for reading in (raw.reverse(_ALL).fold(FOLD), folded.fold(_ROTATE)):
            if plausibility(reading.text) > likely + CLEAR_GAIN:
                return reading
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What a Latin word may stand for; sums over letters, in nats."""

    letters: int
    typed: str | None  # the Korean it is on the two-set keyboard, if that reads clearly better
    roman: str | None  # the Korean it is in Latin letters
    gain: float  # how much more plausible that is


@lru_cache(maxsize=1 << 16)
def _word(word: str) -> _Word:
    letters = len(word) + 1
    likely = plausibility(word)
    jamo = word.translate(_KEYS)
    fits = _SYLLABLES.fullmatch(jamo) and plausibility(jamo) > likely + CLEAR_GAIN
    roman = hangul_of(word)
    return _Word(
        letters=letters,
        typed=jamo if fits else None,
        roman=roman,
        gain=(plausibility(roman) - likely) * letters if roman else -1.0 * letters,
    )


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _readable(decode: Callable[[str], bytes], text: str) -> str:
    """What the decoder makes of the text if that is readable, else the text itself."""
    try:
        decoded = decode(text).decode("utf-8")
    except (ValueError, binascii.Error):
        return text
    likely = plausibility(Plain(decoded).fold(FOLD).text)
    return decoded if decoded.isprintable() and likely > READABLE else text
