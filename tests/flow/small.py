"""Flows without a Sutdol: naps, tales, poison and nests, to try what an engine does with them."""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sutdol.core.errors import Refused, Unavailable
from sutdol.flow.plan import Child, Deed, Json, Key, Kind, Pause, Plan, Step, Tell, Told


def nap_plan(flow: str, args: Json) -> Plan:
    slept: Json = yield Step(name="nap", deed="nap", args=args)
    return slept


def tale_plan(flow: str, args: Json) -> Plan:
    """So many lines, each told by the plan and then said by a deed."""
    for line in range(args["lines"]):
        yield Told(event={"line": line})
        yield Step(name=f"say-{line}", deed="say", args={"line": line})
        if args.get("pause"):
            yield Pause(seconds=args["pause"])
    return {"lines": args["lines"]}


def poison_plan(flow: str, args: Json) -> Plan:
    yield Step(name="water", deed="say", args={"line": 0})
    drunk: Json = yield Step(name="poison", deed="poison", args=args)
    return drunk


def drought_plan(flow: str, args: Json) -> Plan:
    drunk: Json = yield Step(name="drink", deed="drink", args=args)
    return drunk


def nest_plan(flow: str, args: Json) -> Plan:
    """A nap so many flows deep."""
    if not args["deep"]:
        return (yield Step(name="nap", deed="nap", args=args))
    ended: Json = yield Child(name="in", kind="nest", args={**args, "deep": args["deep"] - 1})
    return {**ended, "deep": args["deep"]}


def refusal_plan(flow: str, args: Json) -> Plan:
    try:
        yield Step(name="refuse", deed="refuse", args=args)
    except Refused:
        yield Step(name="regret", deed="say", args={"line": 1})
        raise
    return {}


PLANS = {
    "nap": nap_plan,
    "tale": tale_plan,
    "poison": poison_plan,
    "drought": drought_plan,
    "nest": nest_plan,
    "refusal": refusal_plan,
}
KINDS: Mapping[str, Kind] = {name: Kind(plan=plan) for name, plan in PLANS.items()}


def deeds(home: Path, hook: Callable[[], None]) -> dict[str, Deed]:
    def nap(key: Key, args: Json, tell: Tell) -> Json:
        note(home, "begin", key.flow)
        hook()
        time.sleep(args["seconds"])
        note(home, "end", key.flow)
        return {"slept": args["seconds"]}

    def say(key: Key, args: Json, tell: Tell) -> Json:
        hook()
        tell({"said": args["line"]})
        return {"said": args["line"]}

    def poison(key: Key, args: Json, tell: Tell) -> Json:
        if not (home / "antidote").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return {"drunk": True}

    def drink(key: Key, args: Json, tell: Tell) -> Json:
        note(home, "begin", key.flow)
        if sum(one["flow"] == key.flow for one in naps(home)) <= args["away"]:
            raise Unavailable("The well is dry: try again.")
        return {"drunk": True}

    def refuse(key: Key, args: Json, tell: Tell) -> Json:
        raise Refused("It is forbidden: ask for less.")

    return {"nap": nap, "say": say, "poison": poison, "drink": drink, "refuse": refuse}


def note(home: Path, what: str, flow: str) -> None:
    line = json.dumps({"at": time.monotonic(), "what": what, "flow": flow})
    with (home / "naps").open("a") as file:
        file.write(line + "\n")


def naps(home: Path) -> list[dict[str, Any]]:
    """Beginnings and ends of all naps, in their order."""
    return [json.loads(line) for line in (home / "naps").read_text().splitlines()]
