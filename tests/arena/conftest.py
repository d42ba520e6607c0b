"""A toy war over wombats, whose guard goes by words; and a real small battle to look into."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sutdol.app import Sutdol, bundled
from sutdol.arena.campaign import told
from sutdol.arena.fight import Rewrite, Terms
from sutdol.arena.guarded import Judged
from sutdol.arena.pools import Pool
from sutdol.arena.search import Budget
from sutdol.arena.strategy import strategy
from sutdol.core.settings import Settings
from sutdol.core.types import Example, Part
from sutdol.flows import run_inline
from sutdol.storage import examples
from sutdol.storage.database import Database
from sutdol.storage.examples import StoredExample

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BAD = {"en": "wombat", "ko": "웜뱃"}
FRAMES = {
    "en": "yesterday the {word} number {number} came into our garden",
    "ko": "어제 우리 정원에 {number} 번째 {word} 손님이 왔어요",
}
HARMLESS = {"en": "sparrow", "ko": "참새"}


def text(number: int, *, bad: bool, lang: str = "en", part: Part = "train") -> Example:
    words = BAD if bad else HARMLESS
    said = FRAMES[lang].format(word=words[lang], number=number)
    return Example(
        input=said,
        target="harassment" if bad else "",
        lang=lang,
        source="import:toy",
        group=said,
        part=part,
        meta={"id": f"{lang}-{'bad' if bad else 'good'}-{number}"},
    )


@dataclass
class WordGuard:
    """Flags what holds one of its words letter by letter; remembers what it was asked."""

    words: Sequence[str] = ("wombat", "웜뱃")
    version: str = "guard-v1"
    odd: bool = False  # flags whatever is not plainly written as well

    def __post_init__(self) -> None:
        self.asked: list[str] = []
        self.asked_again: list[str] = []

    def judge(self, texts: Sequence[str]) -> Judged:
        self.asked += texts
        return self._judged(texts)

    def judge_again(self, texts: Sequence[str]) -> Judged:
        self.asked_again += texts
        return self._judged(texts)

    def _judged(self, texts: Sequence[str]) -> Judged:
        flags = np.array([self._flags(one) for one in texts], dtype=bool)
        return np.where(flags, 0.9, 0.1), flags

    def _flags(self, said: str) -> bool:
        plain = all(one.isascii() or "가" <= one <= "힣" for one in said)
        return any(word in said for word in self.words) or (self.odd and not plain)


@pytest.fixture(scope="session")
def word_guard() -> type[WordGuard]:
    """`word_guard(odd=True)`: a guard that goes by words."""
    return WordGuard


@pytest.fixture(scope="session")
def toy_text() -> Callable[..., Example]:
    """`toy_text(3, bad=True, lang="ko", part="dev")`."""
    return text


@pytest.fixture(scope="session")
def pool() -> Callable[..., Pool]:
    """`pool(20, "ko")`: as many malicious and harmless texts."""

    def made(count: int = 12, lang: str = "en", part: Part = "train") -> Pool:
        return Pool(
            language=lang,
            malicious=[text(n, bad=True, lang=lang, part=part) for n in range(count)],
            harmless=[text(n, bad=False, lang=lang, part=part) for n in range(count)],
        )

    return made


@pytest.fixture(scope="session")
def terms() -> Callable[..., Terms]:
    """`terms("adaptive", seed=3)`: how a small round is fought."""

    def made(
        name: str = "mixed",
        *,
        rounds: int = 3,
        texts: int = 8,
        trigger: float = 0.97,
        seed: int = 0,
        rewrite: Rewrite | None = None,
    ) -> Terms:
        return Terms(
            rounds=rounds,
            texts=texts,
            trigger=trigger,
            budget=Budget(queries=12, edits=2),
            seed=seed,
            battle="7",
            strategy=strategy(name, ("en", "ko")),
            rewrite=rewrite,
        )

    return made


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`homes(texts)`: a new home with these reviewed texts."""
    empty = tmp_path_factory.mktemp("empty")
    with _database(empty):
        pass

    def made(texts: Sequence[Example]) -> Path:
        home = tmp_path_factory.mktemp("stocked")
        (home / "sutdol.db").write_bytes((empty / "sutdol.db").read_bytes())
        with _database(home) as db, db.write() as tx:
            examples.add(tx, "guard", texts, kind="data", reviewed=True, now=NOW)
        return home

    return made


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[Path], Database]]:
    """`opened(home)`: a copy of the database of a home, of this test alone."""
    found: list[Database] = []

    def made(home: Path) -> Database:
        copy = tmp_path / f"copy-{len(found)}"
        copy.mkdir()
        (copy / "sutdol.db").write_bytes((home / "sutdol.db").read_bytes())
        found.append(_database(copy))
        return found[-1]

    yield made
    for db in found:
        db.close()


def _database(home: Path) -> Database:
    return Database.open(f"sqlite+pysqlite:///{home}/sutdol.db", home)


@dataclass(frozen=True, kw_only=True)
class Fought:
    """What a real battle left behind."""

    body: dict[str, Any]
    stored: Sequence[StoredExample]


@pytest.fixture(scope="session")
def labelled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenth of the bundled texts as a user has them: a file in the shared format."""
    path = tmp_path_factory.mktemp("data") / "texts.jsonl"
    records = [
        {
            "id": one.meta["id"],
            "text": one.input,
            "label": int(bool(one.target)),
            "lang": one.lang,
            **({"category": one.target} if one.target else {}),
        }
        for one in bundled()[::10]
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def real_battle(
    labelled_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Fought]:
    """`real_battle(seed=1)`: two small rounds in a home of their own, from a file of texts."""

    def made(**asked: Any) -> Fought:
        home = tmp_path_factory.mktemp("home")
        with Sutdol.open(Settings.load(home=home, battle={"queries": 12})) as sutdol:
            plan = sutdol.plan(**({"rounds": 2, "texts": 20} | asked))
            ended = run_inline(sutdol, "battle", plan.args() | {"data": [str(labelled_file)]})
            with sutdol.db.read() as tx:
                stored = examples.find(tx, "guard")
                return Fought(body=told(tx, ended["battle"]), stored=stored)

    return made


@pytest.fixture(scope="session")
def fought(real_battle: Callable[..., Fought]) -> Fought:
    return real_battle(seed=1)
