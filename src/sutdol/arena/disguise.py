"""Apply an attack to a text: to chosen words of it, or to the whole message."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from unicodedata import normalize

from sutdol.arena.attack import Attack

_SPACE = re.compile(r"(\s+)")


def seed_of(*parts: object) -> int:
    """A 64-bit seed that is the same on every machine and day, unlike `hash`.

    Parts are told apart by their `repr`, so give plain values: strings, numbers, tuples of them.
    """
    # ascii, not repr: which characters repr escapes depends on Python's Unicode version.
    return int.from_bytes(blake2b(ascii(parts).encode(), digest_size=8).digest(), "big")


def words(text: str) -> list[str]:
    """The words that an attack can choose from, by index."""
    return text.split()


def disguise(attack: Attack, text: str, random: Random, words: Sequence[int] | None = None) -> str:
    """The text with some words (by default all worth it), or the whole message, attacked.

    All else, white space included, stays as it was.
    """
    if attack.scope == "message":
        return _attacked(attack, text, random)
    pieces = _SPACE.split(text)
    places = [i for i, piece in enumerate(pieces) if piece and not piece.isspace()]
    chosen = places if words is None else [places[word] for word in sorted(set(words))]
    for place in chosen:
        if words is not None or _worth_it(pieces[place]):
            pieces[place] = _attacked(attack, pieces[place], random)
    return "".join(pieces)


def _worth_it(word: str) -> bool:
    return len(word) >= 2 and any(char.isalpha() for char in word)


def _attacked(attack: Attack, text: str, random: Random) -> str:
    # Attacks know Korean as whole syllables; macOS and the attack `nfd` write it in pieces.
    composed = normalize("NFC", text)
    attacked = attack.disguise(composed, random) if composed.strip() else composed
    return text if attacked == composed else attacked
