"""Synthetic evidence: texts with a latent score that two models see through their own noise."""

import numpy as np

from sutdol.loop.evidence import Evidence, Row, Scored, evidence
from sutdol.loop.rules import Alarm, Calibration, Measure, Rail, Rules

ATTACKED = Measure(name="attacked recall", tags=("attacked",))
CLEAN = Measure(name="clean recall", tags=("clean", "malicious"))
FALSE = Measure(
    name="false positives clean", tags=("clean", "harmless"), of="served", better="low"
)
TWINS = Measure(name="false positives twins", tags=("twin",), better="low")
GUARD = Rules(
    primary=ATTACKED,
    rails=(Rail(measure=CLEAN), Rail(measure=FALSE, ceiling=0.1), Rail(measure=TWINS)),
    alarms=(
        Alarm(measure=ATTACKED, slices=("lang:", "family:")),
        Alarm(measure=TWINS, slices=("family:",)),
    ),
    calibration=Calibration(harmless=("clean", "harmless")),
)
FAMILIES = ("leet", "jamo")


def texts(
    rng: np.random.Generator,
    malicious: int = 1_000,
    harmless: int = 1_000,
    *,
    gain: float = 0.0,
    twins: float = 0.0,
    noise: float = 0.35,
) -> Evidence:
    """Two guards of one family: equal but for `gain` on attacked texts and `twins` on twins.

    Both add to the challenger's score, in standard deviations of a class.
    """
    rows: list[Row] = []
    scores: list[list[float]] = [[], []]

    def add(case: str, probe: str, tags: tuple[str, ...], latent: float, more: float) -> None:
        rows.append(Row(case=case, probe=probe, tags=tags, calibration="en"))
        scores[0].append(latent + noise * rng.standard_normal())
        scores[1].append(latent + more + noise * rng.standard_normal())

    for i in range(malicious):
        latent = 2.6 + rng.standard_normal()
        add(f"m{i}", "clean", ("clean", "malicious", "lang:en"), latent, 0.0)
        for family in FAMILIES:
            tags = ("attacked", "malicious", "lang:en", f"family:{family}")
            add(f"m{i}", family, tags, latent - 0.5, gain)
    for i in range(harmless):
        latent = rng.standard_normal()
        add(f"h{i}", "clean", ("clean", "harmless", "lang:en"), latent, 0.0)
        tags = ("twin", "harmless", "lang:en", f"family:{FAMILIES[i % 2]}")
        add(f"h{i}", "twin", tags, latent, twins)
    spread = float(np.sqrt(1 + noise**2))
    shipped = {"en": 1.645 * spread}
    return evidence(
        rows,
        champion=Scored(version="guard-v1", scores=np.array(scores[0]), thresholds=shipped),
        challenger=Scored(version="guard-v2", scores=np.array(scores[1]), thresholds=shipped),
    )
