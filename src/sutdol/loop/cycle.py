"""One turn of the loop: claim, snapshot, train, evaluate, gate, promote or not; as a plan."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sutdol.flow import inline
from sutdol.flow.plan import Json, Kind, Pause, Plan, Step, Told
from sutdol.loop import turn
from sutdol.loop.stages import deeds
from sutdol.loop.workshop import Workshop
from sutdol.storage import verdicts, versions
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

M = TypeVar("M")
Progress = Callable[[str], None]

WAIT = 1.0  # seconds between two looks at whose turn it is


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one turn came to."""

    verdict: StoredVerdict
    promoted: bool
    exam: str


def improve_plan(flow: str, args: Json) -> Plan:
    """Train a challenger and let the gate decide.

    `args`: role, seed, dry_run, and wait: whether to wait for another's turn. It ends with the
    verdict's id, whether it promoted, and what became of the exam; or with `busy`, the holder.
    """
    return _in_turn(args, _improve)


def found_plan(flow: str, args: Json) -> Plan:
    """Train and crown the first champion, or one in place of one that does not load."""
    return _in_turn(args, _found)


KINDS = {
    "cycle": Kind(plan=improve_plan, queue="cycles"),
    "found": Kind(plan=found_plan, queue="cycles"),
}


def _in_turn(args: Json, work: Callable[[Json], Plan]) -> Plan:
    attempt = 1
    while (claim := (yield _step(f"claim-{attempt}", args)))["held"] is not None:
        if not args.get("wait", True) and not claim.get("soon"):
            return {"busy": claim["held"]}
        if attempt == 1:
            yield Told(event={"stage": "wait", "for": claim["held"]})
        yield Pause(seconds=WAIT)
        attempt += 1
    try:
        ended = yield from work(args)
    except Exception:
        yield _step("release", args)
        raise
    yield _step("release", args)
    return ended


def _found(args: Json) -> Plan:
    yield Told(event={"stage": "train"})
    frozen = yield _step("first", args)
    trained = yield _step("train", args, parent=None, **frozen)
    crowned = yield _step("crown", args, version=trained["version"])
    return {"version": crowned["version"]}


def _improve(args: Json) -> Plan:
    yield Told(event={"stage": "snapshot"})
    match = yield _step("snapshot", args)
    yield Told(event={"stage": "train"})
    trained = yield _step("train", args, parent=match["champion"], **match)
    yield Told(event={"stage": "evaluate"})
    pair = match | {"challenger": trained["version"]}
    look = yield _step("evaluate", args, **pair)
    decided = yield _step("gate", args, look=look["look"])
    ended = {"verdict": decided["verdict"], "decision": decided["decision"]}
    if decided["decision"] != "promote" or args.get("dry_run"):
        return ended | {"promoted": False, "exam": match["exam"]}
    yield Told(event={"stage": "promote"})
    won = yield _step("promote", args, **ended, snapshot=match["snapshot"])
    return ended | {"promoted": True, "exam": won["exam"]}


def _step(name: str, args: Json, **more: object) -> Step:
    deed = name.partition("-")[0]
    return Step(name=name, deed=f"cycle.{deed}", args={**args, **more})


def found(shop: Workshop[M], *, seed: int) -> Version:
    """Found a role here and now, in no flow."""
    ended = _run(shop, "found", {"seed": seed}, lambda _: None)
    with shop.db.read() as tx:
        return versions.get(tx, ended["version"])


def improve(
    shop: Workshop[M],
    *,
    seed: int = 0,
    dry_run: bool = False,
    progress: Progress = lambda _: None,
) -> Outcome:
    """One turn here and now, in no flow; a dry run costs a look too. `Busy` is not waited for."""
    ended = _run(shop, "cycle", {"seed": seed, "dry_run": dry_run}, progress)
    with shop.db.read() as tx:
        stored = verdicts.get(tx, ended["verdict"])
    return Outcome(verdict=stored, promoted=ended["promoted"], exam=ended["exam"])


def _run(shop: Workshop[M], kind: str, args: Json, progress: Progress) -> Json:
    role = shop.role.name
    ended = inline.run(
        kind,
        {"role": role, "wait": False, **args},
        flow=turn.new_holder(),
        kinds=KINDS,
        deeds=deeds(lambda _: shop),
        tell=lambda event: progress(str(event["stage"])),
    )
    if "busy" in ended:
        raise turn.busy(role, ended["busy"])
    return ended
