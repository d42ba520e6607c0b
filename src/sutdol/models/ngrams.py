"""Hashed character n-grams: strings in, rows of a 2^20-column sparse matrix out."""

import numpy as np
from numpy.typing import NDArray

BITS = 20
COLUMNS = 1 << BITS
SHORTEST, LONGEST = 2, 5

Columns = NDArray[np.uint32]

_SPREAD = np.uint32(0x85EBCA6B)  # constants of MurmurHash3's and lowbias32's mixing steps
_STEP = np.uint32(0x9E3779B1)
_MIX = np.uint32(0x7FEB352D)


def columns(text: str) -> Columns:
    """The columns of all n-grams of one string; sorted, each once. Shape (distinct,)."""
    return distinct(hashed(text))


def hashed(text: str) -> Columns:
    """The column of every n-gram of one string, in order of length and place."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    letters = codes * _SPREAD
    letters ^= letters >> np.uint32(15)
    window, windows = letters, [letters[:0]]
    for length in range(2, LONGEST + 1):
        if len(letters) < length:
            break
        window = window[:-1] * _STEP + letters[length - 1 :]
        windows.append(window)
    found = np.concatenate(windows)
    found ^= found >> np.uint32(16)
    found *= _MIX
    found >>= np.uint32(32 - BITS)
    return found


def distinct(found: Columns) -> Columns:
    """Sorted, each once: `np.unique` without its overhead on short arrays."""
    if len(found) == 0:
        return found
    ordered = np.sort(found)
    keep = np.empty(len(ordered), dtype=bool)
    keep[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    return ordered[keep]


def place(text: str, column: int) -> list[tuple[int, int]]:
    """Where in `text` the n-grams of `column` stand, as (start, end)."""
    found, start, places = hashed(text), 0, []
    for length in range(SHORTEST, LONGEST + 1):
        count = max(0, len(text) - length + 1)
        inside = np.flatnonzero(found[start : start + count] == column)
        places += [(int(i), int(i) + length) for i in inside]
        start += count
    return places
