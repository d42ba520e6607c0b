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
WIDTH = ROWS * 4  # bytes of a band

Hashes = NDArray[np.uint64]

_PRIME = np.uint64((1 << 31) - 1)
_DRAWS = Draws(20_261_120)  # fixed: the same texts are near-duplicates on every machine
_FACTORS = _DRAWS.integers(2**31 - 2, (BANDS * ROWS, 1)).astype(np.uint64) + np.uint64(1)
_SHIFTS = _DRAWS.integers(2**31 - 2, (BANDS * ROWS, 1)).astype(np.uint64)


def near_duplicates(keys: Sequence[str], exam: Sequence[str]) -> list[int]:
    """Indices of `keys` that are nearly the same as any key of the exam."""
    finder = _finder(tuple(sorted(set(exam))))
    return [index for index, key in enumerate(keys) if finder.repeats(key)]


class _Finder:
    """One exam's keys; what was asked before is remembered, as rounds ask the same again."""

    def __init__(self, exam: Sequence[str]) -> None:
        self._pieces = {key: frozenset(_shingles(key).tolist()) for key in exam}
        self._known = dict.fromkeys(exam, True)
        self._buckets: dict[tuple[int, bytes], list[str]] = defaultdict(list)
        for key in exam:
            for band in _bands(key):
                self._buckets[band].append(key)

    def repeats(self, key: str) -> bool:
        """Whether any key that shares a band is alike; each is compared once."""
        if key not in self._known:
            candidates = {other for band in _bands(key) for other in self._buckets.get(band, ())}
            own = frozenset(_shingles(key).tolist()) if candidates else frozenset()
            self._known[key] = any(_alike(own, self._pieces[other]) for other in candidates)
        return self._known[key]


@lru_cache(maxsize=2)
def _finder(exam: tuple[str, ...]) -> _Finder:
    return _Finder(exam)


def _bands(key: str) -> list[tuple[int, bytes]]:
    """The signature of a key, cut into numbered bands; none for short keys."""
    signature = _signature(key)
    return [(at, signature[at : at + WIDTH]) for at in range(0, len(signature), WIDTH)]


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
