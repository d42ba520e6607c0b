"""Readings of a text that was typed, turned or encoded another way, where they read better.

A decoder is used only when it raises plausibility: "tlqkf" is two-set Korean typed on a Latin
keyboard, "the" is not.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase
from typing import TypeVar
from urllib.parse import unquote

from sutdol.core.text.carrier import Carrier, Plain
from sutdol.core.text.fold import FOLD
from sutdol.core.text.hangul import COMPOUND_MEDIALS, JAMO_OF_KEY
from sutdol.core.text.plausible import both_ways, plausibility
from sutdol.core.text.romanisation import hangul_of

C = TypeVar("C", bound=Carrier)

# Another reading must make the whole message this much more plausible, in nats: a short message
# seldom can, whatever it gains a letter.
CLEAR_GAIN = 8.5
TURN_GAIN = 2.0  # Korean turned around, if besides its words begin as words end
# And this much a letter, for chance gains it in a long one.
LATIN_TURN_GAIN = 0.35  # for Latin letters turned around: misspelt words read better so as well
TYPED_GAIN = 0.7  # for a typed word among others
ROMAN_GAIN = 0.25  # for all Latin words of a message
UNLIKELY = -3.0  # a message less plausible than this a letter is tried rotated
READABLE = -3.3  # what comes out of base64 and the like must be at least this plausible
NO_KOREAN = -1.0  # nats a letter that a word costs which stands for no Korean
SHORT = 2  # letters of a word that is too short to tell by
LONGEST_DECODED = 4_000  # characters handed to a decoder: hostile input stays cheap

_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[a-zA-Z]{2,8});")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){2,}")
_PERCENTS = re.compile(r"(?:%[0-9A-Fa-f]{2}[\w.~-]{0,3})+[\w.~%-]*")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{12,}={0,2}(?![A-Za-z0-9+/=])")
# what stands before is asked last: a search for a first character is quick, one after it not
_HEX = re.compile(
    r"[0-9a-fA-F](?<![0-9A-Za-z][0-9a-fA-F])[0-9a-fA-F][ ]?"
    r"(?:[0-9a-fA-F]{2}[ ]?){4,}(?![0-9A-Za-z])"
)
_TELLTALE = re.compile("[ɐɔǝɟƃɓᵷɥᴉɾʞꞁɯɹʇʌʍʎ∀ƎℲ⅁˥Ԁ⅄]", re.IGNORECASE)
_ALL = re.compile("(.+)", re.DOTALL)
_SPACES = re.compile(r"\s(?:\s+|(?<! ))")  # but a lone space, which is one already
_LATIN_WORD = re.compile(
    # two letters beside jamo look like jamo
    "[a-z](?<![a-z][a-z])(?:[a-z]{2,29}|(?<![ㄱ-ㅣ][a-z])[a-z](?![ㄱ-ㅣ]))(?![a-z])"
)
_SYLLABLES = re.compile("(?:[ㄱ-ㅎ][ㅏ-ㅣ]{1,2}(?:[ㄱ-ㅎ]{1,2}(?![ㅏ-ㅣ]))?)+")
_ENDINGS = "요다는은을를에의면죠까게고서지와과도로만니야들음냐라려며"
_EDGE = r"[^가-힣\w\s]{0,5}|[ㄱ-ㅣ]{1,5}"  # marks and laughter before or after a word
_ENDING_FIRST = re.compile(rf"\s(?:{_EDGE})[{_ENDINGS}](?=[가-힣])")
_ENDING_LAST = re.compile(rf"[{_ENDINGS}](?<=\S[{_ENDINGS}])(?=(?:{_EDGE})(?!\S))")
_KEYS = {ord(key): jamo for key, jamo in JAMO_OF_KEY.items()}
_TWO_KEYS = re.compile("|".join(COMPOUND_MEDIALS))  # finals of two keys stay two, as folded ones


class _Swap(dict[int, str]):
    """A table for `str.translate` that leaves what it does not name."""

    def __missing__(self, code: int) -> str:
        return chr(code)


_TURNED = "ɐqɔpǝɟƃɓᵷɥᴉıɾʞꞁןɯuodbɹsʇnʌʍxʎz∀ᗺƆᗡƎℲ⅁HIſ⅂WNOԀΌᴚS⊥∩ΛMX⅄Z˥"
_UPRIGHT = "abcdefggghiijkllmnopqrstuvwxyzabcdefghijlmnopqrstuvwxyzl"
_TURN = _Swap({ord(turned): letter for turned, letter in zip(_TURNED, _UPRIGHT, strict=True)})
_TURNED_LETTERS = re.compile(f"[{_TURNED}]+")
_TURNED_WORD = rf"(?:[{_TURNED}]|[^\w\s]|[\d_])++(?!\S)"
_TURNED_WORDS = re.compile(rf"(?<!\S){_TURNED_WORD}(?: {_TURNED_WORD})*+")


FIRST_SYMBOL = 0x2460  # circled letters and flags are no letters to Python; ¡ is none to anyone


class _Bare(dict[int, str]):
    """What was done to turned letters on top: capitals, other alphabets. For `str.translate`."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = FOLD[code]
        if character in _TURNED or character.lower() in _TURNED:
            self[code] = character if character in _TURNED else character.lower()
        else:
            letter = len(folded) == 1 and folded.isascii() and folded.isalpha()
            dressed = character.isalpha() or code >= FIRST_SYMBOL
            self[code] = folded if letter and dressed and not character.isascii() else character
        return self[code]


