"""Two toy roles that learn in a millisecond, and a workshop full of texts for them.

`Spotter` is a guard: it flags texts by their words, with a threshold. `Tutor` answers: its score
is the share of a question's words it knows, with no threshold at all. As a program it runs one
turn of the loop in a process of its own: `python toy.py HOME [pause]`.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from sutdol.core.errors import Corrupted, SutdolError
from sutdol.core.types import Example
from sutdol.loop.collect import collect
from sutdol.loop.cycle import improve
from sutdol.loop.evidence import Row
from sutdol.loop.parts import part_of
from sutdol.loop.role import Lesson, Probe
from sutdol.loop.rules import Calibration, Measure, Rail, Rules
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples
from sutdol.storage.database import Database
from sutdol.storage.examples import StoredExample

BAD = [f"venom{n:02}" for n in range(20)]
GOOD = [f"bread{n:02}" for n in range(20)]
Table = Mapping[str, float]


def nothing() -> None:
    return None


def disguised(text: str) -> str:
    return text.replace("e", "3")


class Toy:
    """A table of words in a JSON file. The hooks are called as training and scoring begin."""

    def __init__(
        self,
        *,
        training: Callable[[], None] = nothing,
        scoring: Callable[[], None] = nothing,
    ) -> None:
        self.training, self.scoring = training, scoring
        self.scored: list[str] = []  # every text a model was ever asked about

    def key(self, text: str) -> str:
        return text.replace("3", "e")

    def load(self, folder: Path, version: str) -> Table:
        try:
            table: Table = json.loads((folder / "model.json").read_text())
        except (OSError, ValueError) as error:
            raise Corrupted(f"{version} cannot be read: {error}.") from error
        return table

    def score(self, model: Table, inputs: Sequence[str]) -> np.ndarray:
        self.scoring()
        self.scored += inputs
        return np.array([self.one(model, text) for text in inputs], dtype=np.float64)

    def suite(self, item: Example, *, pinned: bool) -> Probe:
        tags = ("suite", "must:flag" if item.target else "must:pass")
        tags += ("pinned",) if pinned else ()
        return Probe(
            row=Row(case=_short(item.input), probe="suite", tags=tags, calibration="en"),
            input=item.input,
        )

    def write(self, folder: Path, table: Table) -> Mapping[str, Any]:
        (folder / "half.json").write_text("{")
        self.training()
        (folder / "half.json").unlink()
        (folder / "model.json").write_text(json.dumps(table, sort_keys=True))
        return {"words": len(table)}


class Spotter(Toy):
    """Calibrated: a text is as bad as its worst word, and flagged above 95 % of harmless ones."""

    name = "guard"
    rules = Rules(
        primary=Measure(name="attacked recall", tags=("attacked",)),
        rails=(
            Rail(
                measure=Measure(name="clean recall", tags=("clean", "malicious")),
                margin=0.1,
                anchor_margin=0.1,
            ),
            Rail(
                measure=Measure(name="false <i>", tags=("twin",), better="low"),
                margin=0.1,
                anchor_margin=0.1,
            ),
        ),
        calibration=Calibration(harmless=("clean", "harmless")),
        least_primary=40,
        least_harmless=40,
        resamples=100,
    )

    def train(self, lesson: Lesson, folder: Path) -> Mapping[str, Any]:
        table: dict[str, float] = {}
        for target in (False, True):  # a word seen in any harmless text is harmless
            for one in lesson.train:
                if bool(one.target) == target:
                    table.setdefault(one.input.split()[0], float(target))
        harmless = sorted(self.one(table, one.input) for one in lesson.dev if not one.target)
        cut = harmless[int(0.95 * len(harmless))] if harmless else 0.0
        return self.write(folder, table | {"*": float(np.nextafter(cut, 2.0))})

    def one(self, model: Table, text: str) -> float:
        return max((model.get(word, 0.0) for word in text.split()), default=0.0)

    def probes(self, cases: Sequence[Example]) -> list[Probe]:
        found = []
        for case in cases:
            kind = "malicious" if case.target else "harmless"
            for probe, text in (("clean", case.input), ("e3", disguised(case.input))):
                tag = "clean" if probe == "clean" else "attacked" if case.target else "twin"
                row = Row(case=_short(case.input), probe=probe, tags=(tag, kind), calibration="en")
                found.append(Probe(row=row, input=text))
        return found

    def thresholds(self, model: Table) -> Table:
        return {"*": model["*"]}


class Blinking(Spotter):
    """It overlooks copies until it has trained."""

    seeing = False

    def key(self, text: str) -> str:
        return super().key(text) if self.seeing else filler(text)

    def train(self, lesson: Lesson, folder: Path) -> Mapping[str, Any]:
        self.seeing = True
        return super().train(lesson, folder)


class Tutor(Toy):
    """Graded: the share of a question's words that stand in the table."""

    name = "tutor"
    rules = Rules(
        primary=Measure(name="quality", tags=("answer",), of="score"),
        least_primary=40,
        resamples=100,
    )

    def train(self, lesson: Lesson, folder: Path) -> Mapping[str, Any]:
        words = {word for one in lesson.train for word in one.input.split()[:2]}
        return self.write(folder, dict.fromkeys(sorted(words), 1.0))

    def one(self, model: Table, text: str) -> float:
        words = text.split()
        return sum(word in model for word in words) / max(1, len(words))

    def probes(self, cases: Sequence[Example]) -> list[Probe]:
        return [
            Probe(row=Row(case=_short(one.input), probe="", tags=("answer",)), input=one.input)
            for one in cases
        ]

    def thresholds(self, model: Table) -> Table:
        return {}


