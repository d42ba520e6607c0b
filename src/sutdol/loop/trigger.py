"""Whether a role is due for a turn that nobody asked for. Pure, but for `look`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sutdol.core.errors import NothingToLearn
from sutdol.flow.plan import Child, Json, Kind, Plan, Step
from sutdol.loop.workshop import Workshop
from sutdol.storage import evaluations, examples, snapshots, versions

M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What there is to decide on; `last` is when a turn was last taken, `detection` the share of
    attacks that the reigning champion caught when it was last evaluated.
    """

    reigns: bool
    new_examples: int
    last: datetime | None
    detection: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """When to improve; see the settings under `loop`."""

    after_examples: int
    detection: float
    cooldown: timedelta


def due(state: State, triggers: Triggers, now: datetime) -> str | None:
    """Why a turn is due; None when it is not."""
    cooling = state.last is not None and now - state.last < triggers.cooldown
    if not state.reigns or state.new_examples == 0 or cooling:
        return None
    if triggers.after_examples and state.new_examples >= triggers.after_examples:
        return f"{state.new_examples} new examples"
    if state.detection is not None and state.detection < triggers.detection:
        return f"only {state.detection:.0%} of attacks caught"
    return None


def look(shop: Workshop[M]) -> State:
    """The state of a role."""
    role = shop.role.name
    with shop.db.read() as tx:
        champion = versions.alias(tx, role, "champion")
        known = versions.all(tx, role)
        measured = [one for one in evaluations.all(tx, role) if one.version == champion]
        frozen = [one.snapshot for one in known if one.snapshot]
        learned = snapshots.get(tx, frozen[-1]) if frozen else None
        dropped = int(str(learned.manifest.get("near_duplicates_dropped", 0))) if learned else 0
        here = examples.count(tx, role, part="train")
    return State(
        reigns=champion is not None,
        new_examples=max(0, here - (learned.rows + dropped if learned else 0)),
        last=known[-1].created_at if known else None,
        detection=_caught(measured[-1].body) if measured else None,
    )


def _caught(body: object) -> float | None:
    seen = body.get("seen") if isinstance(body, dict) else None
    value = seen.get("value") if isinstance(seen, dict) else None
    return float(value) if value is not None else None


def evaluation_plan(flow: str, args: Json) -> Plan:
    """Evaluate the champion, and improve the role if that makes it due; `args`: role, seed."""
    measured: Json = yield Step(name="measure", deed="evaluation.measure", args=args)
    found = yield Step(name="look", deed="evaluation.look", args=args)
    if found["why"] is None:
        return {**measured, "why": None}
    try:
        ended: Json = yield Child(name="cycle", kind="cycle", args={**args, "wait": False})
    except NothingToLearn as nothing:
        return {**measured, "why": found["why"], "nothing": str(nothing)}
    return {**measured, "why": found["why"], **ended}


KINDS = {"evaluation": Kind(plan=evaluation_plan)}


def turn_id(role: str, state: State) -> str:
    """The flow id of a turn that is due: all workers that see the same state start the same one."""
    last = state.last.isoformat(timespec="seconds") if state.last else "never"
    return f"due-{role}-{last}-{state.new_examples}"
