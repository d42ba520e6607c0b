"""Recompute a verdict from its stored scores, or from the models themselves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from sutdol.core.errors import Corrupted, SutdolError
from sutdol.loop import gate, report
from sutdol.loop.evaluate import look_key, score
from sutdol.loop.evidence import Evidence, Scored, from_json
from sutdol.loop.role import Probe
from sutdol.loop.rules import Alarm, Calibration, Measure, Rail, Rules
from sutdol.loop.verdict import Budget
from sutdol.loop.workshop import Workshop
from sutdol.storage import exams, looks, verdicts, versions
from sutdol.storage.looks import Look
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

M = TypeVar("M")

CLOSE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Whether the recomputed verdict is the stored one; `differences` tells where not."""

    verdict: str
    agrees: bool
    decision: str
    differences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _File:
    """A verdict with the look it was charged to, its models, and what its report holds."""

    stored: StoredVerdict
    look: Look
    pair: tuple[Version, Version]
    content: Mapping[str, Any]
    scored: Evidence
    rules: Rules


def verify(shop: Workshop[M], verdict: str, *, rescore: bool = False) -> Check:
    """Decide again by the rules of then; with `rescore` both models are scored again as well.

    What the report says must be what the database was told: the look's key, charged before any
    score, holds models, rows, texts and rules; the verdict's row holds the hash of the scores.
    """
    file = _open(shop, verdict)
    budget = Budget(position=file.look.position, alpha=gate.alpha(file.look.position))
    again = gate.decide(file.scored, file.rules, budget, leaks=file.content["leaks"])
    differences = [*_tampered(file), *_differences(file.stored.body, again.json(), "")]
    for name in ("decision", "reason"):
        differences += _differences(getattr(file.stored, name), getattr(again, name), f".{name}")
    if rescore:
        differences += _rescored(shop, file)
    return Check(
        verdict=verdict,
        agrees=not differences,
        decision=again.decision,
        differences=tuple(dict.fromkeys(differences))[:10],
    )


def _open(shop: Workshop[M], verdict: str) -> _File:
    with shop.db.read() as tx:
        stored = verdicts.get(tx, verdict)
        look = looks.find(tx, str(stored.look))
        pair = versions.get(tx, str(stored.champion)), versions.get(tx, stored.challenger)
    if look is None:
        raise Corrupted(f"The look of {verdict} is gone: restore the database from a backup.")
    content = report.read(shop.home, verdict)
    try:
        scored, rules = from_json(content["evidence"]), _rules(content["rules"])
    except (LookupError, TypeError, ValueError, SutdolError) as error:
        raise Corrupted(f"The report of {verdict} is damaged: {error!r}.") from error
    return _File(stored=stored, look=look, pair=pair, content=content, scored=scored, rules=rules)


def _tampered(file: _File) -> list[str]:
    """Where the report is not the one that was judged."""
    stored, content, scored = file.stored, file.content, file.scored
    asked = {"rows": scored.cases_hash, "texts": content["texts"], "rules": content["rules"]}
    names = [scored.champion.version, scored.challenger.version]
    wrong = {
        "the rows are not those that were judged": scored.cases_hash != content["cases"],
        "the look was charged for other models, rows, texts or rules": (
            look_key(file.pair, **asked) != stored.look
        ),
        "the scores are not those that were judged": (
            report.digest(scored) != stored.body.get("scores")
        ),
        "the scores are those of other versions": names != [version.id for version in file.pair],
    }
    return [difference for difference, applies in wrong.items() if applies]


def _rules(stored: Mapping[str, Any]) -> Rules:
    """The rules of a report, which need not be today's."""
    rest = {name: value for name, value in stored.items() if name not in _NESTED}
    calibration = stored["calibration"]
    return Rules(
        **rest,
        primary=_measure(stored["primary"]),
        rails=tuple(
            Rail(**rail | {"measure": _measure(rail["measure"])}) for rail in stored["rails"]
        ),
        alarms=tuple(_alarm(alarm) for alarm in stored["alarms"]),
        calibration=Calibration(**calibration | {"harmless": tuple(calibration["harmless"])})
        if calibration
        else None,
    )


_NESTED = ("primary", "rails", "alarms", "calibration")


def _measure(stored: Mapping[str, Any]) -> Measure:
    return Measure(**{**stored, "tags": tuple(stored["tags"])})


def _alarm(stored: Mapping[str, Any]) -> Alarm:
    nested = {"measure": _measure(stored["measure"]), "slices": tuple(stored["slices"])}
    return Alarm(**{**stored, **nested})


def _rescored(shop: Workshop[M], file: _File) -> list[str]:
    """Which models do not give the stored scores any more, on the texts not forgotten since."""
    with shop.db.read() as tx:
        cases = exams.cases(tx, str(file.stored.exam))
    probes = shop.role.probes(cases)
    known = {(row.case, row.probe): index for index, row in enumerate(file.scored.rows)}
    found = [known.get((probe.row.case, probe.row.probe)) for probe in probes]
    if None in found:
        return ["some texts of the exam are not in the report"]
    places = [index for index in found if index is not None]
    pairs = zip(file.pair, (file.scored.champion, file.scored.challenger), strict=True)
    return [
        difference
        for version, old in pairs
        for difference in _changed(shop, probes, version, old, places)
    ]


def _changed(
    shop: Workshop[M], probes: list[Probe], version: Version, old: Scored, places: list[int]
) -> list[str]:
    try:
        new = score(shop, probes, version)
    except Corrupted as error:
        return [str(error)]
    differences = []
    if not np.allclose(new.scores, old.scores[places], rtol=0.0, atol=CLOSE, equal_nan=True):
        off = float(np.abs(new.scores - old.scores[places]).max())
        differences.append(f"{version.id} scores differently now, by up to {off:.2g}")
    if dict(new.thresholds) != dict(old.thresholds):
        differences.append(f"{version.id} serves with other thresholds now")
    return differences


def _differences(old: Any, new: Any, path: str) -> list[str]:
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        return [d for name in new for d in _differences(old.get(name), new[name], f"{path}.{name}")]
    if isinstance(new, list) and isinstance(old, list):
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
