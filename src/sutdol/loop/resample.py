"""The joint paired bootstrap: cases are drawn again and both models' thresholds re-fitted.

A threshold fitted on n harmless texts is itself a draw: the "5 %" of 1,000 texts truly lies in
[3.7, 6.4] %. Taken as fixed, that luck passes for skill, and two equal guards promote each other.
So each resample draws malicious and harmless cases independently and fits every threshold anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sutdol.loop.evidence import Evidence, Floats, Row, Scored
from sutdol.loop.rules import Calibration, Measure, Rules
from sutdol.metrics.draws import Draws, seed_from

Ints = NDArray[np.int64]
MODELS = ("champion", "challenger", "anchor")
FEWEST = 100  # harmless cases a threshold of its own is fitted on; else that of all together
CHUNK = 100  # resamples computed together: bounds memory at CHUNK x rows


def carries(row: Row, tags: Sequence[str]) -> bool:
    return all(tag in row.tags for tag in tags)


def cut(scores: Floats, weights: NDArray[np.int32], rate: float) -> Floats:
    """The threshold of each resample: the largest share above it is `rate`; strictly above counts.

    `scores` (n,) ascending; `weights` (resamples, n) how often each was drawn. Shape (resamples,).
    """
    below = np.cumsum(weights, axis=1)
    n = below[:, -1:]
    allowed = np.floor(rate * n + 1e-9)
    first = np.argmax(below >= n - allowed, axis=1)
    return np.asarray(scores[first])


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The rows a measure is the mean of; `tag` names the slice, "" for all."""

    measure: Measure
    tag: str
    rows: Ints


