"""Read the sealed texts: how good the champion is on texts that never decided anything."""

import math
from typing import TypeVar

import numpy as np

from sutdol.core.errors import NotReady
from sutdol.loop import examine, live
from sutdol.loop.evaluate import Questions, score
from sutdol.loop.evidence import Evidence, Floats, Scored, evidence
from sutdol.loop.gate import group_means
from sutdol.loop.rules import Measure, Rules
from sutdol.loop.snapshot import leaks
from sutdol.loop.workshop import Workshop
from sutdol.metrics.interval import Interval, wilson
from sutdol.storage import examples, sealed, snapshots
from sutdol.storage.examples import StoredExample
from sutdol.storage.versions import Version

M = TypeVar("M")

Z995 = 2.5758293035489004  # two-sided 99 %


def read_sealed(shop: Workshop[M], *, purpose: str) -> dict[str, object]:
    """The champion's figures on the sealed texts, each with its 99 % interval.

    One of five readings is charged first, and is gone even when scoring fails.
    """
    champion = live.champion(shop)
    live.load(shop, champion)  # a damaged model must not cost a reading
    texts, dropped = _texts(shop, champion)
    with shop.db.write() as tx:
        reading = sealed.add(
            tx, shop.role.name, version=champion.id, purpose=purpose, now=shop.now()
        )
    asked = Questions(probes=shop.role.probes(texts))
    scored = score(shop, asked.probes, champion)
    rows = [probe.row for probe in asked.probes]
    body: dict[str, object] = {
        "version": champion.id,
        "texts": len(texts),
        "near_duplicates_left_out": dropped,
        "rows": asked.rows,
        "confidence": 0.99,
        "figures": figures(evidence(rows, champion=scored, challenger=scored), shop.role.rules),
    }
    with shop.db.write() as tx:
        sealed.record(tx, reading, body)
    return body


def figures(scored: Evidence, rules: Rules) -> dict[str, dict[str, float | int | None]]:
    """The champion's mean of the primary and of every railed measure, case by case; pure."""
    model = scored.champion if rules.calibration is None else _served(scored)
    measures = [rules.primary, *(rail.measure for rail in rules.rails)]
    return {one.name: _figure(scored, model, one, rules).json() for one in measures}


def _served(scored: Evidence) -> Scored:
    """1 for each row that is flagged at the threshold the model serves with, else 0."""
    model = scored.champion
    flags = [
        float(value >= model.threshold(row.calibration))
        for row, value in zip(scored.rows, model.scores, strict=True)
    ]
    return Scored(version=model.version, scores=np.array(flags), thresholds=model.thresholds)


def _figure(scored: Evidence, model: Scored, measure: Measure, rules: Rules) -> Interval:
    means = group_means(scored, model, measure)
    if rules.calibration is not None:
        return wilson(float(means.sum()), len(means), Z995)
    return _graded(means)


def _graded(means: Floats) -> Interval:
    """The mean of graded scores, which need not be shares."""
    n = len(means)
    if n < 2:
        return Interval(
            value=float(means.mean()) if n else math.nan, low=-math.inf, high=math.inf, n=n
        )
    mean, error = float(means.mean()), float(means.std(ddof=1)) / math.sqrt(n)
    return Interval(value=mean, low=mean - Z995 * error, high=mean + Z995 * error, n=n)


def _texts(shop: Workshop[M], champion: Version) -> tuple[list[StoredExample], int]:
    """One text a group, less those that nearly repeat a training text; how many were left out."""
    role = shop.role.name
    with shop.db.read() as tx:
        known = examples.find(tx, role, part="sealed", kinds=examine.KINDS, reviewed=True)
        trained = snapshots.rows(tx, champion.snapshot) if champion.snapshot else []
    # the intervals take texts for independent, which those of one group are not
    drawn = examine.draw(list({one.group: one for one in reversed(known)}.values()))
    copies = set(leaks(shop, drawn, trained))
    texts = [one for index, one in enumerate(drawn) if index not in copies]
    if not texts:
        raise NotReady(f"No reviewed {role} texts are sealed: import labelled texts.")
    return texts, len(copies)
