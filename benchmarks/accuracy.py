"""How often guards are right on the same texts, clean and in the fixed disguises of the exams."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from peers import Peer, Worker
from section import beside, table

from sutdol.arena.fixed import exam_disguises
from sutdol.core.types import Example
from sutdol.metrics.interval import Interval, wilson
from sutdol.metrics.measure import METRICS, Decisions, mean

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
KOREAN = 82.0  # our target: % recall of clean Korean texts at 5 % false positives
RATE = 0.05  # false positives at which guards with a score are compared on the same footing
HEADS = (
    "guard", "texts", "recall %", "false positives %", "balanced %", "F1", "AUROC",
    "recall % at 5 % false",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Texts of one table; `owner` tells which text each disguise belongs to."""

    name: str
    lang: str
    clean: list[str]
    labels: Flags
    attacked: list[str]
    owner: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a guard said of rows; `scores` is None for a word list."""

    flags: Floats
    scores: Floats | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one guard did on clean or on attacked texts."""

    recall: Interval
    fpr: Interval
    f1: float
    auroc: float | None
    at_rate: float | None

    @property
    def balanced(self) -> float:
        return 100 * (self.recall.value + 1 - self.fpr.value) / 2

    @property
    def cells(self) -> list[str]:
        auroc = "–" if self.auroc is None else f"{self.auroc:.3f}"
        at_rate = "–" if self.at_rate is None else f"{100 * self.at_rate:.1f}"
        rates = percent(self.recall), percent(self.fpr), f"{self.balanced:.1f}"
        return [*rates, f"{self.f1:.3f}", auroc, at_rate]


def percent(share: Interval) -> str:
    return f"{100 * share.value:.1f} ± {50 * (share.high - share.low):.1f}"


FEWEST = 50  # texts of a kind: a few foreign ones in a file are no source to compare on


def samples(held: Sequence[Example], most: int) -> list[Sample]:
    """One per language and source, `most` violating and as many harmless texts of each."""
    groups: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for one in held:
        groups[one.lang, one.source.removeprefix("import:")].append(one)
    found = []
    for (lang, name), members in sorted(groups.items()):
        bad, good = ([one for one in members if bool(one.target) == kind] for kind in (True, False))
        if min(len(bad), len(good)) >= FEWEST:
            chosen = [*drawn(bad, most), *drawn(good, most)]
            found.append(sample(f"{lang}: {name}", lang, chosen))
    return found


def drawn(texts: Sequence[Example], most: int) -> list[Example]:
    random = Random(0)  # fixed: a rerun measures the same texts
    return random.sample(list(texts), min(most, len(texts)))


def sample(name: str, lang: str, chosen: Sequence[Example]) -> Sample:
    disguised = [[one.text for one in exam_disguises(each)] for each in chosen]
    return Sample(
        name=name,
        lang=lang,
        clean=[one.input for one in chosen],
        labels=np.array([bool(one.target) for one in chosen]),
        attacked=[text for texts in disguised for text in texts],
        owner=np.repeat(np.arange(len(chosen)), [len(texts) for texts in disguised]),
    )


def accuracy(guards: Sequence[Peer], model: Path, found: Sequence[Sample]) -> list[str]:
    """A table a language, and one a source where a language has several."""
    said = {guard.name: answers(guard, model, found) for guard in guards if not guard.why}
    tables = []
    for lang in sorted({each.lang for each in found}):
        places = [place for place, each in enumerate(found) if each.lang == lang]
        chosen = [places] if len(places) == 1 else [places, *([place] for place in places)]
        for group in chosen:
            name = found[group[0]].name if len(group) == 1 else f"{lang}: all sources"
            told = {guard: [rows[place] for place in group] for guard, rows in said.items()}
            tables.append(_table(name, guards, [found[place] for place in group], told))
    return tables


def answers(guard: Peer, model: Path, found: Sequence[Sample]) -> list[tuple[Answer, Answer]]:
    """What one guard says of every sample, clean and attacked."""
    with Worker(guard, model) as worker:
        told = []
        for each in found:
            rows = _ask(worker, each.clean, each.lang), _ask(worker, each.attacked, each.lang)
            told.append(rows)
            print(f"{guard.name}: {each.name}", file=sys.stderr, flush=True)
    return told