def slice_name(measure: Measure, tag: str) -> str:
    return f"{measure.name} {tag}" if tag else measure.name


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How much better the challenger is (positive is better), and how sure that is."""

    champion: float
    challenger: float
    gain: float
    sd: float
    n: int


class Comparison:
    """Every measure of the rules, for all three models, out of the same resamples."""

    def __init__(self, evidence: Evidence, rules: Rules) -> None:
        self._rows, self._evidence = evidence.rows, evidence
        names = sorted({row.case for row in self._rows})
        position = {name: index for index, name in enumerate(names)}
        self._case = np.array([position[row.case] for row in self._rows], dtype=np.int64)
        self._strata = _strata(self._rows, names, rules.calibration)
        self._groups = _groups(self._rows, names)
        self._cuts = _Cuts(self._rows, self._case, rules.calibration)
        self._tagged = _Tagged(self._rows)
        self.selections = self._select(rules)
        self._index = {name: k for k, name in enumerate(self.selections)}
        self._members = _Members(list(self.selections.values()), self._case, len(self._rows))
        whole = np.ones((1, len(names)), dtype=np.int32)
        self._whole = self._means(whole)
        seed = seed_from("gate", *names)
        parts = [self._means(weights) for weights in self._resamples(seed, rules.resamples)]
        self._drawn = {model: np.concatenate([part[model] for part in parts]) for model in MODELS}

    def effect(self, name: str, against: str = "champion") -> Effect:
        """How much better the challenger is than `against` on the selection `name`."""
        k = self._index[name]
        sign = 1.0 if self.selections[name].measure.better == "high" else -1.0
        before, after = float(self._whole[against][0, k]), float(self._whole["challenger"][0, k])
        differences = self._drawn["challenger"][:, k] - self._drawn[against][:, k]
        return Effect(
            champion=before,
            challenger=after,
            gain=sign * (after - before),
            sd=float(differences.std(ddof=1)),
            n=self._members.cases[k],
        )

    def _select(self, rules: Rules) -> dict[str, Selection]:
        wanted = [(measure, "") for measure in (rules.primary, *(r.measure for r in rules.rails))]
        for alarm in rules.alarms:
            inside = set(self._tagged.all(alarm.measure.tags).tolist())
            slices = [
                tag
                for tag, rows in sorted(self._tagged.rows.items())
                if tag.startswith(alarm.slices) and not inside.isdisjoint(rows.tolist())
            ]
            wanted += [(alarm.measure, tag) for tag in slices]
        return {slice_name(measure, tag): self._selection(measure, tag) for measure, tag in wanted}

    def _selection(self, measure: Measure, tag: str) -> Selection:
        tags = (*measure.tags, tag) if tag else measure.tags
        return Selection(measure=measure, tag=tag, rows=self._tagged.all(tags))

    def _resamples(self, seed: int, times: int) -> Iterator[NDArray[np.int32]]:
        draws = Draws(seed)
        for start in range(0, times, CHUNK):
            chunk = min(CHUNK, times - start)
            weights = np.zeros((chunk, len(self._strata)), dtype=np.int32)
            for stratum in np.unique(self._strata):
                inside = np.flatnonzero(self._strata == stratum)
                # whole groups are drawn: cases that lean together are not independent evidence
                found, member = np.unique(self._groups[inside], return_inverse=True)
                weights[:, inside] = draws.weights(len(found), chunk)[:, member]
            yield weights

    def _means(self, weights: NDArray[np.int32]) -> dict[str, Floats]:
        """Per model the weighted mean of every selection: shape (resamples, selections)."""
        means: dict[str, Floats] = {}
        heavy = np.ascontiguousarray(weights[:, self._case].T, dtype=np.float64)
        total = self._members.sums(None, heavy)
        for name in MODELS:
            model: Scored = getattr(self._evidence, name)
            if name == "anchor" and model is self._evidence.champion:
                means[name] = means["champion"]
                continue
            outcomes = {
                "caught": self._cuts.caught(model, weights),
                "served": self._cuts.served(model)[:, None],
                "score": model.scores[:, None],
            }
            with np.errstate(invalid="ignore", divide="ignore"):
                means[name] = (self._members.sums(outcomes, heavy) / total).T
        return means


class _Tagged:
    """Which rows carry a tag."""

    def __init__(self, rows: Sequence[Row]) -> None:
        found: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            for tag in row.tags:
                found.setdefault(tag, []).append(index)
        self.rows: dict[str, Ints] = {
            tag: np.unique(np.array(indices, dtype=np.int64)) for tag, indices in found.items()
        }

    def all(self, tags: Sequence[str]) -> Ints:
        """The rows that carry all the tags, in order."""
        parts = [self.rows.get(tag, np.zeros(0, dtype=np.int64)) for tag in tags]
        chosen = parts[0]
        for part in parts[1:]:
            chosen = np.intersect1d(chosen, part, assume_unique=True)
        return chosen


class _Cuts:
    """Which rows each model catches, at re-fitted or at shipped thresholds."""

    def __init__(self, rows: Sequence[Row], case: Ints, calibration: Calibration | None) -> None:
        self._case, self._rate = case, calibration.rate if calibration else 0.0
        self._groups = sorted({row.calibration for row in rows})
        where = {group: index for index, group in enumerate(self._groups)}
        self._group = np.array([where[row.calibration] for row in rows], dtype=np.int64)
        kinds = [calibration.harmless, calibration.twins] if calibration else []
        self._kinds = [
            np.array([carries(row, tags) for row in rows], dtype=bool) for tags in kinds if tags
        ]

    def caught(self, model: Scored, weights: NDArray[np.int32]) -> NDArray[np.bool_]:
        """At the thresholds re-fitted in each resample: shape (rows, resamples)."""
        cuts = np.full((len(self._groups), len(weights)), np.nan)
        for index in range(len(self._groups)):
            for kind in self._kinds:
                cuts[index] = np.fmax(cuts[index], self._cut(model, weights, kind, index))
        return np.asarray(model.scores[:, None] > cuts[self._group])

    def _cut(
        self, model: Scored, weights: NDArray[np.int32], kind: NDArray[np.bool_], group: int
    ) -> Floats:
        """The threshold of a group by the harmless rows of one kind; NaN without any."""
        rows = np.flatnonzero(kind & (self._group == group))
        if len(np.unique(self._case[rows])) < FEWEST:
            rows = np.flatnonzero(kind)
        if not len(rows):
            return np.full(len(weights), np.nan)
        # the scores of one text stand in a fixed order, so ties cannot move the cut
        rows = rows[np.argsort(model.scores[rows], kind="stable")]
        return cut(model.scores[rows], weights[:, self._case[rows]], self._rate)

    def served(self, model: Scored) -> NDArray[np.bool_]:
        """At the thresholds the model ships with: shape (rows,)."""
        shipped = np.array([model.threshold(group) for group in self._groups])
        return np.asarray(model.scores >= shipped[self._group])


class _Members:
    """Selections as one sparse matrix: a case counts once, its rows share its weight."""

    def __init__(self, selections: Sequence[Selection], case: Ints, rows: int) -> None:
        from scipy.sparse import csr_array

        data, columns, ends, self.cases = [], [], [0], []
        for selection in selections:
            _, inverse, counts = np.unique(
                case[selection.rows], return_inverse=True, return_counts=True
            )
            data.append(1.0 / counts[inverse])
            columns.append(selection.rows)
            ends.append(ends[-1] + len(selection.rows))
            self.cases.append(len(counts))
        matrix = csr_array(
            (np.concatenate(data), np.concatenate(columns), np.array(ends)),
            shape=(len(selections), rows),
        )
        kinds = [selection.measure.of for selection in selections]
        self._all = matrix
        self._of = {kind: np.array([of == kind for of in kinds]) for kind in sorted(set(kinds))}
        self._parts = {kind: matrix[chosen] for kind, chosen in self._of.items()}

    def sums(self, outcomes: Mapping[str, NDArray[Any]] | None, heavy: Floats) -> Floats:
        """Weighted sum of each selection: shape (selections, resamples)."""
        if outcomes is None:
            return np.asarray(self._all @ heavy)
        sums = np.empty((self._all.shape[0], heavy.shape[1]))
        for kind, chosen in self._of.items():
            sums[chosen] = self._parts[kind] @ (heavy * outcomes[kind])
        return sums


def _groups(rows: Sequence[Row], names: Sequence[str]) -> NDArray[np.str_]:
    """The group of each case, its own name where it has none. Shape (cases,)."""
    group = {row.case: row.group or row.case for row in rows}
    return np.array([group[name] for name in names], dtype=np.str_)


def _strata(rows: Sequence[Row], names: Sequence[str], calibration: Calibration | None) -> Ints:
    """Cases are drawn within (harmless or not, threshold): each stratum keeps its size."""
    label: dict[str, str] = dict.fromkeys(names, "")
    if calibration is not None:
        harmless = {row.case for row in rows if carries(row, calibration.harmless)}
        # the last of the rows in canonical order names the threshold of a case
        label = {row.case: f"{row.case in harmless} {row.calibration}" for row in rows}
    _, strata = np.unique([label[name] for name in names], return_inverse=True)
    return np.asarray(strata, dtype=np.int64)