_BARE = _Bare()
_ROTATE = _Swap({ord(a): codecs.encode(a, "rot13") for a in ascii_lowercase})


def unwrapped(raw: C) -> C:
    """Entities, percent signs, base64 and hexadecimal of readable text, as that text."""
    if len(raw.text) > LONGEST_DECODED:
        return raw
    if "&" in raw.text:
        raw = raw.sub(_ENTITY, lambda match: html.unescape(match.group()))
    if "%" in raw.text and _PERCENT.search(raw.text):
        raw = raw.sub(_PERCENTS, lambda match: _unquoted(match.group()))
    if _HEX.search(raw.text):
        raw = raw.sub(_HEX, lambda match: _readable(bytes.fromhex, match.group()))
    if _BASE64.search(raw.text):
        raw = raw.sub(_BASE64, lambda match: _readable(_unbase64, match.group()))
    return raw


def _unquoted(run: str) -> str:
    return unquote(run, errors="replace") if _PERCENT.search(run) else run


def upright(raw: C) -> C:
    """Words written upside down, turned back."""
    if not _TELLTALE.search(raw.text):
        return raw
    return raw.fold(_BARE).sub(_TURNED_WORDS, lambda match: _turned_back(match.group()))


def _turned_back(run: str) -> str:
    """The likeliest: turned as words, as what stands between marks, or as a whole."""
    if not _TELLTALE.search(run):
        return run
    words = " ".join(_word_turned_back(word) for word in run.split(" "))
    pieces = _TURNED_LETTERS.sub(lambda match: _turned_over(match.group()), run)
    likely = max((words, pieces), key=_nats)
    whole = _turned_over(run)
    return whole if _nats(whole) > _nats(likely) + TURN_GAIN else likely


def _word_turned_back(word: str) -> str:
    """A word without a letter that only turned ones have may be an ordinary one: on, no."""
    turned = _turned_over(word)
    return turned if _TELLTALE.search(word) or _nats(turned) > _nats(word) else word


def _turned_over(text: str) -> str:
    return text.translate(_TURN)[::-1]


def _nats(text: str) -> float:
    """How plausible the letters of a text are, in all, whatever stands between them."""
    letters = "".join(character for character in text.lower() if character.isalpha())
    return plausibility(letters) * (len(letters) + 1)