def _ask(worker: Worker, texts: Sequence[str], lang: str) -> Answer:
    answer = worker.ask("judge", texts, lang)
    scores = answer["scores"]
    return Answer(
        flags=np.array(answer["flags"], dtype=np.float64),
        scores=None if scores is None else np.array(scores),
    )


def _table(
    name: str,
    guards: Sequence[Peer],
    group: Sequence[Sample],
    told: dict[str, list[tuple[Answer, Answer]]],
) -> str:
    labels = np.concatenate([each.labels for each in group])
    starts = np.cumsum([0, *(len(each.labels) for each in group[:-1])])
    owner = np.concatenate([each.owner + start for each, start in zip(group, starts, strict=True)])
    rows, balanced, targets = [], {}, ""
    for guard in guards:
        if guard.why:
            rows.append([guard.name, f"not installed: {guard.why}", *[""] * (len(HEADS) - 2)])
            continue
        clean, attacked = (_joined(side) for side in zip(*told[guard.name], strict=True))
        both = {
            "clean": figures(clean, labels, np.arange(len(labels))),
            "attacked": figures(attacked, labels, owner),
        }
        rows += [[guard.label, kind, *each.cells] for kind, each in both.items()]
        if guard.name == "sutdol" and group[0].lang == "ko":
            reached = 100 * (both["clean"].at_rate or 0.0)
            targets = beside(" Our clean recall at 5 %", reached, least=KOREAN, unit=" %") + "."
        balanced[guard.name] = {kind: each.balanced for kind, each in both.items()}
    bad = int(labels.sum())
    title = f"**{name}**, {bad:,} violating and {len(labels) - bad:,} harmless texts"
    return f"{title}\n\n{table(HEADS, rows)}\n\n{_better(balanced)}{targets}"


def _better(balanced: dict[str, dict[str, float]]) -> str:
    """Which guards are better balanced than ours, said in words."""
    ours = balanced["sutdol"]
    found = [
        f"{guard} on {kind} texts ({value - ours[kind]:+.1f} points)"
        for guard, each in balanced.items()
        for kind, value in each.items()
        if value > ours[kind]
    ]
    return f"Better balanced than ours: {', '.join(found) or 'none'}."


def _joined(parts: Sequence[Answer]) -> Answer:
    scores = [part.scores for part in parts if part.scores is not None]
    return Answer(
        flags=np.concatenate([part.flags for part in parts]),
        scores=np.concatenate(scores) if scores else None,
    )


def figures(answer: Answer, labels: Flags, owner: NDArray[np.int64]) -> Figures:
    """A text counts once, by the share of its rows that were flagged."""
    hits, false = rates(answer.flags, labels, owner)
    bad, good = int(labels.sum()), int((~labels).sum())
    expected = labels[owner]
    return Figures(
        recall=wilson(hits, bad),
        fpr=wilson(false, good),
        f1=2 * hits / (hits + false + bad),
        auroc=None if answer.scores is None else auroc(answer.scores, expected),
        at_rate=None if answer.scores is None else recall_at_rate(answer.scores, expected),
    )


def rates(flags: Floats, labels: Flags, owner: NDArray[np.int64]) -> tuple[float, float]:
    """How many violating and how many harmless texts were flagged, rows of a text averaged."""
    count = np.bincount(owner, minlength=len(labels))
    per_text = np.bincount(owner, flags, len(labels)) / np.maximum(count, 1)
    return float(per_text[labels].sum()), float(per_text[~labels].sum())


def auroc(scores: Floats, expected: Flags) -> float:
    nothing = np.zeros(len(expected), dtype=bool)
    told = Decisions(expected=expected, flagged=nothing, scores=scores)
    return mean(METRICS["auroc"](told)).value


def recall_at_rate(scores: Floats, expected: Flags) -> float:
    """With the threshold set on these very harmless rows: a comparison, not a promise."""
    harmless = np.sort(scores[~expected])
    allowed = int(RATE * len(harmless))
    return float(np.mean(scores[expected] > harmless[len(harmless) - 1 - allowed]))
