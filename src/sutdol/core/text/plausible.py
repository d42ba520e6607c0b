"""How much a text looks like English or Korean: mean log-likelihood of its letter pairs.

`bigrams.txt` holds one row a letter: log P(next | letter) * 100. It is counted from the bundled
corpus by `scripts/bigrams.py`.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

LETTERS = "abcdefghijklmnopqrstuvwxyz" + "".join(chr(c) for c in range(0x3131, 0x3164)) + " "
_OTHER = len(LETTERS)  # digits, marks and letters of other scripts


def classes(text: str) -> NDArray[np.int64]:
    """The class of each character, with a word border at both ends. Shape (len(text) + 2,)."""
    codes = np.frombuffer(f" {text} ".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return _class_of()[np.minimum(codes, 0x3164)]


def plausibility(text: str) -> float:
    """Mean log-likelihood per letter pair, in nats; 0.0 is certain, below -4 is noise."""
    return _mean(*_pairs(text))


def both_ways(text: str) -> tuple[float, float]:
    """The plausibility of a text, and of its letters in reverse order."""
    first, second = _pairs(text)
    return _mean(first, second), _mean(second, first)


def _pairs(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    found = classes(text)
    return found[:-1], found[1:]


def _mean(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    pairs = _table().take(first * (_OTHER + 1) + second)
    return float(np.add.reduce(pairs)) / len(pairs)  # `mean` takes twice as long


@cache
def _class_of() -> NDArray[np.int64]:
    table = np.full(0x3165, _OTHER, dtype=np.int64)
    for index, letter in enumerate(LETTERS):
        table[ord(letter)] = index
    return table


@cache
def _table() -> NDArray[np.float32]:
    stored = files("sutdol.core.text").joinpath("bigrams.txt").read_text(encoding="utf-8")
    rows = [line.split() for line in stored.splitlines() if line[:1] != "#"]
    return np.array(rows, dtype=np.float32).ravel() / np.float32(100)
