"""A battle as a plan: rounds in which the guard is attacked, learns, and is judged."""

from sutdol.core.errors import NothingToLearn
from sutdol.flow.plan import Child, Json, Kind, Plan, Step, Told


def plan(flow: str, args: Json) -> Plan:
    """`args` are those of cast.Plan, `data` with files to take in first, and `battle` where one is
    gone on with whose flow is lost. It ends with the battle's id.
    """
    for number, path in enumerate(args.get("data", []), 1):
        yield Told(event={"stage": "import", "file": path})
        yield Step(name=f"import-{number}", deed="examples.import", args={"path": path})
    yield from _first_guard(args)
    begun = yield Step(name="start", deed="battle.start", args=args)
    yield Told(event={"battle": begun["battle"], "rounds": args["rounds"]})
    try:
        yield from _rounds(begun, args)
    except Exception:
        yield Step(name="fail", deed="battle.end", args={**begun, "state": "failed"})
        raise
    yield Step(name="end", deed="battle.end", args={**begun, "state": "done"})
    return {"battle": begun["battle"]}


KIND = Kind(plan=plan)


def _first_guard(args: Json) -> Plan:
    reigns = yield Step(name="champion", deed="battle.champion", args=args)
    if not reigns["champion"]:
        founding = {"role": "guard", "seed": args["seed"], "wait": True}
        yield Told(event={"stage": "found"})
        yield Child(name="found", kind="found", args=founding)
    return {}


def _rounds(begun: Json, args: Json) -> Plan:
    promoted, back = begun["promoted"], begun["rolled_back"]
    for number in range(begun["done"] + 1, args["rounds"] + 1):
        this = {"battle": begun["battle"], "round": number}
        if promoted:
            yield Told(event={"stage": "measure", "round": number})
            back = (yield Step(name=f"{number}/watch", deed="battle.watch", args=this))["reason"]
        fought = yield Step(name=f"{number}/fight", deed="battle.fight", args=this)
        ended = (yield from _improved(number, args)) if fought["improve"] else {}
        promoted = ended.get("promoted", False)
        written = this | {"verdict": ended.get("verdict"), "rolled_back": back}
        yield Step(name=f"{number}/record", deed="battle.record", args=written)
        yield Told(event=this)
        back = None
    return {}


def _improved(number: int, args: Json) -> Plan:
    """One turn of the loop; nothing where there was nothing to learn."""
    yield Told(event={"stage": "improve", "round": number})
    turn = {"role": "guard", "seed": args["seed"], "wait": True}
    try:
        ended: Json = yield Child(name=str(number), kind="cycle", args=turn)
    except NothingToLearn:
        return {}
    return ended
