"""Hashed character n-grams: strings in, rows of a 2^20-column sparse matrix out."""

from collections.abc import Sequence

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


def of_views(views: Sequence[str]) -> tuple[Columns, NDArray[np.int64]]:
    """The columns of each string, one after the other, and how many each has.

    The same as `columns` of each, in one pass: on short texts the calls cost more than the work.
    """
    codes = np.frombuffer("".join(views).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    view = np.repeat(
        np.arange(len(views), dtype=np.uint32) << np.uint32(BITS), list(map(len, views))
    )
    found, start, inside = _placed(codes, view)
    keys = (found | start)[inside]
    distinct_keys = distinct(keys)
    sizes = np.bincount(distinct_keys >> np.uint32(BITS), minlength=len(views))
    return distinct_keys & np.uint32(COLUMNS - 1), sizes


def _placed(codes: Columns, view: Columns) -> tuple[Columns, Columns, NDArray[np.bool_]]:
    """The column of every n-gram, the view it starts in, and whether it ends there too."""
    windows, starts, inside = _windows(codes), [view[:0]], [np.zeros(0, dtype=bool)]
    for length in range(SHORTEST, min(LONGEST, len(codes)) + 1):
        first, last = view[: len(view) - length + 1], view[length - 1 :]
        starts.append(first)
        inside.append(first == last)
    return _mixed(windows), np.concatenate(starts), np.concatenate(inside)


def hashed(text: str) -> Columns:
    """The column of every n-gram of one string, in order of length and place."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return _mixed(_windows(codes))


def _windows(codes: Columns) -> Columns:
    """A number for every run of SHORTEST to LONGEST letters, in order of length and place."""
    letters = codes * _SPREAD
    letters ^= letters >> np.uint32(15)
    window, windows = letters, [letters[:0]]
    for length in range(2, LONGEST + 1):
        if len(letters) < length:
            break
        window = window[:-1] * _STEP + letters[length - 1 :]
        windows.append(window)
    return np.concatenate(windows)


def _mixed(found: Columns) -> Columns:
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
