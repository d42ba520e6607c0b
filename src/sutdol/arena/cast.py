"""The cast of a battle: who fights and who watches, frozen at its start."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sutdol.arena.fight import Rewrite, Terms
from sutdol.arena.guarded import Guard
from sutdol.arena.independent import independent
from sutdol.arena.panel import Panel, measure, panel
from sutdol.arena.pools import Pool, first_of_groups, pools
from sutdol.arena.round import Curves
from sutdol.arena.search import USUAL, Budget
from sutdol.arena.strategy import Strategy, strategy
from sutdol.core.errors import NotReady
from sutdol.flow.plan import Json
from sutdol.loop.parts import on_panel
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

    def args(self) -> dict[str, Any]:
        """The arguments of the flow."""
        path = str(self.independent) if self.independent else None
        return self.json() | {"seed": self.seed, "independent": path}

    @classmethod
    def of(cls, args: Json) -> "Plan":
        return cls(
            rounds=args["rounds"],
            attack_strategy=args["attack_strategy"],
            seed=args["seed"],
            texts=args["texts"],
            budget=Budget(queries=args["queries"], edits=args["edits"]),
            trigger=args["trigger"],
            independent=Path(args["independent"]) if args["independent"] else None,
        )


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Everyone in a battle; `counts` of texts by language, `curves` by version of the guard."""

    fighters: Sequence[Pool]
    panel: Panel
    terms: Terms
    counts: dict[str, dict[str, int]]
    curves: dict[str, Curves] = field(default_factory=dict)

    def measured(self, guard: Guard) -> Curves:
        """The panel's figures: the same guard says the same of the same panel."""
        if guard.version not in self.curves:
            self.curves[guard.version] = measure(self.panel, guard)
        return self.curves[guard.version]


def frozen_of(known: Sequence[StoredExample]) -> list[StoredExample]:
    """Those of all texts that take part: training texts fight, panel texts watch."""
    return [one for one in known if one.part == "train" or _watches(one)]


def cast(battle: str, plan: Plan, frozen: Sequence[StoredExample], rewrite: Rewrite | None) -> Cast:
    """Everyone in their places; refused before anything is on record."""
    fighters, watched = _sides(frozen, plan)
    if not watched:
        raise NotReady(
            "A battle needs violating and harmless texts to fight with: give --data FILE."
        )
    chosen = strategy(plan.attack_strategy, tuple(pool.language for pool in fighters))
    require_model(chosen, rewrite)
    shown = panel(
        watched,
        plan.texts,
        budget=plan.budget,
        seed=plan.seed,
        independent=independent(plan.independent, frozen) if plan.independent else [],
    )
    terms = Terms(
        rounds=plan.rounds,
        texts=plan.texts,
        trigger=plan.trigger,
        budget=plan.budget,
        seed=plan.seed,
        battle=battle,
        strategy=chosen,
        rewrite=rewrite,
    )
    counts = {pool.language: _counts(pool, watched, plan) for pool in fighters}
    return Cast(fighters=fighters, panel=shown, terms=terms, counts=counts)


def require_model(chosen: Strategy, rewrite: Rewrite | None) -> None:
    """`NotReady` where a language model is to attack and there is none."""
    if chosen.llm and rewrite is None:
        raise NotReady(
            "LLM attacks need a model: set OPENAI_BASE_URL, for Ollama"
            " http://127.0.0.1:11434/v1, and SUTDOL_LLM_MODEL."
        )


def _watches(one: StoredExample) -> bool:
    return one.part == "dev" and on_panel(ROLE, one.group)


def _sides(frozen: Sequence[StoredExample], plan: Plan) -> tuple[list[Pool], list[Pool]]:
    """The texts that fight and those on the panel, by language."""
    fighters = pools([one for one in frozen if one.part == "train"], plan.languages)
    panelled = [one for one in frozen if _watches(one)]
    return fighters, pools(panelled, [pool.language for pool in fighters])


def _counts(pool: Pool, watched: Sequence[Pool], plan: Plan) -> dict[str, int]:
    """How many texts of a language fight, and how many of them stand on the panel."""
    on = [one for one in watched if one.language == pool.language]
    return {
        "malicious": len(pool.malicious),
        "harmless": len(pool.harmless),
        "panel_malicious": sum(len(first_of_groups(one.malicious, plan.texts)) for one in on),
        "panel_harmless": sum(len(first_of_groups(one.harmless, plan.texts)) for one in on),
    }


def hash_of(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
