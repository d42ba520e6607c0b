"""Count `core/text/bigrams.txt` anew from the bundled corpus: python scripts/bigrams.py."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sutdol.core.text import plausible
from sutdol.core.text.carrier import Plain
from sutdol.core.text.views import folded
from sutdol.roles.bootstrap import bootstrap

SMOOTHING = 2.0


def table(texts: Iterable[str]) -> np.ndarray:
    """Log P(next | letter) * 100, each language's texts weighing the same per letter."""
    size = len(plausible.LETTERS) + 1
    counts = np.full((size, size), SMOOTHING)
    for text in texts:
        found = plausible.classes(folded(Plain(text)).text)
        np.add.at(counts, (found[:-1], found[1:]), 1.0)
    return np.round(100 * np.log(counts / counts.sum(axis=1, keepdims=True))).astype(int)


def main() -> None:
    rows = table(row.text for row in bootstrap(0))
    lines = ["# log P(next | letter) * 100, made by scripts/bigrams.py"]
    lines += [" ".join(map(str, row)) for row in rows]
    target = Path(plausible.__file__).with_name("bigrams.txt")
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
