"""The flows of Sutdol: their kinds, what their steps do, and where they run."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sutdol.app import Sutdol
from sutdol.arena import battle
from sutdol.core.errors import UnknownName
from sutdol.core.settings import Settings
from sutdol.flow import inline
from sutdol.flow.desk import Desk
from sutdol.flow.hand import Hand
from sutdol.flow.plan import Child, Deed, Json, Key, Kind, Plan, Step, Tell, Told
from sutdol.loop import cycle, stages, trigger, turn
from sutdol.loop.collect import take_in
from sutdol.roles.labelled import Columns, labelled
from sutdol.storage import effects, evaluations, files
from sutdol.storage.effects import Tx
from sutdol.storage.evaluations import Evaluation

if TYPE_CHECKING:
    from sutdol.flow.engine import Engine, Schedule


def import_plan(flow: str, args: Json) -> Plan:
    """Take in one file of labelled texts; see Deeds for `args`."""
    taken: Json = yield Step(name="import", deed="examples.import", args=args)
    return taken


def train_plan(flow: str, args: Json) -> Plan:
    """Take in files, then train and crown the first champion."""
    new = known = 0
    for number, path in enumerate(args["data"], 1):
        taken = yield Step(
            name=f"import-{number}", deed="examples.import", args={**args, "path": path}
        )
        new, known = new + taken["new"], known + taken["known"]
    yield Told(event={"new": new, "known": known})
    founding = {"role": args["role"], "seed": args["seed"], "wait": False}
    founded = yield Child(name="found", kind="found", args=founding)
    return {"new": new, "known": known, **founded}


def first_plan(flow: str, args: Json) -> Plan:
    """Train and crown a first champion on the bundled texts."""
    taken = yield Step(name="import", deed="examples.bundled", args=args)
    yield Told(event=taken)
    founding = {"role": args["role"], "seed": args["seed"], "wait": True}
    founded: Json = yield Child(name="found", kind="found", args=founding)
    return founded


KINDS: Mapping[str, Kind] = {
    "battle": battle.KIND,
    **cycle.KINDS,
    **trigger.KINDS,
    "import": Kind(plan=import_plan),
    "train": Kind(plan=train_plan),
    "first": Kind(plan=first_plan),
}


def kind_named(name: str) -> str:
    """The kind of flow of that name; `UnknownName` suggests the nearest one."""
    if name not in KINDS:
        raise UnknownName("kind of flow", name, KINDS)
    return name


class Deeds:
    """What the steps of all flows do, in one open Sutdol."""

    def __init__(self, sutdol: Sutdol) -> None:
        self._sutdol = sutdol

    def all(self) -> dict[str, Deed]:
        return {
            **stages.deeds(self._sutdol.workshop),
            **self._sutdol.campaign.deeds(),
            "battle.champion": self._champion,
            "examples.import": self._import,
            "examples.bundled": self._bundled,
            "evaluation.look": self._look,
            "evaluation.measure": self._measure,
        }

    def _champion(self, key: Key, args: Json, tell: Tell) -> Json:
        return {"champion": self._sutdol.reigns()}

    def _import(self, key: Key, args: Json, tell: Tell) -> Json:
        """`args`: path, and if they differ from the default role, kind, reviewed, source, text
        column and label columns.
        """
        done = self._done(key)
        if done is not None:  # the file may be gone since
            return done
        shop = self._sutdol.workshop(args.get("role", "guard"))
        columns = Columns(
            text=args.get("text_column") or "text", labels=tuple(args.get("labels") or ["label"])
        )
        texts = labelled(Path(args["path"]), columns, source=args.get("source") or "")
        how: dict[str, Any] = {
            "kind": args.get("kind", "data"),
            "reviewed": args.get("reviewed", True),
        }

        def deed(tx: Tx) -> Json:
            taken = take_in(tx, shop, texts, **how)
            return {"new": taken.new, "known": taken.known, "source": texts[0].source}

        return effects.once(self._sutdol.db, key.flow, key.step, shop.now(), deed)

    def _bundled(self, key: Key, args: Json, tell: Tell) -> Json:
        taken = self._sutdol.take_in_bundled()  # taken in twice, they are there once
        return {"new": taken.new, "known": taken.known}

    def _look(self, key: Key, args: Json, tell: Tell) -> Json:
        shop = self._sutdol.workshop(args["role"])
        triggers = self._sutdol.triggers()
        return {"why": trigger.due(trigger.look(shop), triggers, shop.now())}

    def _measure(self, key: Key, args: Json, tell: Tell) -> Json:
        done = self._done(key)
        if done is not None:
            return done
        body = self._sutdol.evaluate()
        now = self._sutdol.guard.now()

        def deed(tx: Tx) -> Json:
            found = Evaluation(
                role="guard", version=body["version"], flow=key.flow, body=body, created_at=now
            )
            evaluations.add(tx, found)
            return {"version": body["version"], "seen": body["seen"]}

        return effects.once(self._sutdol.db, key.flow, key.step, now, deed)

    def _done(self, key: Key) -> Json | None:
        with self._sutdol.db.read() as tx:
            return effects.find(tx, key.flow, key.step)


def run_inline(
    sutdol: Sutdol, kind: str, args: Json, tell: Tell = lambda _: None, *, flow: str | None = None
) -> Json:
    """Run a flow here and now, with no engine: its effects are kept, its place in the plan is not.

    Others find this process to be the holder of its turn.
    """
    deeds = Deeds(sutdol).all()
    holder = flow or turn.new_holder()
    return inline.run(kind, args, flow=holder, kinds=KINDS, deeds=deeds, tell=tell)


def hand_command() -> Sequence[str]:
    return [sys.executable, "-m", "sutdol.hand"]


def greeting(settings: Settings) -> Json:
    """The settings of this process for its hand; secrets it reads from the environment itself."""
    flags = settings.model_dump(mode="json", exclude_none=True, exclude={"upstreams"})
    return {"settings": {name: flag for name, flag in flags.items() if flag != "**********"}}


def engine(sutdol: Sutdol, queues: Sequence[str] = ("flows", "cycles")) -> "Engine":
    """A worker for the flows of this Sutdol; with `queues`, those it takes flows from."""
    from sutdol.flow.engine import Engine, Shift  # 19 MB that a server has no use for

    chosen = sutdol.settings.worker
    shift = Shift(
        queues=tuple(queues),
        slots=chosen.slots,
        most=chosen.most,
        attempts=chosen.attempts,
    )
    home = sutdol.settings.home
    hand = Hand(hand_command(), greeting(sutdol.settings), tidy=lambda: files.sweep(home))
    return Engine(
        sutdol.place,
        KINDS,
        hand,
        shift,
        heard=lambda flow, event: sutdol.bus.publish(f"flow:{flow}", event),
    )


def schedules(sutdol: Sutdol) -> "list[Schedule]":
    """What a worker starts by the clock."""
    from sutdol.flow.engine import Schedule

    chosen = sutdol.settings.loop
    crons = {"evaluation": chosen.evaluate_cron, "cycle": chosen.improve_cron}
    return [
        Schedule(
            name=f"{kind}-{role}",
            cron=cron,
            kind=kind,
            args={"role": role, "seed": 0, "wait": False},
        )
        for kind, cron in crons.items()
        if cron != "off"
        for role in sutdol.workshops
    ]


def start_due(sutdol: Sutdol, desk: Desk) -> list[str]:
    """Start a turn for each role that is due; why. All workers together start each one once."""
    why = []
    for role, shop in sutdol.workshops.items():
        state = trigger.look(shop)
        reason = trigger.due(state, sutdol.triggers(), shop.now())
        flow = trigger.turn_id(role, state)
        if reason is not None and desk.find(flow) is None:
            desk.ask("cycle", {"role": role, "seed": 0, "wait": False, "why": reason}, flow=flow)
            why.append(f"{role}: {reason}")
    return why
