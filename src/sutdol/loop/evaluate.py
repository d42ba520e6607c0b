"""Score champion, challenger and anchor on the same frozen rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
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
    hash: str

    def look_key(self, champion: Version, challenger: Version, rules: object) -> str:
        """What one look is: the same models, rows and rules are one look, however often run."""
        parts = [champion.checksum, challenger.checksum, self.hash, rules]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def questions(shop: Workshop[M], cases: Sequence[StoredExample]) -> Questions:
    """All rows to score: the exam's texts, and the evasions that champions fixed before."""
    with shop.db.read() as tx:
        items = suite.items_with_examples(tx, shop.role.name)
    probes = shop.role.probes(cases)
    probes += [shop.role.suite(example, pinned=item.pinned) for item, example in items]
    return Questions(probes=probes, hash=rows_hash([probe.row for probe in probes]))


def evaluate(
    shop: Workshop[M], asked: Questions, *, champion: Version, challenger: Version
) -> Evidence:
    """The scores of all three models."""
    old = score(shop, asked, champion)
    new = score(shop, asked, challenger)
    pinned = anchor(shop)
    first = old if pinned.id == champion.id else score(shop, asked, pinned)
    rows = [probe.row for probe in asked.probes]
    return evidence(rows, champion=old, challenger=new, anchor=first)


def score(shop: Workshop[M], asked: Questions, version: Version) -> Scored:
    model = live.load(shop, version)
    scores = shop.role.score(model, [probe.input for probe in asked.probes])
    return Scored(version=version.id, scores=scores, thresholds=shop.role.thresholds(model))


def anchor(shop: Workshop[M]) -> Version:
    """The first champion: small losses against each champion add up, against it they show."""
    with shop.db.read() as tx:
        first = next(p for p in promotions.all(tx, shop.role.name) if p.kind == "initial")
        return versions.get(tx, first.to_version)


def learned(
    shop: Workshop[M], rows: Sequence[StoredExample], champion: Version, challenger: Version
) -> list[StoredExample]:
    """Battle examples the champion got wrong and the challenger gets right, newest hash first."""
    disguised = [one for one in rows if one.kind in ("evasion", "twin")]
    probes = [shop.role.suite(one, pinned=False) for one in disguised]
    asked = Questions(probes=probes, hash="")
    old, new = score(shop, asked, champion), score(shop, asked, challenger)
    return [
        one
        for one, probe, before, after in zip(disguised, probes, old.scores, new.scores, strict=True)
        if not right(probe, before, old) and right(probe, after, new)
    ]


def right(probe: Probe, score: float, model: Scored) -> bool:
    """Whether a model, as it serves, decides a suite row as it must be decided."""
    pooled = model.thresholds.get("*", 0.5)
    flagged = score >= model.thresholds.get(probe.row.calibration, pooled)
    return bool(flagged) == ("must:flag" in probe.row.tags)
