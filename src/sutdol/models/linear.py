"""Linear models over hashed n-grams: trained by scikit-learn, served by NumPy, stored as npz."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sutdol.models.ngrams import COLUMNS, Columns, of_views

Floats = NDArray[np.float64]
_START = np.zeros(1, dtype=np.int64)
FEWEST = 4  # n-grams a view is taken to have at least: a lone syllable must not shout


@dataclass(frozen=True, kw_only=True)
class Features:
    """The n-grams of many texts: rows of a sparse matrix whose views weigh the same each.

    `ends` (rows + 1,), `columns` (all,), `values` (all,): as in a CSR matrix.
    """

    ends: NDArray[np.int64]
    columns: Columns
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ends) - 1


Row = tuple[Columns, NDArray[np.int64]]
"""The columns of one text, view after view, and how many each view has."""
Valued = tuple[Columns, NDArray[np.float32]]
"""The columns of one text, and the value of each."""


def row(views: Sequence[str]) -> Row:
    return of_views(views)


def valued(text: Row) -> Valued:
    found, sizes = text
    return found, scales(sizes)


def scales(sizes: NDArray[np.int64]) -> NDArray[np.float32]:
    """The value of every column: each view is scaled to length 1."""
    scale = np.maximum(sizes, FEWEST).astype(np.float32) ** np.float32(-0.5)
    return np.repeat(scale, sizes)


def stack(rows: Sequence[Row]) -> Features:
    ends = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(found) for found, _ in rows], out=ends[1:])
    sizes = np.concatenate([np.zeros(0, dtype=np.int64), *(sizes for _, sizes in rows)])
    found = np.concatenate([np.zeros(0, dtype=np.uint32), *(found for found, _ in rows)])
    return Features(ends=ends, columns=found, values=scales(sizes))


@dataclass(frozen=True, kw_only=True)
class Head:
    """One linear decision: `weights` (COLUMNS,) float32 and a bias."""

    weights: NDArray[np.float32]
    bias: float

    def logit(self, text: Row) -> float:
        """The logit of one text: to the last bit what `logits` says of it."""
        return self.weighed(valued(text))

    def weighed(self, text: Valued) -> float:
        """The same of a text whose values are known."""
        found, values = text
        if not len(found):
            return self.bias
        parts = self.weights.take(found)
        parts *= values
        return float(np.add.reduceat(parts, _START, dtype=np.float64)[0]) + self.bias

    def logits(self, features: Features) -> Floats:
        """The logit of each row. Shape (rows,)."""
        parts = self.weights.take(features.columns) * features.values
        sums = np.zeros(len(features))
        filled = np.flatnonzero(np.diff(features.ends))
        if len(filled):
            sums[filled] = np.add.reduceat(parts, features.ends[filled], dtype=np.float64)
        return sums + self.bias


class Heads(Mapping[str, Head]):
    """Heads side by side, for one look at a column finds the weights of all.

    `weights` (COLUMNS, heads) float32; a head that is asked for by name is a view of it.
    """

    def __init__(self, names: Sequence[str], weights: NDArray[np.float32], biases: Floats) -> None:
        if weights.shape[1:] != (len(names),) or biases.shape != (len(names),):
            raise ValueError(f"{len(names)} heads have other weights or biases")
        self._places = {name: place for place, name in enumerate(names)}
        self._weights, self._biases = weights, biases

    @classmethod
    def of(cls, heads: Mapping[str, Head]) -> Self:
        """Copies of heads that were made one by one."""
        weights = np.empty((COLUMNS, len(heads)), dtype=np.float32)
        for place, head in enumerate(heads.values()):
            weights[:, place] = head.weights
        return cls(list(heads), weights, np.array([head.bias for head in heads.values()]))

    def __getitem__(self, name: str) -> Head:
        place = self._places[name]
        return Head(weights=self._weights[:, place], bias=float(self._biases[place]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def weighed(self, text: Valued) -> Floats:
        """The logit of one text by each head: to the last bit what it says. Shape (heads,)."""
        found, values = text
        if not len(found) or not len(self):
            return self._biases
        parts = np.ascontiguousarray(self._weights.take(found, axis=0).T)
        parts *= values
        sums = np.add.reduceat(parts, _START, axis=1, dtype=np.float64)
        return np.asarray(sums[:, 0] + self._biases)


def fit(features: Features, labels: NDArray[np.bool_], *, strength: float, seed: int) -> Head:
    """Logistic regression with L2 penalty (dual coordinate descent, LIBLINEAR).

    Columns are scaled by their log-count ratio, so that telling n-grams cost less of the penalty
    (Wang and Manning 2012); the scale goes into the weights. They are rounded to float16, as they
    are stored: what is evaluated is what is served.
    """
    import warnings

    from scipy.sparse import csr_matrix
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    matrix = csr_matrix(
        (features.values, features.columns.astype(np.int32), features.ends),
        shape=(len(features), COLUMNS),
        copy=True,  # `sum_duplicates` works in place
    )
    matrix.sum_duplicates()
    contrast = _contrast(matrix.indices, np.diff(matrix.indptr), labels)
    matrix.data *= contrast[matrix.indices]
    model = LogisticRegression(
        C=strength, solver="liblinear", dual=True, tol=0.1, max_iter=40, random_state=seed
    )
    with warnings.catch_warnings():
        # stopping early is part of the regularisation; the evaluation judges the result
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, labels)
    weights = (model.coef_[0] * contrast).astype(np.float16).astype(np.float32)
    return Head(weights=weights, bias=float(model.intercept_[0]))


def _contrast(
    columns: NDArray[np.int32], sizes: NDArray[np.int32], labels: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The log of how much more often a column stands in violating texts, smoothed by one text."""
    violating = np.repeat(labels, sizes)
    shares = [
        (np.bincount(columns[of_kind], minlength=COLUMNS) + 1.0) / (float(texts.sum()) + 2.0)
        for of_kind, texts in ((violating, labels), (~violating, ~labels))
    ]
    return np.asarray(np.log(shares[0] / shares[1]), dtype=np.float32)


def platt(logits: Floats, labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of P(violating | logit) (Platt 1999, with his smoothed targets)."""
    from scipy.optimize import minimize

    positive, negative = float(labels.sum()), float((~labels).sum())
    goal = np.where(labels, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(parameters: Floats) -> float:
        z = parameters[0] * logits + parameters[1]
        return float(np.mean(np.logaddexp(0.0, z) - goal * z))

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(max(slope, 1e-3)), float(offset)


def sigmoid(logits: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))


def chance(logit: float) -> float:
    """The sigmoid of one logit."""
    # NumPy's tanh, not that of `math`: they differ in the last bit, and a threshold is exact
    return float(0.5 * (1.0 + np.tanh(0.5 * logit)))
