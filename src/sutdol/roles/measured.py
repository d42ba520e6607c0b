"""A guard's figures on labelled texts: overall, per language, source and category."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sutdol.core.errors import NotReady
from sutdol.core.types import Example
from sutdol.loop import live
from sutdol.loop.workshop import Workshop
from sutdol.metrics.measure import METRICS, Decisions, mean
from sutdol.roles.classifier import Classifier
from sutdol.storage import snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Labelled texts the guard was not trained on, each once, and how many were left out."""

    texts: Sequence[Example]
    left_out: int


def fresh(shop: Workshop[Classifier], texts: Sequence[Example]) -> Fresh:
    """Leave out what the champion learned from, and disguised copies of it."""
    with shop.db.read() as tx:
        learned = snapshots.rows(tx, str(live.champion(shop).snapshot))
    known = {shop.role.key(one.input) for one in learned}
    once = {(one.input, one.target): one for one in reversed(texts)}
    left = [one for one in reversed(once.values()) if shop.role.key(one.input) not in known]
    if not left:
        raise NotReady("The guard was trained on all of these texts: measure it on others.")
    return Fresh(texts=left, left_out=len(texts) - len(left))


def measured(guard: Classifier, fresh: Fresh) -> dict[str, Any]:
    """All metrics, each with its interval and n; F1 has no interval, it is no mean over texts."""
    texts = fresh.texts
    scores, flags = guard.judge([one.input for one in texts])
    decisions = Decisions(
        expected=np.array([bool(one.target) for one in texts], dtype=bool),
        flagged=np.asarray(flags, dtype=bool),
        scores=np.asarray(scores),
    )

    def by(key: Callable[[Example], str]) -> dict[str, Any]:
        names = np.array([key(one) for one in texts])
        return {name: figures(_part(decisions, names == name)) for name in sorted(set(names))}

    return {
        "n": len(texts),
        "left_out": fresh.left_out,
        "guard": guard.version,
        "overall": figures(decisions),
        "by_language": by(lambda one: one.lang),
        "by_source": by(lambda one: one.source),
        "by_category": by(lambda one: one.target or "none"),
    }


def figures(decisions: Decisions) -> dict[str, Any]:
    """Every registered metric, and F1."""
    found: dict[str, Any] = {name: mean(METRICS[name](decisions)).json() for name in METRICS}
    hits = int((decisions.expected & decisions.flagged).sum())
    wrong = int((decisions.expected != decisions.flagged).sum())
    found["f1"] = round(2 * hits / (2 * hits + wrong), 6) if hits + wrong else None
    return found


def _part(decisions: Decisions, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> Decisions:
    return Decisions(
        expected=decisions.expected[chosen],
        flagged=decisions.flagged[chosen],
        scores=decisions.scores[chosen],
    )
