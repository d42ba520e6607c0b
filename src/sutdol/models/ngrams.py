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
    windows = _windows(codes)
    parts, ends, start, count = [codes[:0]], [], 0, 0
    for view in views:
        end = start + len(view)
        for length, window in enumerate(windows, SHORTEST):
            if (last := end - length + 1) > start:
                parts.append(window[start:last])
                count += last - start
        ends.append(count)
        start = end
    return _each_distinct(_mixed(np.concatenate(parts)), ends)


def _each_distinct(found: Columns, ends: Sequence[int]) -> tuple[Columns, NDArray[np.int64]]:
    """`distinct` of the part up to each end, in place, and how much is left of each."""
    keep = np.ones(len(found), dtype=bool)
    start, sizes = 0, []
    for end in ends:
        part = found[start:end]
        part.sort()
        np.not_equal(part[1:], part[:-1], out=keep[start + 1 : end])
        sizes.append(np.count_nonzero(keep[start:end]))
        start = end
    return found[keep], np.array(sizes, dtype=np.int64)


def hashed(text: str) -> Columns:
    """The column of every n-gram of one string, in order of length and place."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return _mixed(np.concatenate([codes[:0], *_windows(codes)]))


def _windows(codes: Columns) -> list[Columns]:
    """A number for every run of SHORTEST letters, of one more, up to LONGEST, in order of place."""
    letters = codes * _SPREAD
    letters ^= letters >> np.uint32(15)
    window, windows = letters, []
    for length in range(2, LONGEST + 1):
        if len(letters) < length:
            break
        window = window[:-1] * _STEP + letters[length - 1 :]
        windows.append(window)
    return windows


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
