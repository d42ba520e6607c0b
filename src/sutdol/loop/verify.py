"""Recompute a verdict from its stored scores, or from the models themselves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from sutdol.loop import gate, report
from sutdol.loop.evaluate import Questions, score
from sutdol.loop.evidence import Evidence, from_json
from sutdol.loop.verdict import Budget
from sutdol.loop.workshop import Workshop
from sutdol.storage import exams, verdicts, versions

M = TypeVar("M")

CLOSE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Whether the recomputed verdict is the stored one; `differences` tells where not."""

    verdict: str
    agrees: bool
    decision: str
    differences: tuple[str, ...]


def verify(shop: Workshop[M], verdict: str, *, rescore: bool = False) -> Check:
    """Decide again; with `rescore` both models are loaded and scored again first."""
    with shop.db.read() as tx:
        stored = verdicts.get(tx, verdict)
    content = report.read(shop.home, verdict)
    scored = from_json(content["evidence"])
    differences = []
    if scored.cases_hash != content["cases"]:
        differences.append("the rows are not those that were judged")
    if rescore:
        differences += _rescored(shop, scored, str(stored.exam))
    budget = stored.body["budget"]
    assert isinstance(budget, Mapping)
    again = gate.decide(scored, shop.role.rules, Budget(**budget), leaks=content["leaks"])
    differences += _differences(stored.body, again.json(), "")
    return Check(
        verdict=verdict,
        agrees=not differences,
        decision=again.decision,
        differences=tuple(differences[:10]),
    )


def _rescored(shop: Workshop[M], scored: Evidence, exam: str) -> list[str]:
    """Which models do not give the stored scores any more."""
    with shop.db.read() as tx:
        cases = exams.cases(tx, exam)
        models = [versions.get(tx, m.version) for m in (scored.champion, scored.challenger)]
    probes = shop.role.probes(cases)
    known = {(row.case, row.probe): index for index, row in enumerate(scored.rows)}
    found = [known.get((probe.row.case, probe.row.probe)) for probe in probes]
    if None in found:
        return ["some texts of the exam are not in the report"]
    places = [index for index in found if index is not None]
    differences = []
    for model, old in zip(models, (scored.champion, scored.challenger), strict=True):
        new = score(shop, Questions(probes=probes, hash=""), model).scores
        off = float(np.abs(new - old.scores[places]).max(initial=0.0))
        if off > CLOSE:
            differences.append(f"{model.id} scores differently now, by up to {off:.2g}")
    return differences


def _differences(old: Any, new: Any, path: str) -> list[str]:
    if isinstance(old, Mapping):
        return [d for name in new for d in _differences(old.get(name), new[name], f"{path}.{name}")]
    if isinstance(old, list):
        if len(old) != len(new):
            return [f"{path[1:]} has {len(new)} entries, {len(old)} were stored"]
        return [
            d
            for index, (a, b) in enumerate(zip(old, new, strict=True))
            for d in _differences(a, b, f"{path}[{index}]")
        ]
    same = (
        math.isclose(old, new, rel_tol=CLOSE, abs_tol=CLOSE)
        if isinstance(old, float) and isinstance(new, float)
        else old == new
    )
    return [] if same else [f"{path[1:]}: stored {old}, recomputed {new}"]
