"""Battles over a real database, as plans run here and now, around guards that are functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

from sutdol.arena import battle
from sutdol.arena.campaign import Arena, Campaign, told
from sutdol.arena.cast import Plan
from sutdol.arena.fight import Rewrite
from sutdol.arena.search import Budget
from sutdol.core.errors import NothingToLearn
from sutdol.core.types import Example
from sutdol.flow import inline
from sutdol.flow.plan import Deed, Json, Key, Kind, Step, Tell
from sutdol.flow.plan import Plan as FlowPlan
from sutdol.storage import battles, verdicts
from sutdol.storage.battles import Battle
from sutdol.storage.database import Database
from sutdol.storage.effects import Tx
from sutdol.storage.verdicts import StoredVerdict

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SMALL: Mapping[str, Any] = {"rounds": 2, "texts": 6, "budget": Budget(queries=4, edits=1)}
Decision = Literal["promote", "reject"]
Learn = Callable[[Sequence[Example], Sequence[Example]], int]


def in_silence(event: Json) -> None:
    pass


@dataclass
class Ring:
    """Who reigns, and what a battle asked of the rest of Sutdol.

    A turn of the loop takes the next of `verdicts`, and a promotion crowns the next of `guards`;
    where no verdict is left there was nothing to learn. `campaign` may be exchanged at any time,
    as it is when another process goes on.
    """

    db: Database
    guards: list[Any]
    verdicts: list[Decision | None] = field(default_factory=list)
    learn: Learn | None = None
    reigns: bool = True
    rewrite: Rewrite | None = None
    learned: list[tuple[Sequence[Example], Sequence[Example]]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    turns: list[Json] = field(default_factory=list)
    reigning: int = 0

    def __post_init__(self) -> None:
        self.campaign = self.new_campaign()
        self._flows = (f"battle-{number}" for number in count(1))
        self._judged: dict[str, Json] = {}

    def new_campaign(self) -> Campaign:
        arena = Arena(
            guard=lambda: self.guards[self.reigning],
            version=lambda name: next(one for one in self.guards if one.version == name),
            learn=self._learn,
            way_back=lambda reason: lambda _: self._go_back(reason),
        )
        return Campaign(self.db, arena, lambda: NOW, self.rewrite)

    def fight(
        self,
        *,
        tell: Tell = in_silence,
        flow: str | None = None,
        deeds: Mapping[str, Deed] | None = None,
        gone_on_with: str | None = None,
        **asked: Any,
    ) -> dict[str, Any]:
        """Fight a battle to its end; its JSON."""
        args = Plan(**{**SMALL, **asked}).args() | {"battle": gone_on_with}
        ended = inline.run(
            "battle",
            args,
            flow=flow or next(self._flows),
            kinds=KINDS,
            deeds=deeds or self.deeds(),
            tell=tell,
        )
        return self.json(ended["battle"])

    def deeds(self) -> dict[str, Deed]:
        def reigns(key: Key, args: Json, tell: Tell) -> Json:
            return {"champion": self.reigns}

        return {
            **self.campaign.deeds(),
            "battle.champion": reigns,
            "toy.found": self._found,
            "toy.judge": self._judge,
        }

    def json(self, battle: str = "1") -> dict[str, Any]:
        """What is on record of a battle."""
        with self.db.read() as tx:
            return told(tx, battle)

    def kept(self) -> list[Battle]:
        """Every battle on record."""
        with self.db.read() as tx:
            latest = battles.last(tx)
            numbers = range(1, int(latest.id) + 1) if latest else ()
            return [battles.get(tx, str(number)) for number in numbers]

    def bodies(self, battle: str = "1") -> list[Mapping[str, object]]:
        """The rounds on record."""
        with self.db.read() as tx:
            return [one.body for one in battles.rounds(tx, battle)]

    def _learn(self, tx: Tx, evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        self.learned.append((evasions, twins))
        return self.learn(evasions, twins) if self.learn else len(evasions) + len(twins)

    def _go_back(self, reason: str) -> None:
        self.reasons.append(reason)
        self.reigning -= 1

    def _found(self, key: Key, args: Json, tell: Tell) -> Json:
        self.turns.append(args)
        self.reigns = True
        return {"version": self.guards[0].version}

    def _judge(self, key: Key, args: Json, tell: Tell) -> Json:
        """As the deeds of a real turn are, it is done once for each flow."""
        if key.flow not in self._judged:
            self.turns.append(args)
            self._judged[key.flow] = self._decided()
        return self._judged[key.flow]

    def _decided(self) -> Json:
        decision = self.verdicts.pop(0) if self.verdicts else None
        if decision is None:
            raise NothingToLearn("There is nothing to learn.")
        verdict = StoredVerdict(
            id=f"verdict-{len(self.turns)}",
            role="guard",
            champion=self.guards[self.reigning].version,
            challenger="guard-v9",
            decision=decision,
            reason="the toss of a coin",
            body={"decision": decision},
            snapshot=None,
            exam=None,
            look=None,
            created_at=NOW,
        )
        with self.db.write() as tx:
            verdicts.add(tx, verdict)
        self.reigning += decision == "promote"
        return {"verdict": verdict.id, "promoted": decision == "promote"}


def _asking(deed: str) -> Kind:
    """A kind of flow that is one deed."""

    def plan(flow: str, args: Json) -> FlowPlan:
        ended: Json = yield Step(name="only", deed=deed, args=args)
        return ended

    return Kind(plan=plan)


KINDS = {"battle": battle.KIND, "found": _asking("toy.found"), "cycle": _asking("toy.judge")}
