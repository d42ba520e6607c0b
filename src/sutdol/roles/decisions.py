"""Decide about texts, asking first what was decided before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import orjson

from sutdol import __version__
from sutdol.core.text.reading import VERSION, language
from sutdol.models.linear import Valued, chance, row, valued
from sutdol.roles.categories import CATEGORIES
from sutdol.roles.classifier import Classifier
from sutdol.roles.texts import windows
from sutdol.storage.cache import Cache, key

FIRST = ("Good morning!", "좋은 아침입니다!")  # the first text of a language takes longer
SHARED_FROM = 2_000
"""Characters to decide about from which a shared cache is asked: for less, a miss costs more than a
hit is likely to spare (docs/benchmarks.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What `guard check` says of a text, without the reasons."""

    version: str
    flagged: bool
    score: float
    categories: Mapping[str, float]
    applies: tuple[str, ...]


class Decisions:
    """Decides with the guard that `live` gives at that moment, so a new champion counts at once.

    The decisions are the same with any caches, to the last bit: they are kept by all that a guard
    is made of, not by its name, which other deployments use as well.
    """

    def __init__(
        self,
        live: Callable[[], Classifier],
        memory: Cache,
        shared: Cache | None = None,
        *,
        shared_from: int = SHARED_FROM,
    ) -> None:
        self._live, self._memory, self._shared = live, memory, shared
        self._shared_from = shared_from
        self._known: tuple[tuple[Classifier, str], ...] = ()

    def __call__(self, texts: Sequence[str]) -> list[Decision]:
        """One decision a text, in order; a text that is there twice is decided about once."""
        guard = self._live()
        maker = self._fingerprint(guard)
        keys = {text: key(maker, text) for text in texts}
        found = _recalled(self._memory, guard, keys)
        left = {text: keys[text] for text in keys if text not in found}
        if left:
            found |= self._decided(guard, left)
        return [found[text] for text in texts]

    def prepare(self, guard: Classifier) -> None:
        """Do now what the first decision of a guard would wait for; any thread may.

        Decisions of the guard that is live go on meanwhile: its fingerprint stays known.
        """
        self._fingerprint(guard)
        guard.lexicon.prepare()
        for text in FIRST:
            decide(guard, text)

    def _decided(self, guard: Classifier, keys: Mapping[str, str]) -> dict[str, Decision]:
        """What the memory lacks, from the shared cache where asking it pays, else decided now."""
        shared = self._shared if sum(map(len, keys)) >= self._shared_from else None
        found = {} if shared is None else _recalled(shared, guard, keys)
        made = {text: decide(guard, text) for text in keys if text not in found}
        if shared is not None:
            shared.put_many({keys[text]: _stored(made[text]) for text in made})
        found |= made
        self._memory.put_many({keys[text]: _stored(found[text]) for text in found})
        return found

    def _fingerprint(self, guard: Classifier) -> str:
        """Those of the last two guards are known: of the live one, and of the next."""
        for known, name in self._known:
            if known is guard:
                return name
        made = fingerprint(guard)
        self._known = ((guard, made), *self._known)[:2]
        return made


def decide(guard: Classifier, text: str) -> Decision:
    """What the guard says of a text: of a long one, what it says of its worst window."""
    told = (_told(guard, piece) for _, piece in windows(text))
    flagged, score, found = max(told, key=lambda one: one[:2])
    return _decision(guard, flagged, score, guard.kinds_of(found, score))


def _told(guard: Classifier, piece: str) -> tuple[bool, float, Valued]:
    """Whether a window is flagged, its score and its n-grams."""
    reading = guard.read(piece)
    found = valued(row(reading.views))
    score = chance(guard.slope * guard.violating.weighed(found) + guard.offset)
    return bool(score >= guard.threshold(language(reading.normalised))), score, found


def fingerprint(guard: Classifier) -> str:
    """One name for all that makes the decisions of this guard what they are."""
    heads = {"": guard.violating} | dict(guard.categories)
    return key(
        "guard",
        __version__,
        str(VERSION),
        guard.version,
        repr((guard.slope, guard.offset)),
        repr(sorted(guard.thresholds.items())),
        repr(sorted(guard.shares.items())),
        guard.lexicon.digest.hex(),
        *(repr((name, head.bias)) for name, head in heads.items()),
        *(sha256(np.ascontiguousarray(head.weights).data).hexdigest() for head in heads.values()),
    )


def _decision(
    guard: Classifier, flagged: bool, score: float, categories: Mapping[str, float]
) -> Decision:
    return Decision(
        version=guard.version,
        flagged=flagged,
        score=score,
        categories=categories,
        applies=guard.applying(categories, score) if flagged else (),
    )


def _recalled(cache: Cache, guard: Classifier, keys: Mapping[str, str]) -> dict[str, Decision]:
    kept = cache.get_many(list(keys.values()))
    read = {text: _read(guard, kept[name]) for text, name in keys.items() if name in kept}
    return {text: decision for text, decision in read.items() if decision is not None}


def _stored(decision: Decision) -> bytes:
    written = orjson.dumps(
        {
            "flagged": decision.flagged,
            "score": decision.score,
            "categories": {name: share for name, share in decision.categories.items() if share},
        }
    )
    # A copy: what orjson gives is the beginning of a block of some kilobytes, kept with it.
    return bytes(memoryview(written))


def _read(guard: Classifier, stored: bytes) -> Decision | None:
    """The decision as it was stored; None for what we never wrote."""
    try:
        found = orjson.loads(stored)
    except ValueError:
        return None
    match found:
        case {"flagged": bool(flagged), "score": float(score), "categories": dict(shares), **more}:
            pass
        case _:
            return None
    if more or not _plausible(score, shares):
        return None
    categories = {name: shares.get(name, 0.0) for name in CATEGORIES}
    return _decision(guard, flagged, score, categories)


def _plausible(score: float, shares: Mapping[str, Any]) -> bool:
    figures = [score, *shares.values()]
    return shares.keys() <= set(CATEGORIES) and all(
        isinstance(figure, float) and 0 <= figure <= 1 for figure in figures
    )
