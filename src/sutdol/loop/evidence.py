"""What the gate judges: frozen rows, and the scores two or three models gave them."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sutdol.core.errors import BadInput

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One input that is scored: a text as it is, or under one of its fixed attacks.

    `case` names the text: rows of one text lean together and are one case. `probe` tells the
    rows of a case apart. `tags` are what measures and slices select by ("attacked", "lang:ko").
    `calibration` names the threshold that holds for it, "" for roles without thresholds.
    Cases of one `group` (one conversation, one template) are drawn together; "" is a group alone.
    """

    case: str
    probe: str
    tags: tuple[str, ...]
    calibration: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One model's scores, aligned with the rows; `thresholds` are those it would serve with."""

    version: str
    scores: Floats
    thresholds: Mapping[str, float]

    def threshold(self, calibration: str) -> float:
        """What it serves with: that of "*" where there is none of its own, NaN without either."""
        return self.thresholds.get(calibration, self.thresholds.get("*", math.nan))


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Rows in canonical order with the scores of champion, challenger and anchor.

    Built by `evidence()`, which sorts and drops repeated rows, so that neither the order nor
    the repetition of rows can move a verdict.
    """

    rows: tuple[Row, ...]
    champion: Scored
    challenger: Scored
    anchor: Scored

    @cached_property
    def cases_hash(self) -> str:
        return rows_hash(self.rows)

    def without(self, tag: str) -> "Evidence":
        """The same evidence less the rows that carry `tag`."""
        keep = [index for index, row in enumerate(self.rows) if tag not in row.tags]
        models = (self.champion, self.challenger, self.anchor)
        return self if len(keep) == len(self.rows) else _chosen(self.rows, models, keep)

    def json(self) -> dict[str, Any]:
        models = {"champion": self.champion, "challenger": self.challenger, "anchor": self.anchor}
        return {
            "rows": [
                [row.case, row.probe, list(row.tags), row.calibration, row.group]
                for row in self.rows
            ],
            **{
                name: {
                    "version": model.version,
                    "scores": [None if np.isnan(s) else float(s) for s in model.scores],
                    "thresholds": dict(model.thresholds),
                }
                for name, model in models.items()
            },
        }


def rows_hash(rows: Sequence[Row]) -> str:
    """The hash of a set of rows, whatever their order."""
    lines = {
        json.dumps([row.case, row.probe, sorted(row.tags), row.calibration, row.group])
        for row in rows
    }
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def from_json(stored: Mapping[str, Any]) -> Evidence:
    """The evidence of a stored report."""
    rows = [
        Row(case=case, probe=probe, tags=tuple(tags), calibration=calibration, group=group)
        for case, probe, tags, calibration, group in stored["rows"]
    ]
    models = {
        name: Scored(
            version=stored[name]["version"],
            scores=np.array(
                [np.nan if s is None else s for s in stored[name]["scores"]], dtype=np.float64
            ),
            thresholds=stored[name]["thresholds"],
        )
        for name in ("champion", "challenger", "anchor")
    }
    return evidence(rows, **models)


def evidence(
    rows: Sequence[Row], *, champion: Scored, challenger: Scored, anchor: Scored | None = None
) -> Evidence:
    """Put rows and scores into canonical order, each row once."""
    models = (champion, challenger, champion if anchor is None else anchor)
    if any(len(model.scores) != len(rows) for model in models):
        raise BadInput("Scores and rows differ in number; score the same frozen rows again.")

    def place(index: int) -> tuple[str, ...]:
        # the scores come last: of repeated rows that were scored unlike, always the same one stays
        row, scores = rows[index], [str(float(model.scores[index])) for model in models]
        return row.case, row.probe, row.calibration, row.group, *sorted(row.tags), *scores

    first: dict[tuple[str, str], int] = {}
    for index in sorted(range(len(rows)), key=place):
        first.setdefault((rows[index].case, rows[index].probe), index)
    return _chosen(rows, models, list(first.values()))


def _chosen(
    rows: Sequence[Row], models: tuple[Scored, Scored, Scored], keep: Sequence[int]
) -> Evidence:
    def part(model: Scored) -> Scored:
        scores = np.asarray(model.scores, dtype=np.float64)[list(keep)]
        return Scored(version=model.version, scores=scores, thresholds=dict(model.thresholds))

    champion, challenger, anchor = models
    kept = part(champion)
    return Evidence(
        rows=tuple(rows[index] for index in keep),
        champion=kept,
        challenger=part(challenger),
        anchor=kept if anchor is champion else part(anchor),  # one object is resampled once
    )
