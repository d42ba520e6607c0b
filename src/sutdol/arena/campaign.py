"""Battles on record: what the steps of a battle do, and its figures as JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

from sutdol.arena.cast import ROLE, Cast, Plan, cast, frozen_of, hash_of
from sutdol.arena.fight import Result, Rewrite, fight
from sutdol.arena.guarded import Guard
from sutdol.arena.round import Curves, Fight, Round
from sutdol.core.errors import BadInput
from sutdol.core.types import Example
from sutdol.flow.plan import Deed, Json, Key, Tell
from sutdol.loop.monitor import watch
from sutdol.storage import battles, effects, examples, snapshots, verdicts
from sutdol.storage.battles import NewBattle
from sutdol.storage.database import Database
from sutdol.storage.effects import Tx

RESISTS = 0.90  # a family whose retention surely lies below this after learning resists
PATIENCE = 2  # rounds of learning before a family is said to resist


@dataclass(frozen=True, kw_only=True)
class Arena:
    """What a battle needs from the rest of Sutdol, and nothing more.

    `guard` gives the live guard, `version` one that reigned before; `learn` takes evasions and
    twins into the open transaction and says how many were new; `way_back` prepares the return to
    the previous champion, giving the reason, and what it gives does it within a transaction.
    """

    guard: Callable[[], Guard]
    version: Callable[[str], Guard]
    learn: Callable[[Tx, Sequence[Example], Sequence[Example]], int]
    way_back: Callable[[str], Callable[[Tx], object]]


class Campaign:
    """The deeds of all battles; the cast of the last one is kept, for it is slow to gather."""

    def __init__(
        self,
        db: Database,
        arena: Arena,
        now: Callable[[], datetime],
        rewrite: Rewrite | None = None,
    ) -> None:
        self._db, self._arena, self._now, self._rewrite = db, arena, now, rewrite
        self._kept: Cast | None = None

    def deeds(self) -> dict[str, Deed]:
        return {
            "battle.start": self.start,
            "battle.watch": self.watch,
            "battle.fight": self.fight,
            "battle.record": self.record,
            "battle.end": self.end,
        }

    def start(self, key: Key, args: Json, tell: Tell) -> Json:
        """Freeze who fights and who watches, and put the battle on record.

        `done` rounds are on record already where a battle is gone on with, and the flow that is
        lost may have `rolled_back` for the next.
        """
        if args.get("battle"):
            return self._gone_on_with(key, args["battle"])
        plan = Plan.of(args)
        with self._db.read() as tx:
            known = examples.find(tx, ROLE, kinds=["data"], reviewed=True)
        frozen = frozen_of(known)
        taking_part = cast("", plan, frozen, self._rewrite)
        data = {
            "examples": len(known),
            "hash": hash_of([one.id for one in known]),
            "languages": taking_part.counts,
            "independent": _independent_of(taking_part),
        }

        def deed(tx: Tx) -> Json:
            ids = [one.id for one in frozen]
            wanted = NewBattle(
                role=ROLE,
                seed=plan.seed,
                settings=plan.args(),
                flow=key.flow,
                texts=snapshots.put(tx, ROLE, ids, {"battle": True}, self._now()),
                data=data,
            )
            id_ = battles.start(tx, wanted, self._now()).id
            return {"battle": id_, "done": 0, "promoted": False, "rolled_back": None}

        return effects.once(self._db, key.flow, key.step, self._now(), deed)

    def watch(self, key: Key, args: Json, tell: Tell) -> Json:
        """Go back when the new champion is surely worse on the panel than the old one was."""
        with self._db.read() as tx:
            done = effects.find(tx, key.flow, key.step)
            fought = battles.rounds(tx, args["battle"])[-1]
        if done is not None:
            return done
        cast = self._cast(args["battle"])
        after = cast.measured(self._arena.guard()).per_text
        before = cast.measured(self._arena.version(str(fought.body["guard"]))).per_text
        texts = sorted(before)
        alarm = watch(
            "recall on the panel",
            [before[text] for text in texts],
            [after[text] for text in texts],
        )
        go_back = self._arena.way_back(str(alarm)) if alarm else None

        def deed(tx: Tx) -> Json:
            if go_back is not None:
                go_back(tx)
            return {"reason": str(alarm) if alarm else None}

        return effects.once(self._db, key.flow, key.step, self._now(), deed)

    def fight(self, key: Key, args: Json, tell: Tell) -> Json:
        """Measure, fight, and learn from what slipped through; whether to improve the guard."""
        with self._db.read() as tx:
            done = effects.find(tx, key.flow, key.step)
        if done is None:
            done = self._fought(key, args["battle"], args["round"], tell)
        return {"improve": done["improve"]}

    def record(self, key: Key, args: Json, tell: Tell) -> Json:
        """Put a finished round on record: the fight, its verdict, a roll-back before it."""
        fight_step = f"{args['round']}/fight"
        now = self._now()
        with self._db.write() as tx:
            fought = effects.find(tx, key.flow, fight_step)
            since = effects.done_at(tx, key.flow, fight_step)
            assert fought is not None
            assert since is not None
            verdict = verdicts.get(tx, args["verdict"]).told() if args["verdict"] else None
            row = battles.Round(
                battle=args["battle"],
                number=args["round"],
                body=fought["round"] | {"verdict": verdict, "rolled_back": args["rolled_back"]},
                timing=fought["timing"] | {"improve": round((now - since).total_seconds(), 3)},
                created_at=now,
            )
            battles.add_round(tx, row)
        return {}

    def end(self, key: Key, args: Json, tell: Tell) -> Json:
        with self._db.write() as tx:
            battles.set_state(tx, args["battle"], args["state"], self._now())
        return {}

    def _gone_on_with(self, key: Key, id_: str) -> Json:
        def deed(tx: Tx) -> Json:
            rounds = battles.rounds(tx, id_)
            verdict = rounds[-1].body["verdict"] if rounds else None
            promoted = isinstance(verdict, dict) and verdict["decision"] == "promote"
            lost = battles.get(tx, id_).flow
            watched = effects.find(tx, lost, f"{len(rounds) + 1}/watch") if lost else None
            battles.go_on(tx, id_, key.flow, self._now())
            return {
                "battle": id_,
                "done": len(rounds),
                "promoted": promoted and watched is None,
                "rolled_back": watched["reason"] if watched else None,
            }

        return effects.once(self._db, key.flow, key.step, self._now(), deed)

    def _fought(self, key: Key, battle: str, number: int, tell: Tell) -> Json:
        cast, clock = self._cast(battle), _Clock()
        guard = self._arena.guard()
        tell({"stage": "measure", "round": number})
        curves = cast.measured(guard)
        clock.lap("measure")
        tell({"stage": "fight", "round": number})
        results = [fight(number, pool, guard, cast.terms) for pool in cast.fighters]
        total = _total(results)
        clock.lap("fight")

        def deed(tx: Tx) -> Json:
            evasions = [one for result in results for one in result.evasions]
            twins = [one for result in results for one in result.twins]
            learned = self._arena.learn(tx, evasions, twins)
            told = Round(
                number=number,
                guard=guard.version,
                fight=total,
                curves=curves,
                verdict=None,
                learned=learned,
                resists=_resisting(curves) if number > PATIENCE else (),
                rolled_back=None,
            )
            improve = total.detection_rate < cast.terms.trigger and learned > 0
            return {"round": told.json(), "timing": clock.laps, "improve": improve}

        return effects.once(self._db, key.flow, key.step, self._now(), deed)

    def _cast(self, id_: str) -> Cast:
        if self._kept is None or self._kept.terms.battle != id_:
            with self._db.read() as tx:
                battle = battles.get(tx, id_)
                frozen = snapshots.rows(tx, str(battle.texts))
            self._kept = cast(id_, Plan.of(battle.settings), frozen, self._rewrite)
            if _independent_of(self._kept) != battle.data.get("independent"):
                raise BadInput(
                    f"{battle.settings['independent']} is not what it was when battle {id_} began:"
                    " put it back, or begin a new battle."
                )
        return self._kept


def told(tx: Tx, id_: str) -> dict[str, Any]:
    """A battle and its rounds so far as JSON; nothing measured in time stands inside a round."""
    battle, rounds = battles.get(tx, id_), battles.rounds(tx, id_)
    return {
        "battle": battle.id,
        "seed": battle.seed,
        "settings": {name: battle.settings[name] for name in Plan().json()},
        "data": dict(battle.data),
        "rounds": [dict(one.body) for one in rounds],
        "timing": {str(one.number): dict(one.timing) for one in rounds},
    }


def _independent_of(cast: Cast) -> str | None:
    texts = cast.panel.independent
    return hash_of(texts) if texts else None


def _total(results: Sequence[Result]) -> Fight:
    return Fight(
        malicious=tuple(tally for one in results for tally in one.fight.malicious),
        harmless=tuple(tally for one in results for tally in one.fight.harmless),
    )


def _resisting(curves: Curves) -> tuple[str, ...]:
    return tuple(name for name, figure in sorted(curves.families.items()) if figure.high < RESISTS)


class _Clock:
    def __init__(self) -> None:
        self.laps: Mapping[str, float] = {}
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self.laps = {**self.laps, name: round(now - self._last, 3)}
        self._last = now
