"""Near-duplicates between training and hold-out texts: MinHash to find, Jaccard to decide. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sutdol.metrics.draws import Draws

SHINGLE = 5  # letters
ALIKE = 0.8  # Jaccard similarity of shingle sets from which two texts are one
BANDS, ROWS = 16, 3  # a pair of 0.8 is found with probability 1 - (1 - 0.8**3)**16 > 0.9999
SHORT = 2 * SHINGLE  # shorter keys are compared whole
WIDTH = ROWS * 4  # bytes of a band

Hashes = NDArray[np.uint64]
Buckets = Mapping[tuple[int, bytes], Sequence[str]]

_PRIME = np.uint64((1 << 31) - 1)
_DRAWS = Draws(20_261_120)  # fixed: the same texts are near-duplicates on every machine
_FACTORS = _DRAWS.integers(2**31 - 2, (BANDS * ROWS, 1)).astype(np.uint64) + np.uint64(1)
_SHIFTS = _DRAWS.integers(2**31 - 2, (BANDS * ROWS, 1)).astype(np.uint64)


def near_duplicates(keys: Sequence[str], exam: Sequence[str]) -> list[int]:
    """Indices of `keys` that are nearly the same as any key of the exam."""
    whole = set(exam)
    buckets: dict[tuple[int, bytes], list[str]] = defaultdict(list)
    for key in whole:
        for band in _bands(key):
            buckets[band].append(key)
    pieces = {key: frozenset(_shingles(key).tolist()) for key in whole}
    return [
        index for index, key in enumerate(keys) if key in whole or _repeats(key, buckets, pieces)
    ]


def _repeats(key: str, buckets: Buckets, pieces: Mapping[str, frozenset[int]]) -> bool:
    """Whether any key that shares a band is alike; each is compared once."""
    candidates = {other for band in _bands(key) for other in buckets.get(band, ())}
    if not candidates:
        return False
    own = frozenset(_shingles(key).tolist())
    return any(_alike(own, pieces[other]) for other in candidates)


def _bands(key: str) -> list[tuple[int, bytes]]:
    """The signature of a key, cut into numbered bands; none for short keys."""
    signature = _signature(key)
    return [(at, signature[at : at + WIDTH]) for at in range(0, len(signature), WIDTH)]


@lru_cache(maxsize=1 << 17)
def _signature(key: str) -> bytes:
    if len(key) < SHORT:
        return b""
    values = (_FACTORS * _shingles(key)[None, :] + _SHIFTS) % _PRIME
    return bytes(values.min(axis=1).astype(np.uint32))


def _shingles(key: str) -> Hashes:
    codes = np.frombuffer(key.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    mixed = np.zeros(max(0, len(codes) - SHINGLE + 1), dtype=np.uint64)
    for offset in range(SHINGLE):
        mixed = (mixed * np.uint64(31_337) + codes[offset : offset + len(mixed)]) % _PRIME
    return np.unique(mixed)


def _alike(one: frozenset[int], other: frozenset[int]) -> bool:
    common = len(one & other)
    return common >= ALIKE * (len(one) + len(other) - common)
