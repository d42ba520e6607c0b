"""Three cheats that look like progress, put before the gate: it must refuse them all."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from sutdol.core.errors import NotReady
from sutdol.core.types import Disguised, Example
from sutdol.loop.evidence import Scored, evidence
from sutdol.loop.gate import alpha, decide
from sutdol.loop.role import Lesson, Probe
from sutdol.loop.verdict import Budget
from sutdol.roles.categories import UNSPECIFIED
from sutdol.roles.classifier import Classifier
from sutdol.roles.guard import GuardRole

FLIPPED = 0.3  # share of feedback labels a poisoner turns around
MOST_ATTACKED = 3_000  # malicious texts disguised for the evasions-only cheat

PLAIN = "a-zA-Z가-힣ㄱㄷㄹㅇㅋㅎㅠㅜㅡ"  # with the jamo that people laugh and cry in
ODD = re.compile(rf"[^\W\d_{PLAIN}]|[{PLAIN}][^\s\d{PLAIN}'’.,:;/@!?~()…_-]+[{PLAIN}]")

Disguises = Callable[[Example], Sequence[Disguised]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the gate said to a cheat."""

    cheat: str
    decision: str
    reason: str
    attacked_recall: tuple[float, float]  # of the champion and of the cheat

    @property
    def refused(self) -> bool:
        return self.decision != "promote"


def selftest(
    role: GuardRole, lesson: Lesson, exam: Sequence[Example], disguises: Disguises
) -> list[Refusal]:
    """Judge each cheat on the exam as if it were the first look of a battle.

    `NotReady` when the exam is too small for the gate to judge anyone: that refuses, but it proves
    nothing.
    """
    _require_judges(role, exam)
    probes = role.probes(exam)
    champion = role.fit(lesson)
    cheats: dict[str, Callable[[], Scored]] = {
        "evasions only": lambda: _scored(role, role.fit(_evasions(lesson, disguises)), probes),
        "flags everything odd": lambda: _odd(_scored(role, champion, probes), probes),
        "label-flipped feedback": lambda: _scored(role, role.fit(_flipped(lesson)), probes),
    }
    old = _scored(role, champion, probes)
    return [_judged(role, name, old, cheat(), probes) for name, cheat in cheats.items()]


def _require_judges(role: GuardRole, exam: Sequence[Example]) -> None:
    groups = [len({one.group for one in exam if bool(one.target) == bad}) for bad in (True, False)]
    wanted = role.rules.least_primary, role.rules.least_harmless
    if any(have < want for have, want in zip(groups, wanted, strict=True)):
        raise NotReady(
            f"The self-test needs {wanted[0]} violating and {wanted[1]:,} harmless held-out texts,"
            f" there are {groups[0]} and {groups[1]}: give more with --data, or leave it away for"
            " the bundled texts."
        )


def _judged(
    role: GuardRole, name: str, old: Scored, new: Scored, probes: Sequence[Probe]
) -> Refusal:
    scored = evidence([probe.row for probe in probes], champion=old, challenger=new)
    verdict = decide(scored, role.rules, Budget(position=1, alpha=alpha(1)))
    return Refusal(
        cheat=name,
        decision=verdict.decision,
        reason=verdict.reason,
        attacked_recall=(verdict.primary.champion, verdict.primary.challenger),
    )


def _scored(role: GuardRole, model: Classifier, probes: Sequence[Probe]) -> Scored:
    scores = role.score(model, [probe.input for probe in probes])
    return Scored(version=model.version or "selftest", scores=scores, thresholds=model.thresholds)


def _evasions(lesson: Lesson, disguises: Disguises) -> Lesson:
    """Attacked malicious texts without their benign twins: odd writing itself becomes bad."""
    malicious = [one for one in lesson.train if one.target]
    step = max(1, len(malicious) // MOST_ATTACKED)
    attacked = [
        replace(one, input=disguised.text)
        for one in malicious[::step]
        for disguised in disguises(one)
    ]
    return replace(lesson, train=[*lesson.train, *attacked])


def _odd(champion: Scored, probes: Sequence[Probe]) -> Scored:
    """The champion, but whatever is not plain writing counts as caught."""
    odd = np.array([_is_odd(probe.input) for probe in probes])
    return replace(champion, version="odd", scores=np.where(odd, 1.0, champion.scores))


def _is_odd(text: str) -> bool:
    """Letters of no ordinary script, or something between two letters that does not belong."""
    return ODD.search(text) is not None


def _flipped(lesson: Lesson) -> Lesson:
    """Some labels turned around, as a poisoner would by clicking."""
    random = Random(lesson.seed)
    return replace(
        lesson,
        train=[
            replace(one, target="" if one.target else UNSPECIFIED)
            if random.random() < FLIPPED
            else one
            for one in lesson.train
        ],
    )