def reread(raw: C, folded: C) -> C:
    """The folded text, or the most plausible of the readings that are clearly more plausible."""
    text = folded.text
    if len(text) > LONGEST_DECODED or not text.strip():
        return folded
    words = [_word(word) for word in _LATIN_WORD.findall(text)]
    letters = sum(word.letters for word in words)
    readings = list(_turned(raw, folded, letters))
    if letters:
        readings += _typed(folded, words)
        readings += _romanised(folded, words, letters)
    return max(readings, key=lambda one: one[0])[1] if readings else folded


def _turned(raw: C, folded: C, letters: int) -> Iterator[tuple[float, C]]:
    """The message backwards or rotated by 13, with its gain, if that is enough."""
    pairs = len(folded.text) + 1
    latin = 2 * letters > pairs
    likely, backwards = both_ways(folded.text) if latin else (plausibility(folded.text), 0.0)
    if latin:
        gain = (backwards - likely) * pairs
        if gain > max(CLEAR_GAIN, LATIN_TURN_GAIN * pairs):
            yield gain, folded.reverse(_ALL)
    elif len(_ENDING_FIRST.findall(f" {raw.text}")) > len(_ENDING_LAST.findall(raw.text)):
        # letters of a Korean syllable keep their order when a message is turned, so fold again
        turned = raw.reverse(_ALL).fold(FOLD).sub(_SPACES, " ")
        if (gain := (plausibility(turned.text) - likely) * pairs) > TURN_GAIN:
            yield gain, turned
    if letters and likely < UNLIKELY:
        rotated = folded.fold(_ROTATE)
        if (gain := (plausibility(rotated.text) - likely) * pairs) > CLEAR_GAIN:
            yield gain, rotated


def _typed(folded: C, words: Sequence["_Word"]) -> Iterator[tuple[float, C]]:
    """The message as it was meant if all or some of it was typed with the keyboard on English."""
    every = sum(word.typed_gain for word in words)
    some = sum(word.clear_gain for word in words)
    if some > 0 and every > max(some, CLEAR_GAIN):
        yield every, folded.sub(_LATIN_WORD, lambda match: _word(match.group()).typed)
    elif some > CLEAR_GAIN:
        yield some, folded.sub(_LATIN_WORD, lambda match: _word(match.group()).clear)


def _romanised(folded: C, words: Sequence["_Word"], letters: int) -> Iterator[tuple[float, C]]:
    """The message as it was meant if its Latin words are Korean ones."""
    gain = sum(word.roman_gain for word in words)
    # a lone Latin word is a name as often
    if len(words) > 1 and gain > max(CLEAR_GAIN, ROMAN_GAIN * letters):
        yield gain, folded.sub(_LATIN_WORD, lambda match: _word(match.group()).roman)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What a Latin word may stand for, or the word itself; how much more plausible, in nats."""

    letters: int  # with the border
    typed: str  # the Korean it is on the two-set keyboard
    typed_gain: float
    clear: str  # the same, if that is clear by itself
    clear_gain: float
    roman: str  # the Korean it is in Latin letters
    roman_gain: float


@lru_cache(maxsize=1 << 16)
def _word(word: str) -> _Word:
    letters = len(word) + 1
    likely = plausibility(word)

    def gain(reading: str | None) -> float:
        return (plausibility(reading) - likely) * letters if reading else NO_KOREAN * letters

    keyed = word.translate(_KEYS)
    typed = _on_keys(keyed) if _SYLLABLES.fullmatch(keyed) else None
    clear = typed is not None and len(word) > SHORT and gain(typed) > TYPED_GAIN * letters
    roman = hangul_of(word) if len(word) > SHORT else None
    return _Word(
        letters=letters,
        typed=typed or word,
        typed_gain=gain(typed),
        clear=typed if typed and clear else word,
        clear_gain=gain(typed) if clear else 0.0,
        roman=roman or word,
        roman_gain=gain(roman),
    )


def _on_keys(keyed: str) -> str:
    """Vowels of two keys as one."""
    return _TWO_KEYS.sub(lambda match: COMPOUND_MEDIALS[match.group()], keyed)


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
