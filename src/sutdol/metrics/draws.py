"""Random draws that stay the same in every NumPy version: raw PCG64 bits and integer arithmetic."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def seed_from(*parts: str) -> int:
    """A 64-bit seed out of strings, independent of process and hash seed."""
    digest = hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


class Draws:
    """A stream of draws from one seed.

    NumPy promises the raw bits of a bit generator for ever, but not what `Generator` methods
    make of them; a verdict must be the same on any later version.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def integers(self, n: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Whole numbers in [0, n), n < 2**31, by fixed-point multiplication of 32-bit halves."""
        size = int(np.prod(shape))
        raw = np.asarray(self._bits.random_raw((size + 1) // 2), dtype=np.uint64)
        halves = np.empty(2 * len(raw), dtype=np.uint64)
        halves[0::2], halves[1::2] = raw >> np.uint64(32), raw & np.uint64(0xFFFFFFFF)
        drawn = (halves[:size] * np.uint64(n)) >> np.uint64(32)
        return drawn.astype(np.int64).reshape(shape)

    def signs(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Fair draws of -1 and +1."""
        return 2 * self.integers(2, shape) - 1

    def weights(self, n: int, times: int) -> NDArray[np.int32]:
        """How often each of n cases stands in each of `times` resamples: shape (times, n)."""
        if n == 0:
            return np.zeros((times, 0), dtype=np.int32)
        drawn = self.integers(n, (times, n)) + n * np.arange(times)[:, None]
        return np.bincount(drawn.ravel(), minlength=times * n).reshape(times, n).astype(np.int32)