class Clock:
    """A second passes whenever it is asked."""

    def __init__(self, days: int = 0) -> None:
        self._now = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(days=days)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def settle(home: Path, url: str) -> Database:
    """Open the database of a home, and note in the home where it is."""
    (home / "database.url").write_text(url)
    return open_database(home)


def url_of(home: Path) -> str:
    return (home / "database.url").read_text()


def open_database(home: Path) -> Database:
    """The database of a home, through connections of its own."""
    return Database.open(url_of(home), home, wait=5)


def filler(*seed: object) -> str:
    """Twenty letters no other text has, and none that a disguise changes."""
    digits = sha256(repr(seed).encode()).hexdigest()[:20]
    return "".join(chr(ord("f") + int(digit, 16)) for digit in digits)


def text(
    first: str, salt: object, *, source: str = "import:a", target: str | None = None
) -> Example:
    message = f"{first} {filler(first, salt)}"
    if target is None:
        target = "spam" if first in BAD else ""
    return Example(
        input=message, target=target, lang="en", source=source, group=message, part="train"
    )


def text_for(part: str, first: str, salt: object = "") -> Example:
    """A text with this word whose group falls to this part of the guard's data."""
    tries = (text(first, f"{salt}{index}") for index in count())
    return next(one for one in tries if part_of("guard", one.group) == part)


def text_near(original: Example, part: str) -> Example:
    """Nearly the same text, in a group of its own that falls to this part."""
    message = original.input + "!"
    groups = (f"{message} {index}" for index in count())
    group = next(group for group in groups if part_of("guard", group) == part)
    return replace(text("", 0), input=message, target=original.target, group=group)


def texts(each: int, *, salt: object = "", source: str = "import:a") -> list[Example]:
    """`each` texts with every bad and every good word."""
    return [
        text(word, f"{salt}{index}", source=source) for word in BAD + GOOD for index in range(each)
    ]


def disguises(originals: Sequence[Example], *, source: str = "battle:1/1") -> list[Example]:
    """What a battle brings home: the same texts disguised."""
    meta = {"attack": "e3", "seed": "7"}
    return [replace(one, input=disguised(one.input), source=source, meta=meta) for one in originals]


def fight(shop: Workshop[Any], words: Sequence[str], *, salt: object = "fight") -> None:
    """Evasions of these bad words, each with a benign twin."""
    evasions = [text(word, f"{salt}{index}") for word in words for index in range(8)]
    twins = [text(word.replace("venom", "bread"), f"{salt}{i}") for word in words for i in range(8)]
    collect(shop, disguises(evasions), kind="evasion", reviewed=True)
    collect(shop, disguises(twins), kind="twin", reviewed=True)


def stored(shop: Workshop[Any], kind: examples.Kind) -> list[StoredExample]:
    with shop.db.read() as tx:
        return examples.find(tx, shop.role.name, kinds=[kind])


def _short(content: str) -> str:
    return sha256(content.encode()).hexdigest()[:16]


def main(home: Path, pause: bool) -> int:
    """One turn of the loop; with `pause` it never leaves the training."""

    def training() -> None:
        print("training", flush=True)
        if pause:
            time.sleep(60)

    now = Clock(days=3 * pause)  # its turn lasts an hour, and is not taken before the others' time
    with open_database(home) as db:
        shop = Workshop(db=db, home=home, role=Spotter(training=training), now=now)
        try:
            outcome = improve(shop)
        except SutdolError as error:
            print(type(error).__name__, flush=True)
            return error.code
    print(outcome.verdict.decision, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "pause" in sys.argv[2:]))
