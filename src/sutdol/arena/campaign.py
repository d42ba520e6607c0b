"""A battle on record: the texts it needs, its rows in the database, its figures as JSON."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sutdol.arena.battle import Arena, Progress, Timed, rounds
from sutdol.arena.fight import Rewrite, Terms
from sutdol.arena.panel import Panel, panel
from sutdol.arena.pools import Pool, first_of_groups, pools
from sutdol.arena.search import USUAL, Budget
from sutdol.arena.strategy import Strategy, strategy
from sutdol.core.errors import BadInput, NotReady
from sutdol.loop.parts import on_panel
from sutdol.storage import battles, examples
from sutdol.storage.battles import Battle
from sutdol.storage.database import Database
from sutdol.storage.examples import StoredExample

ROLE = "guard"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the user asked for."""

    rounds: int = 10
    attack_strategy: str = "mixed"
    seed: int = 0
    texts: int = 150
    budget: Budget = USUAL
    trigger: float = 0.99
    independent: Path | None = None
    languages: tuple[str, ...] = ("en", "ko")

    def json(self) -> dict[str, Any]:
        return {
            "rounds": self.rounds,
            "attack_strategy": self.attack_strategy,
            "texts": self.texts,
            "queries": self.budget.queries,
            "edits": self.budget.edits,
            "trigger": self.trigger,
        }


@dataclass
class Campaign:
    """A battle under way; iterate over it to fight, `json()` at any time for what there is."""

    db: Database
    arena: Arena
    plan: Plan
    now: Callable[[], datetime]
    rewrite: Rewrite | None = None
    progress: Progress = lambda _: None
    battle: Battle | None = None
    done: list[Timed] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Timed]:
        fighters, shown = self._prepare()
        chosen = self._strategy(fighters)
        battle = self._start()
        terms = Terms(
            rounds=self.plan.rounds,
            texts=self.plan.texts,
            trigger=self.plan.trigger,
            budget=self.plan.budget,
            seed=self.plan.seed,
            battle=battle.id,
            strategy=chosen,
            rewrite=self.rewrite,
        )
        state: battles.State = "interrupted"
        try:
            for timed in rounds(self.arena, fighters, shown, terms, progress=self.progress):
                self._record(battle, timed)
                yield timed
            state = "done"
        except Exception:
            state = "failed"
            raise
        finally:
            with self.db.write() as tx:
                battles.set_state(tx, battle.id, state, self.now())

    def json(self) -> dict[str, Any]:
        return {
            "battle": self.battle.id if self.battle else None,
            "seed": self.plan.seed,
            "settings": self.plan.json(),
            "data": self.data,
            "rounds": [timed.round.json() for timed in self.done],
            "timing": {str(timed.round.number): dict(timed.timing) for timed in self.done},
        }

    def _strategy(self, fighters: Sequence[Pool]) -> Strategy:
        """What the texts at hand are attacked with; refused before anything is on record."""
        chosen = strategy(self.plan.attack_strategy, tuple(pool.language for pool in fighters))
        if chosen.llm and self.rewrite is None:
            raise NotReady(
                "LLM attacks need a model: set OPENAI_BASE_URL, for Ollama"
                " http://127.0.0.1:11434/v1, and SUTDOL_LLM_MODEL."
            )
        return chosen

    def _start(self) -> Battle:
        with self.db.write() as tx:
            self.battle = battles.start(
                tx, ROLE, seed=self.plan.seed, settings=self.plan.json(), now=self.now()
            )
        return self.battle

    def _record(self, battle: Battle, timed: Timed) -> None:
        self.done.append(timed)
        row = battles.Round(
            battle=battle.id,
            number=timed.round.number,
            body=timed.round.json(),
            timing=timed.timing,
            created_at=self.now(),
        )
        with self.db.write() as tx:
            battles.add_round(tx, row)

    def _prepare(self) -> tuple[list[Pool], Panel]:
        with self.db.read() as tx:
            known = examples.find(tx, ROLE, kinds=["data"], reviewed=True)
        fighters = pools([one for one in known if one.part == "train"], self.plan.languages)
        dev = [one for one in known if one.part == "dev" and on_panel(ROLE, one.group)]
        watched = pools(dev, [pool.language for pool in fighters])
        if not watched:
            raise NotReady(
                "A battle needs violating and harmless texts to fight with: give --data FILE."
            )
        texts = independent(self.plan.independent, known) if self.plan.independent else []
        self.data = {
            "examples": len(known),
            "hash": _hash(known),
            "languages": {pool.language: self._counts(pool, watched) for pool in fighters},
        }
        shown = panel(
            watched,
            self.plan.texts,
            budget=self.plan.budget,
            seed=self.plan.seed,
            independent=texts,
        )
        return fighters, shown

    def _counts(self, pool: Pool, watched: Sequence[Pool]) -> dict[str, int]:
        """How many texts of a language fight, and how many of them stand on the panel."""
        on, most = [one for one in watched if one.language == pool.language], self.plan.texts
        return {
            "malicious": len(pool.malicious),
            "harmless": len(pool.harmless),
            "panel_malicious": sum(len(first_of_groups(one.malicious, most)) for one in on),
            "panel_harmless": sum(len(first_of_groups(one.harmless, most)) for one in on),
        }


def independent(path: Path, known: Sequence[StoredExample]) -> list[str]:
    """Another attacker's texts whose originals no model was trained on."""
    trained = {one.meta.get("id") for one in known if one.part == "train"} - {None}
    texts = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        record = _record_of(path, number, line)
        if str(record["original_id"]) not in trained:  # as imported ids are kept
            texts.append(record["text"])
    if not texts:
        raise BadInput(f"{path} holds no text whose original is kept out of training.")
    return texts


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None


def _record_of(path: Path, number: int, line: bytes) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        raise BadInput(f"{path}:{number} is not JSON.") from None
    if not isinstance(record, dict) or "original_id" not in record or not _is_text(record):
        raise BadInput(f"{path}:{number} needs id, original_id and text.")
    return record


def _is_text(record: Mapping[str, Any]) -> bool:
    text = record.get("text")
    return isinstance(text, str) and bool(text.strip())


def _hash(known: Sequence[StoredExample]) -> str:
    return hashlib.sha256("\n".join(one.id for one in known).encode()).hexdigest()
