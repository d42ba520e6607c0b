"""What the arena needs of a guard: flags and scores, and to be asked again about known texts."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Judged = tuple[NDArray[np.float64], NDArray[np.bool_]]


class Guard(Protocol):
    """The live guard of a round."""

    @property
    def version(self) -> str: ...

    def judge(self, texts: Sequence[str]) -> Judged:
        """Scores and flags of texts never seen before."""

    def judge_again(self, texts: Sequence[str]) -> Judged:
        """The same for texts that every round asks about; how they are read may be kept."""
