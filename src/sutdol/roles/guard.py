"""The guard as a role: how it is trained, examined and compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sutdol.core.errors import NotReady
from sutdol.core.text.lexicon import Lexicon
from sutdol.core.types import Disguised, Example
from sutdol.loop.evidence import Row
from sutdol.loop.role import Lesson, Probe
from sutdol.loop.rules import Alarm, Calibration, Measure, Rail, Rules
from sutdol.metrics.draws import seed_from
from sutdol.models.linear import Floats, Head, fit, platt
from sutdol.roles.categories import UNSPECIFIED, category
from sutdol.roles.classifier import EVEN, Classifier, load
from sutdol.roles.texts import Texts
from sutdol.roles.vocabulary import vocabulary

STRENGTH = 1.0  # inverse of the L2 penalty; chosen on dev texts, see docs/explanation/guard.md
FEWEST_FOR_CATEGORY = 50
MOST_FOR_CATEGORY = 4_000  # violating texts a category head learns from
REHEARSED = 4_000  # texts of each kind that are put under attacks which got through
FEWEST_FOR_THRESHOLD = 100  # harmless dev texts of a language; below, the pooled threshold holds

ATTACKED = Measure(name="attacked recall", tags=("attacked",))
CLEAN = Measure(name="clean recall", tags=("clean", "malicious"))
FALSE = Measure(name="false positives", tags=("clean", "harmless"), of="served", better="low")
TWINS = Measure(name="false positives on twins", tags=("twin",), of="served", better="low")
SLICES = ("lang:", "source:", "family:", "attack:")

Rehearse = Callable[[Example, Sequence[str] | None, int], str]
"""A text under some of the named attacks, or of all; the number tells repetitions apart."""

RULES = Rules(
    primary=ATTACKED,
    rails=(
        Rail(measure=CLEAN),
        Rail(measure=FALSE, ceiling=0.10),
        Rail(measure=TWINS, ceiling=0.20),
    ),
    alarms=(
        Alarm(measure=ATTACKED, slices=SLICES),
        Alarm(measure=CLEAN, slices=("lang:", "source:")),
        Alarm(measure=TWINS, slices=SLICES),
    ),
    calibration=Calibration(harmless=("clean", "harmless"), twins=("twin",)),
)


class GuardRole:
    """`disguises` gives the fixed attacks of a text: the same text, the same attacks, always.

    `rehearse` puts training texts under attacks that got through; without it, evasions are all
    there is to learn from.
    """

    name = "guard"
    rules = RULES

    def __init__(
        self,
        disguises: Callable[[Example], Sequence[Disguised]],
        rehearse: Rehearse | None = None,
        *,
        fpr: float = 0.05,
    ) -> None:
        self._disguises, self._rehearse, self._fpr = disguises, rehearse, fpr
        self._texts = Texts()
        self._exam: tuple[int, list[Probe]] = 0, []

    @property
    def texts(self) -> Texts:
        """The texts read so far, for those who judge the same ones again."""
        return self._texts

    def key(self, text: str) -> str:
        return self._texts.key(text)

    def train(self, lesson: Lesson, folder: Path) -> Mapping[str, Any]:
        """Fit, calibrate and store a classifier."""
        rehearsed = self._rehearsed(lesson)
        model = self.fit(replace(lesson, train=[*lesson.train, *rehearsed]))
        manifest = {
            "recipe": {"kind": "ngrams", "strength": STRENGTH, "seed": lesson.seed},
            "rows": {
                "train": len(lesson.train),
                "rehearsed": len(rehearsed),
                "dev": len(lesson.dev),
            },
        }
        checksum = model.save(folder, manifest)
        return {**manifest, "checksum": checksum, "thresholds": dict(model.thresholds)}

    def _rehearsed(self, lesson: Lesson) -> list[Example]:
        """Training texts under the attacks of all evasions: as many harmless as violating ones.

        Else odd writing itself would become bad.
        """
        evasions = [one.meta["attack"] for one in lesson.train if one.target and _attacked(one)]
        attacks = sorted({name for stack in evasions for name in stack.split("+")})
        if self._rehearse is None or not attacks:
            return []
        plain = [one for one in lesson.train if not _attacked(one)]
        kinds = [one for one in plain if one.target], [one for one in plain if not one.target]
        count = min(REHEARSED, 2 * min(map(len, kinds)))
        made = [
            replace(
                one,
                input=self._rehearse(one, attacks, number // len(kind)),
                source="battle:rehearsal",
                meta={"attack": "rehearsed"},
            )
            for kind in kinds
            for number, one in enumerate(islice(cycle(kind), count))
        ]
        written = {one.input for one in plain}
        return [one for one in made if one.input not in written]

    def fit(self, lesson: Lesson) -> Classifier:
        """The classifier of a lesson."""
        targets = [category(one.target) if one.target else "" for one in lesson.train]
        labels = np.array([bool(target) for target in targets])
        if labels.all() or not labels.any():
            raise NotReady("Training needs violating and harmless texts; there is only one kind.")
        lexicon = self._lexicon(lesson)
        features = self._texts.features([one.input for one in lesson.train], lexicon)
        violating = fit(features, labels, strength=STRENGTH, seed=lesson.seed)
        categories, shares = self._categories(lesson, targets, lexicon)
        draft = Classifier(
            violating=violating,
            categories=categories,
            shares=shares,
            slope=1.0,
            offset=0.0,
            thresholds={"*": 0.5},
            lexicon=lexicon,
        )
        return self.calibrate(draft, lesson.dev, fpr=self._fpr)

    def calibrate(
        self, model: Classifier, dev: Sequence[Example], *, fpr: float, least: float = EVEN
    ) -> Classifier:
        """Probability from the logit, and thresholds that flag `fpr` of the harmless dev texts.

        No more than that as they stand, and no more of them disguised; and nothing that is less
        likely to violate than `least`: where the kinds are told apart easily, the share alone
        would have the guard flag what it knows nothing of.
        """
        labels = np.array([bool(one.target) for one in dev])
        if not len(dev) or labels.all():
            raise NotReady("Calibration needs harmless texts: give some with --data or --benign.")
        logits = model.known_logits([one.input for one in dev], self._texts)
        slope, offset = platt(logits, labels) if labels.any() else (model.slope, model.offset)
        draft = replace(model, slope=slope, offset=offset)
        harmless = [one for one in dev if not one.target]
        cuts = self._cuts(draft, [one.input for one in harmless], fpr)
        if self._rehearse is not None:
            twins = [self._rehearse(one, None, 0) for one in harmless]
            odd = self._cuts(draft, twins, fpr)
            cuts = {name: max(cut, odd.get(name, odd["*"])) for name, cut in cuts.items()}
        return replace(draft, thresholds={name: max(cut, least) for name, cut in cuts.items()})

    def _cuts(self, model: Classifier, texts: Sequence[str], fpr: float) -> dict[str, float]:
        scores = model.known_scores(texts, self._texts)
        return _thresholds(scores, np.array(self._texts.languages(texts)), fpr)

    def _lexicon(self, lesson: Lesson) -> Lexicon:
        """The words of imported texts, as people wrote them.

        Not of attacks, and not of feedback: three clicks would switch the mending of a word off.
        """
        written = [
            one for one in lesson.train if not one.source.startswith(("battle:", "feedback:"))
        ]
        opened = self._texts.opened([one.input for one in written])
        return vocabulary(zip((one.group for one in written), opened, strict=True))

    def _categories(
        self, lesson: Lesson, targets: Sequence[str], lexicon: Lexicon
    ) -> tuple[dict[str, Head], dict[str, float]]:
        """A head for each category with enough texts; it tells violating texts apart."""
        rows = [index for index, target in enumerate(targets) if target]
        counts = {name: targets.count(name) for name in sorted(set(targets)) if name}
        shares = {
            name: round(count / len(rows), 4)
            for name, count in counts.items()
            if count >= FEWEST_FOR_CATEGORY and name != UNSPECIFIED
        }
        if len(counts) < 2:
            return {}, shares  # one kind only: given a violation, it is this kind
        step = max(1, len(rows) // MOST_FOR_CATEGORY)
        rows = rows[::step]
        features = self._texts.features([lesson.train[index].input for index in rows], lexicon)
        heads = {}
        for name in shares:
            labels = np.array([targets[index] == name for index in rows])
            if labels.any() and not labels.all():
                heads[name] = fit(features, labels, strength=STRENGTH, seed=lesson.seed)
        return heads, shares

    def load(self, folder: Path, version: str) -> Classifier:
        return load(folder, version)

    def probes(self, cases: Sequence[Example]) -> list[Probe]:
        """Each text clean and under its fixed attacks: attacked if malicious, else twins.

        The rows of the last exam are kept: battles ask for the same ones round after round.
        """
        exam = seed_from(*(repr(case) for case in cases))
        if self._exam[0] != exam:
            self._exam = exam, self._probes(cases)
        return list(self._exam[1])

    def _probes(self, cases: Sequence[Example]) -> list[Probe]:
        drafts: list[tuple[str, str, tuple[str, ...], str, str]] = []
        for case in cases:
            name = f"{case.source}\x1f{case.input}"
            kind = "malicious" if case.target else "harmless"
            common = (kind, f"lang:{case.lang}", f"source:{case.source}")
            group = _short(case.group)
            drafts.append((name, "clean", ("clean", *common), case.input, group))
            role = "attacked" if case.target else "twin"
            drafts += [
                (name, one.attack, _tags(role, common, one), one.text, group)
                for one in self._disguises(case)
            ]
        languages = self._texts.languages([draft[3] for draft in drafts])
        return [
            Probe(
                row=Row(case=_short(name), probe=probe, tags=tags, calibration=tongue, group=group),
                input=text,
            )
            for (name, probe, tags, text, group), tongue in zip(drafts, languages, strict=True)
        ]

    def suite(self, item: Example, *, pinned: bool) -> Probe:
        tags = ("suite", "must:flag" if item.target else "must:pass")
        return Probe(
            row=Row(
                case=_short(item.input),
                probe="suite",
                tags=(*tags, "pinned") if pinned else tags,
                calibration=self._texts.languages([item.input])[0],
            ),
            input=item.input,
        )

    def score(self, model: Classifier, inputs: Sequence[str]) -> Floats:
        return model.known_scores(inputs, self._texts)

    def thresholds(self, model: Classifier) -> Mapping[str, float]:
        return model.thresholds


def _tags(role: str, common: tuple[str, ...], one: Disguised) -> tuple[str, ...]:
    return role, *common, f"family:{one.family}", f"attack:{one.attack}"


def _attacked(one: Example) -> bool:
    # what files say in their meta is not trusted: a held-out family must not be learned from
    return one.source.startswith("battle:") and "attack" in one.meta


def _short(name: str) -> str:
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _thresholds(scores: Floats, languages: NDArray[np.str_], fpr: float) -> dict[str, float]:
    """The least flagged score per language, and "*" for languages with too few texts."""
    groups = {"*": scores} | {str(name): scores[languages == name] for name in set(languages)}
    return {
        name: _above(np.sort(group), fpr)
        for name, group in sorted(groups.items())
        if name == "*" or len(group) >= FEWEST_FOR_THRESHOLD
    }


def _above(ordered: Floats, fpr: float) -> float:
    """The smallest score such that at most `fpr` of `ordered` reach it."""
    allowed = int(np.floor(fpr * len(ordered) + 1e-9))
    return float(np.nextafter(ordered[len(ordered) - 1 - allowed], 2.0))
