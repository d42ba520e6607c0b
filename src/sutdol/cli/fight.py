"""Fight a battle and show it: shared by `arena battle` and `demo`."""

from typing import TYPE_CHECKING, Any

from sutdol.cli.output import note, write_json
from sutdol.cli.running import resume, run
from sutdol.cli.show import Screen, curves
from sutdol.core.errors import NotReady, UsageError

if TYPE_CHECKING:
    from sutdol.app import Sutdol
    from sutdol.flow.plan import Json


def fight(sutdol: "Sutdol", args: "Json", *, json: str | None) -> dict[str, Any]:
    """Fight a new battle, or follow the same one that another process fights; its JSON.

    It is written to `json` as well, and so is what there is when the battle breaks off.
    """
    from sutdol.flow.desk import Desk, new_id

    with Desk(sutdol.place) as desk:
        same = [one for one in desk.unfinished("battle") if dict(one.args) == dict(args)]
    if same and same[0].state == "running":
        return _shown(sutdol, same[0].id, args["rounds"], None, json=json)
    return _shown(sutdol, new_id("battle"), args["rounds"], args, json=json)


def go_on(sutdol: "Sutdol", wanted: str, *, json: str | None) -> dict[str, Any]:
    """Go on with a battle, given by its id or "last"; its JSON, as `fight` gives it."""
    from sutdol.flow.desk import Desk, new_id
    from sutdol.storage import battles

    with sutdol.db.read() as tx:
        battle = battles.last(tx) if wanted == "last" else battles.get(tx, wanted)
    if battle is None:
        raise NotReady("No battle was fought yet: `sutdol arena battle --data FILE`.")
    if battle.state == "done":
        raise UsageError(f"Battle {battle.id} is over: start a new one.")
    with Desk(sutdol.place) as desk:
        flow = desk.find(battle.flow) if battle.flow else None
    rounds = int(str(battle.settings["rounds"]))
    if flow is not None and flow.state not in ("failed", "stale", "done"):
        with sutdol.db.write() as tx:
            battles.set_state(tx, battle.id, "running", sutdol.guard.now())
        return _shown(sutdol, flow.id, rounds, None, json=json)
    if battle.texts is None:
        raise NotReady(f"Battle {battle.id} was fought by an earlier release: start a new one.")
    args = {**battle.settings, "data": [], "battle": battle.id}
    return _shown(sutdol, new_id("battle"), rounds, args, json=json)


def _shown(
    sutdol: "Sutdol", flow: str, rounds: int, args: "Json | None", *, json: str | None
) -> dict[str, Any]:
    from sutdol.storage import battles

    to_stderr = json == "-"
    screen = Screen(rounds, to_stderr=to_stderr)

    def show(event: dict[str, Any]) -> None:
        if "stage" in event:
            screen.stage(str(event["stage"]))
            if event["stage"] == "found":
                note("training the first guard")
        elif "round" in event:
            with sutdol.db.read() as tx:
                screen.round(dict(battles.rounds(tx, event["battle"])[event["round"] - 1].body))

    try:
        with screen.showing():
            if args is None:
                resume(sutdol, flow, show)
            else:
                run(sutdol, "battle", args, show, flow=flow)
    finally:  # after Ctrl-C as well: what was finished is kept
        body = _so_far(sutdol, flow)
        if body["rounds"]:
            write_json(body, json)
    curves(body["rounds"], to_stderr=to_stderr)
    return body


def _so_far(sutdol: "Sutdol", flow: str) -> dict[str, Any]:
    """The JSON of the battle that the flow fights; without rounds if it never began."""
    from sutdol.arena.campaign import told
    from sutdol.storage import battles

    with sutdol.db.read() as tx:
        battle = battles.of_flow(tx, flow)
        return told(tx, battle.id) if battle else {"rounds": []}
