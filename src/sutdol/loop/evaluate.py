"""Score champion, challenger and anchor on the same frozen rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TypeVar

from sutdol.loop import live
from sutdol.loop.evidence import Evidence, Scored, evidence, rows_hash
from sutdol.loop.role import Probe
from sutdol.loop.workshop import Workshop
from sutdol.storage import promotions, suite, versions
from sutdol.storage.examples import StoredExample
from sutdol.storage.versions import Version

M = TypeVar("M")


@dataclass(frozen=True, kw_only=True)
class Questions:
    """The rows of an exam and of the regression suite, before anyone answered them."""

    probes: Sequence[Probe]

    @cached_property
    def rows(self) -> str:
        """The hash of the rows, which a report can be checked against."""
        return rows_hash([probe.row for probe in self.probes])

    @cached_property
    def texts(self) -> str:
        """The hash of the texts behind the rows: a changed attack asks another question."""
        asked = sorted((one.row.case, one.row.probe, one.input) for one in self.probes)
        return sha256(json.dumps(asked).encode()).hexdigest()


def look_key(pair: tuple[Version, Version], *, rows: str, texts: str, rules: object) -> str:
    """What one look is: the same models, rows, texts and rules are one look, however often run."""
    models = [[version.id, version.checksum] for version in pair]
    return sha256(json.dumps([models, rows, texts, rules], sort_keys=True).encode()).hexdigest()


def questions(shop: Workshop[M], cases: Sequence[StoredExample]) -> Questions:
    """All rows to score: the exam's texts, and the evasions that champions fixed before."""
    with shop.db.read() as tx:
        items = suite.items_with_examples(tx, shop.role.name)
    probes = shop.role.probes(cases)
    probes += [shop.role.suite(example, pinned=item.pinned) for item, example in items]
    once: dict[tuple[str, str], Probe] = {}
    for probe in sorted(probes, key=_place):
        once.setdefault((probe.row.case, probe.row.probe), probe)
    return Questions(probes=list(once.values()))


def evaluate(
    shop: Workshop[M], asked: Questions, *, champion: Version, challenger: Version
) -> Evidence:
    """The scores of all three models."""
    old = score(shop, asked.probes, champion)
    new = score(shop, asked.probes, challenger)
    pinned = anchor(shop)
    first = old if pinned.id == champion.id else score(shop, asked.probes, pinned)
    rows = [probe.row for probe in asked.probes]
    return evidence(rows, champion=old, challenger=new, anchor=first)


def score(shop: Workshop[M], probes: Sequence[Probe], version: Version) -> Scored:
    """What a version says to the rows, and the thresholds it serves with."""
    model = live.load(shop, version)
    scores = shop.role.score(model, [probe.input for probe in probes])
    return Scored(version=version.id, scores=scores, thresholds=shop.role.thresholds(model))


def anchor(shop: Workshop[M]) -> Version:
    """The last champion that beat nobody: against it, small losses that add up show.

    There is more than one only where a champion that no longer loaded was trained anew.
    """
    with shop.db.read() as tx:
        first = [one for one in promotions.all(tx, shop.role.name) if one.kind == "initial"]
        return versions.get(tx, first[-1].to_version)


def learned(
    shop: Workshop[M], rows: Sequence[StoredExample], champion: Version, challenger: Version
) -> list[StoredExample]:
    """Battle examples the champion got wrong and the challenger gets right, with their twins.

    Right means as far beyond the threshold as the champion was off it, or further: what hangs by a
    thread would be lost to chance by the next model. Twins come along even when both are right:
    else the next model may catch the evasions by flagging all that is written oddly.
    In the order of their hashes.
    """
    disguised = [one for one in rows if one.kind in ("evasion", "twin")]
    if not disguised:
        return []
    probes = [shop.role.suite(one, pinned=False) for one in disguised]
    old, new = score(shop, probes, champion), score(shop, probes, challenger)
    before, after = _margins(probes, old), _margins(probes, new)
    firm = [now > 0.0 and now >= abs(was) for was, now in zip(before, after, strict=True)]
    fixed = [now and was < 0.0 for was, now in zip(before, firm, strict=True)]
    ways = {
        _way(one)
        for one, was in zip(disguised, fixed, strict=True)
        if was and one.kind == "evasion"
    }
    return [
        one
        for one, was, now in zip(disguised, fixed, firm, strict=True)
        if was or (now and one.kind == "twin" and _way(one) in ways)
    ]


def _margins(probes: Sequence[Probe], model: Scored) -> list[float]:
    """How far each suite row lies on the right side of the threshold; negative is wrong."""
    return [
        (float(score) - model.threshold(probe.row.calibration))
        * (1.0 if "must:flag" in probe.row.tags else -1.0)
        for probe, score in zip(probes, model.scores, strict=True)
    ]


def _way(one: StoredExample) -> tuple[str, str]:
    """What an evasion shares with its twin: where it was fought, and the attack."""
    return one.source, one.meta.get("attack", "")


def _place(probe: Probe) -> tuple[str, ...]:
    row = probe.row
    return row.case, row.probe, row.calibration, *sorted(row.tags), probe.input
