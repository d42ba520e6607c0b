"""Near-duplicates between training and hold-out texts: MinHash to find, Jaccard to decide. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sutdol.metrics.draws import Draws

SHINGLE = 5  # letters
ALIKE = 0.8  # Jaccard similarity of shingle sets from which two texts are one
BANDS, ROWS = 16, 3  # a pair of 0.8 is found with probability 1 - (1 - 0.8**3)**16 > 0.9999
SHORT = 2 * SHINGLE  # shorter keys are compared whole

Hashes = NDArray[np.uint64]

_PRIME = np.uint64((1 << 31) - 1)
_DRAWS = Draws(20_261_120)  # fixed: the same texts are near-duplicates on every machine
_FACTORS = _DRAWS.integers(2**31 - 2, (BANDS * ROWS, 1)).astype(np.uint64) + np.uint64(1)
_SHIFTS = _DRAWS.integers(2**31 - 2, (BANDS * ROWS, 1)).astype(np.uint64)


def near_duplicates(keys: Sequence[str], exam: Sequence[str]) -> list[int]:
    """Indices of `keys` that are nearly the same as any key of the exam."""
    whole = set(exam)
    buckets: dict[tuple[int, bytes], list[str]] = defaultdict(list)
    for key in whole:
        for band in enumerate(_bands(key)):
            buckets[band].append(key)
    return [
        index
        for index, key in enumerate(keys)
        if key in whole
        or any(
            _alike(key, other) for band in enumerate(_bands(key)) for other in buckets.get(band, ())
        )
    ]


@lru_cache(maxsize=1 << 17)
def _bands(key: str) -> tuple[bytes, ...]:
    """The signature of a key, cut into bands; none for short keys."""
    shingles = _shingles(key)
    if len(key) < SHORT:
        return ()
    values = (_FACTORS * shingles[None, :] + _SHIFTS) % _PRIME
    lowest = values.min(axis=1).reshape(BANDS, ROWS)
    return tuple(band.tobytes() for band in lowest)


def _shingles(key: str) -> Hashes:
    codes = np.frombuffer(key.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    mixed = np.zeros(max(0, len(codes) - SHINGLE + 1), dtype=np.uint64)
    for offset in range(SHINGLE):
        mixed = (mixed * np.uint64(31_337) + codes[offset : offset + len(mixed)]) % _PRIME
    return np.unique(mixed)


def _alike(one: str, other: str) -> bool:
    a, b = _shingles(one), _shingles(other)
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common >= ALIKE * (len(a) + len(b) - common)
