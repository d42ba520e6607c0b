"""What one round of a battle came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sutdol.arena.tally import Tally, intervals
from sutdol.metrics.interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Fight:
    """The round's attacks on the live guard, text by text: what was caught, and falsely flagged."""

    malicious: tuple[Tally, ...]
    harmless: tuple[Tally, ...]

    @property
    def attacks(self) -> int:
        return sum(times for times, _ in self.malicious)

    @property
    def caught(self) -> int:
        return sum(flags for _, flags in self.malicious)

    @property
    def twins(self) -> int:
        return sum(times for times, _ in self.harmless)

    @property
    def twins_flagged(self) -> int:
        return sum(flags for _, flags in self.harmless)

    @property
    def detection_rate(self) -> float:
        return self.caught / self.attacks if self.attacks else 0.0

    def json(self) -> dict[str, Any]:
        """The usual measures over attacked texts and their benign twins; "fight" has intervals."""
        right = self.caught + self.twins - self.twins_flagged
        flagged = self.caught + self.twins_flagged
        precision = self.caught / flagged if flagged else 0.0
        recall = self.detection_rate
        both = precision + recall
        return {
            "attacks": self.attacks,
            "detection_rate": round(recall, 6),
            "evasion_rate": round(1.0 - recall if self.attacks else 0.0, 6),
            "accuracy": round(right / max(1, self.attacks + self.twins), 6),
            "precision": round(precision, 6),
            "recall": round(recall, 6),
            "f1": round(2 * precision * recall / both if both else 0.0, 6),
            "fight": _figures(intervals(self.malicious, self.harmless)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """The panel's figures: texts no model was trained on, attacked the same way every round."""

    seen: Interval
    held_out: Interval
    adaptive: Interval
    independent: Interval | None
    clean: Interval
    retention_seen: Interval
    retention_held_out: Interval
    fpr_clean: Interval
    fpr_twins: Interval
    fpr_twins_unseen: Interval
    fpr_twins_worst: tuple[str, Interval]
    families: Mapping[str, Interval]  # retention per family, where it is trained on
    families_held_out: Mapping[str, Interval]  # and in languages where it never is
    per_text: Mapping[str, float]  # share of its attacks that were caught; for the monitor

    def json(self) -> dict[str, Any]:
        attack, worst = self.fpr_twins_worst
        return {
            "seen": self.seen.json(),
            "held_out": self.held_out.json(),
            "adaptive": self.adaptive.json(),
            "independent": self.independent.json() if self.independent else None,
            "clean": self.clean.json(),
            "retention_seen": self.retention_seen.json(),
            "retention_held_out": self.retention_held_out.json(),
            "fpr_clean": self.fpr_clean.json(),
            "fpr_twins": self.fpr_twins.json(),
            "fpr_twins_unseen": self.fpr_twins_unseen.json(),
            "fpr_twins_worst": {"attack": attack, **worst.json()},
            "families": _figures(self.families),
            "families_held_out": _figures(self.families_held_out),
        }


def _figures(families: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: figure.json() for name, figure in sorted(families.items())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A finished round; `curves` are those of the guard that fought it."""

    number: int
    guard: str
    fight: Fight
    curves: Curves
    verdict: Mapping[str, Any] | None
    learned: int
    resists: Sequence[str]
    rolled_back: str | None

    def json(self) -> dict[str, Any]:
        return {
            "round": self.number,
            "guard": self.guard,
            **self.fight.json(),
            **self.curves.json(),
            "learned": self.learned,
            "verdict": self.verdict,
            "resists": list(self.resists),
            "rolled_back": self.rolled_back,
        }
