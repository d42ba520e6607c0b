"""The guard's model: a text in, a calibrated score, categories and the span that gave it away."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from sutdol.core.errors import Corrupted
from sutdol.core.text.lexicon import EMPTY, Lexicon
from sutdol.core.text.reading import VERSION, VIEWS, Reading, language, read, trace
from sutdol.models.linear import Floats, Head, Heads, Valued, chance, row, sigmoid, stack, valued
from sutdol.models.ngrams import hashed
from sutdol.roles.categories import CATEGORIES
from sutdol.roles.texts import WINDOW, Texts, Window, windows, windows_read

FORMAT = 2  # of the model file and its manifest
EVEN = 0.5  # more likely than not: what a flag means, and a category, given a violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What `guard check` shows."""

    flagged: bool
    score: float
    threshold: float
    language: str
    categories: Mapping[str, float]
    applies: tuple[str, ...]
    span: tuple[int, int] | None
    view: str
    untrained: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """`violating` decides; a head in `categories` tells which kind, given a violation.

    `slope`, `offset`: Platt calibration of the violating logit. `thresholds`: language to the
    least score that is flagged. `lexicon`: the words it mends disguised ones to.
    """

    violating: Head
    categories: Mapping[str, Head]
    shares: Mapping[str, float]  # of each category among the violating training texts
    slope: float
    offset: float
    thresholds: Mapping[str, float]
    lexicon: Lexicon = EMPTY
    version: str = ""

    def score(self, text: str) -> float:
        """P(violating) of one text."""
        if len(text) > WINDOW:
            return float(self.scores([text])[0])
        return chance(self.slope * self.violating.logit(row(self.read(text).views)) + self.offset)

    def read(self, text: str) -> Reading:
        """A text of at most a window as this guard reads it."""
        return read(text, self.lexicon)

    def scores(self, texts: Sequence[str]) -> Floats:
        """P(violating) of many texts. Shape (texts,)."""
        return self.judge(texts)[0]

    def calibrated(self, logits: Floats) -> Floats:
        return sigmoid(self.slope * logits + self.offset)

    def judge(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """Scores and flags of many texts: those of their worst windows."""
        return self._worst([windows_read(text, self.lexicon) for text in texts])

    def judge_known(self, texts: Sequence[str], known: Texts) -> tuple[Floats, NDArray[np.bool_]]:
        """The same for texts that are judged again and again: their n-grams are kept."""
        return self._worst(known.windows(texts, self.lexicon))

    def known_scores(self, texts: Sequence[str], known: Texts) -> Floats:
        """P(violating) of texts that are scored again and again. Shape (texts,)."""
        return self.calibrated(self.known_logits(texts, known))

    def known_logits(self, texts: Sequence[str], known: Texts) -> Floats:
        """The violating logit of each text's worst window, before calibration. Shape (texts,)."""
        return _highest(*self._logits(known.windows(texts, self.lexicon)))

    def _worst(self, texts: Sequence[Sequence[Window]]) -> tuple[Floats, NDArray[np.bool_]]:
        logits, starts = self._logits(texts)
        scores = self.calibrated(logits)
        needed = [self.threshold(window.language) for text in texts for window in text]
        flags = scores >= np.array(needed)
        if not len(starts):
            return scores, flags
        return _highest(scores, starts), np.logical_or.reduceat(flags, starts)

    def _logits(self, texts: Sequence[Sequence[Window]]) -> tuple[Floats, NDArray[np.intp]]:
        """The logit of every window, and at which each text's windows start."""
        logits = self.violating.logits(stack([window.row for text in texts for window in text]))
        return logits, np.cumsum([0, *(len(text) for text in texts)])[: len(texts)]

    def threshold(self, language: str) -> float:
        return self.thresholds.get(language, self.thresholds["*"])

    def worst_window(self, text: str) -> tuple[int, str, float, bool]:
        """Where the window that decides begins, the window, its score, and whether it is flagged.

        A flagged window goes before a higher score that its language's threshold lets pass.
        """
        pieces = windows(text)
        scores, flags = self.judge([piece for _, piece in pieces])
        worst = max(range(len(pieces)), key=lambda place: (flags[place], scores[place]))
        return *pieces[worst], float(scores[worst]), bool(flags[worst])

    def check(self, text: str) -> Finding:
        """The score of the text, or of a long text's worst window, with all that explains it."""
        start, piece, score, flagged = self.worst_window(text)
        reading = self.read(piece)
        tongue = language(reading.normalised)
        kinds = self.kinds(reading, score)
        view, span = self._culprit(piece)
        return Finding(
            flagged=flagged,
            score=score,
            threshold=self.threshold(tongue),
            language=tongue,
            categories=kinds,
            applies=self.applying(kinds, score) if flagged else (),
            span=(start + span[0], start + span[1]) if flagged else None,
            view=view,
            untrained=tuple(name for name in CATEGORIES if name not in self.shares),
        )

    def kinds(self, reading: Reading, score: float) -> dict[str, float]:
        """P(category) = P(violating) P(category | violating); 0 for untrained ones."""
        return self.kinds_of(valued(row(reading.views)), score)

    def kinds_of(self, found: Valued, score: float) -> dict[str, float]:
        """The same of a text whose n-grams are known."""
        logits = self._side_by_side.weighed(found)
        given = dict.fromkeys(self.shares, 1.0)
        given |= zip(self._side_by_side, sigmoid(logits).tolist(), strict=True)
        return {name: score * given.get(name, 0.0) for name in CATEGORIES}

    @cached_property
    def _side_by_side(self) -> Heads:
        """The heads in `categories`: of a stored model these very ones, else copies of them."""
        kept = self.categories
        return kept if isinstance(kept, Heads) else Heads.of(kept)

    def applying(self, kinds: Mapping[str, float], score: float) -> tuple[str, ...]:
        """The categories of a flagged text: the likeliest, and all more likely than not."""
        if not any(kinds.values()):
            return ()
        likeliest = max(kinds, key=lambda name: kinds[name])
        return tuple(name for name in kinds if name == likeliest or kinds[name] >= EVEN * score > 0)

    def _culprit(self, text: str) -> tuple[str, tuple[int, int]]:
        """The view that speaks loudest for a violation, and its worst stretch in the original."""
        views = trace(text, self.lexicon)
        told = {name: self._per_character(views[name].text) for name in VIEWS}
        view = max(VIEWS, key=lambda name: told[name].sum() if len(told[name]) else -np.inf)
        # what ordinary characters have to make up for: a negative bias
        cost = min(0.0, self.violating.bias) / max(1, len(told[view]))
        start, end = _worst_stretch(told[view] + cost)
        return view, views[view].span(start, end)

    def _per_character(self, text: str) -> NDArray[np.float64]:
        """How much each character adds to the logit, through the n-grams it stands in."""
        found = hashed(text)
        weights = self.violating.weights.take(found) / max(4, len(set(found.tolist()))) ** 0.5
        told, start = np.zeros(len(text)), 0
        for length in range(2, 6):
            count = max(0, len(text) - length + 1)
            share = weights[start : start + count] / length
            for offset in range(length):
                told[offset : offset + count] += share
            start += count
        return told

    def save(self, folder: Path, manifest: Mapping[str, Any]) -> str:
        """Write `model.npz` and `manifest.json`; the checksum of the model file."""
        folder.mkdir(parents=True, exist_ok=True)
        names = list(self.categories)
        heads = [self.violating, *self.categories.values()]
        path = folder / "model.npz"
        np.savez_compressed(
            path,
            weights=np.stack([head.weights for head in heads]).astype(np.float16),
            biases=np.array([head.bias for head in heads]),
            lexicon=np.frombuffer(self.lexicon.dump(), dtype=np.uint8),
        )
        checksum = sha256(path.read_bytes()).hexdigest()
        stored = {
            "format": FORMAT,
            "normaliser": VERSION,
            "checksum": checksum,
            "heads": names,
            "shares": dict(self.shares),
            "slope": self.slope,
            "offset": self.offset,
            "thresholds": dict(self.thresholds),
            **manifest,
        }
        text = json.dumps(stored, indent=1, ensure_ascii=False)
        (folder / "manifest.json").write_text(text, encoding="utf-8")
        return checksum


def load(folder: Path, version: str) -> Classifier:
    """A stored model. `Corrupted` when its bytes are not those that were written."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        raw = (folder / "model.npz").read_bytes()
    except (OSError, ValueError) as error:
        raise Corrupted(f"{version} cannot be read from {folder}: {error}. {_ADVICE}") from error
    try:
        return _built(manifest, raw, version)
    except (AttributeError, KeyError, TypeError, ValueError, EOFError, BadZipFile) as error:
        raise Corrupted(
            f"{version} in {folder} is no model of ours: {error!r}. {_ADVICE}"
        ) from error


def _built(manifest: dict[str, Any], raw: bytes, version: str) -> Classifier:
    if sha256(raw).hexdigest() != manifest.get("checksum"):
        raise Corrupted(f"The model file of {version} is damaged (checksum differs). {_ADVICE}")
    if (manifest["format"], manifest["normaliser"]) != (FORMAT, VERSION):
        raise Corrupted(
            f"{version} is of format {manifest['format']}, trained with normaliser"
            f" {manifest['normaliser']}; this release reads {FORMAT} and {VERSION}:"
            " train a new one with `sutdol guard train --data ...`."
        )
    with np.load(BytesIO(raw), allow_pickle=False) as stored:
        weights, biases = stored["weights"], stored["biases"]
        lexicon = Lexicon.parse(stored["lexicon"].tobytes())
    others = weights[1:].T.astype(np.float32, order="C")
    return Classifier(
        violating=Head(weights=weights[0].astype(np.float32), bias=float(biases[0])),
        categories=Heads(manifest["heads"], others, biases[1:]),
        shares=manifest["shares"],
        slope=manifest["slope"],
        offset=manifest["offset"],
        thresholds=manifest["thresholds"],
        lexicon=lexicon,
        version=version,
    )


_ADVICE = "Go back with `sutdol loop rollback guard`, or restore the file from a backup."


def _highest(values: Floats, starts: NDArray[np.intp]) -> Floats:
    """The highest value of each text's windows."""
    return np.maximum.reduceat(values, starts) if len(starts) else values


def _worst_stretch(told: NDArray[np.float64]) -> tuple[int, int]:
    """Start and end of the stretch with the largest sum (Kadane 1984)."""
    best, best_span, running, start = -np.inf, (0, 0), 0.0, 0
    for place, amount in enumerate(told):
        if running <= 0:
            running, start = 0.0, place
        running += float(amount)
        if running > best:
            best, best_span = running, (start, place + 1)
    return best_span
