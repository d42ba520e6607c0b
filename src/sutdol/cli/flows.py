"""`sutdol flows`: what runs, what waits, what stopped, and how to stop it or let it go on."""

from typing import TYPE_CHECKING, Any

from cyclopts import App

from sutdol.cli.output import Count, Json, note, opened, say, write_json

if TYPE_CHECKING:
    from sutdol.app import Sutdol
    from sutdol.flow.desk import Desk, Flow
    from sutdol.storage.battles import State

app = App(
    name="flows",
    help="Look after long work: list, show, cancel, resume.",
    help_format="plaintext",
    help_epilogue="",
)


@app.command(name="list")
def list_(*, limit: Count = 50, kind: str | None = None, json: Json = None) -> None:
    """All flows, newest first.

    Example: sutdol flows list --json -

    Parameters
    ----------
    limit
        How many at most.
    kind
        Only battle, cycle, found, train, import or evaluation.
    """
    from sutdol.flow.desk import Desk
    from sutdol.flows import kind_named

    with opened() as sutdol, Desk(sutdol.place) as desk:
        found = desk.all(limit=limit, kind=kind_named(kind) if kind else None)
    write_json([one.json() for one in found], json)
    if json == "-":
        return
    for one in found:
        say(_line(one))
    if not found:
        note(f"No {kind} was ever started here." if kind else "No flow was ever started here.")


@app.command
def show(flow: str, *, follow: bool = False, json: Json = None) -> None:
    """One flow: its state, its finished steps, and its events.

    Example: sutdol flows show battle-1a2b3c4d5e6f --follow

    Parameters
    ----------
    follow
        Stay until it is over.
    """
    from sutdol.flow.desk import Desk

    with opened() as sutdol, Desk(sutdol.place) as desk:
        found = desk.get(flow)
        if follow:
            found = _followed(desk, found)
        steps = desk.steps(flow)
    write_json(found.json() | {"steps": steps}, json)
    if json == "-":
        return
    for one in steps:
        say(f"  {str(one['ended'] or '')[11:19]:8} {one['step']} {one['flow'] or ''}".rstrip())
    say(_line(found))


def _followed(desk: "Desk", flow: "Flow") -> "Flow":
    """Show the events of the flow until it is over."""
    if not flow.over and not desk.workers():
        note("No worker is running: start one with `sutdol worker`.")
    for _, event in desk.events(flow.id):
        note(" ".join(f"{name} {value}" for name, value in event.items()))
    return desk.get(flow.id)


@app.command
def cancel(flow: str, *, json: Json = None) -> None:
    """Stop a flow within two seconds; what its finished steps did stays.

    Example: sutdol flows cancel cycle-1a2b3c4d5e6f
    """
    from sutdol.flow.desk import Desk

    with opened() as sutdol, Desk(sutdol.place) as desk:
        found = desk.cancel(flow)
        _note(sutdol, flow, "cancelled")
    _told(found, json)


@app.command
def resume(flow: str, *, json: Json = None) -> None:
    """Put a stopped flow back into the queue; a worker goes on with it where it stopped.

    To go on with a battle in this terminal, use `sutdol arena battle --resume`.

    Example: sutdol flows resume battle-1a2b3c4d5e6f
    """
    from sutdol.flow.desk import Desk

    with opened() as sutdol, Desk(sutdol.place) as desk:
        found = desk.resume(flow)
        _note(sutdol, flow, "running")
        idle = not desk.workers()
    _told(found, json)
    if idle:
        note("No worker is running: start one with `sutdol worker`.")


def _note(sutdol: "Sutdol", flow: str, state: "State") -> None:
    from sutdol.storage import battles

    with sutdol.db.write() as tx:
        battles.note(tx, flow, state, sutdol.guard.now())


@app.command
def prune(*, days: Count = 30, json: Json = None) -> None:
    """Forget the records of flows that ended long ago; what they did stays.

    Example: sutdol flows prune --days 30

    Parameters
    ----------
    days
        How many days ago they ended at least.
    """
    from datetime import timedelta

    from sutdol.flow.desk import Desk

    with opened() as sutdol, Desk(sutdol.place) as desk:
        gone = desk.prune(sutdol.guard.now() - timedelta(days=days))
    write_json({"pruned": gone}, json)
    if json != "-":
        say(f"{gone} flows forgotten")


def _told(flow: "Flow", json: str | None) -> None:
    write_json(flow.json(), json)
    if json != "-":
        say(_line(flow))


def _line(flow: "Flow") -> str:
    told: dict[str, Any] = flow.json()
    where = f" at {flow.step}" if flow.step and not flow.over else ""
    why = f": {flow.error}" if flow.error else ""
    return f"{told['started'][:19]} {flow.state:9} {flow.kind:10} {flow.id}{where}{why}"
