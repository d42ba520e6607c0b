"""Run a flow here and show it, or follow one that runs elsewhere."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sutdol.cli.output import note
from sutdol.core.errors import BadInput, SutdolError

if TYPE_CHECKING:
    from sutdol.app import Sutdol
    from sutdol.flow.desk import Desk
    from sutdol.flow.engine import Engine
    from sutdol.flow.plan import Json

Show = Callable[[dict[str, Any]], None]

PATIENCE = 1.0  # seconds without an event after which the flow itself is looked at
ABANDONED = ("orphaned", "waiting")


def run(
    sutdol: "Sutdol", kind: str, args: "Json", show: Show, *, flow: str | None = None
) -> "Json":
    """Run a flow in this process to its end; what it ended with.

    Ctrl-C stops the flow; what its finished steps did stays.
    """
    from sutdol.flow.desk import Desk, new_id

    _require_text(args)
    id_ = flow or new_id(kind)
    with _engine(sutdol) as here, Desk(sutdol.place) as desk:
        with _stopping(sutdol, desk, id_):
            here.start(kind, args, flow=id_)
            _attend(desk, id_, show, here.require_heard)
        return desk.outcome(id_)


def resume(sutdol: "Sutdol", id_: str, show: Show) -> "Json":
    """Show a flow to its end: follow it where it runs, and go on with it here if nobody does."""
    from sutdol.flow.desk import Desk

    with Desk(sutdol.place) as desk:
        state = desk.get(id_).state
        if state == "running":
            note(f"{id_} runs in another process; following it")
        with ExitStack() as stack:
            here: list[Engine] = []

            def look() -> None:
                if here:
                    here[0].require_heard()
                elif desk.get(id_).state in ABANDONED:
                    here.append(_take_over(sutdol, desk, id_, stack))

            if state == "cancelled":
                here.append(_take_over(sutdol, desk, id_, stack))
            _attend(desk, id_, show, look)
        return desk.outcome(id_)


def _require_text(args: "Json") -> None:
    """Refuse what no database can keep, such as a file name that is no Unicode."""
    for value in args.values():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadInput(f"{value!r} is no Unicode text: write it in UTF-8.") from None


def _attend(desk: "Desk", id_: str, show: Show, look: Callable[[], None]) -> None:
    """Show the events until the flow is over; `look` whenever it has been silent for a while."""
    seen = 0
    while True:
        for number, event in desk.events(id_, after=seen, patience=PATIENCE):
            seen = number
            show(event)
        if desk.get(id_).over:
            return
        look()


def _take_over(sutdol: "Sutdol", desk: "Desk", id_: str, stack: ExitStack) -> "Engine":
    here = stack.enter_context(_engine(sutdol))
    stack.enter_context(_stopping(sutdol, desk, id_))
    desk.resume(id_, queue=here.own_queue)
    note(f"going on with {id_} here")
    return here


def _engine(sutdol: "Sutdol") -> "Engine":
    from sutdol.flows import engine

    return engine(sutdol, queues=("cycles",))


@contextmanager
def _stopping(sutdol: "Sutdol", desk: "Desk", id_: str) -> Iterator[None]:
    """Let whatever ends the showing stop the flow that runs here."""
    try:
        yield
    except BaseException as end:  # Ctrl-C, or a reader that went away
        with suppress(SutdolError):  # it came to its end meanwhile, or its database is away
            desk.cancel(id_)
            battle = _interrupted(sutdol, id_)
            if battle is not None and isinstance(end, KeyboardInterrupt):
                note(f"Go on with `sutdol arena battle --resume {battle}`.")
        raise


def _interrupted(sutdol: "Sutdol", flow: str) -> str | None:
    """Mark the flow's battle as interrupted; its id."""
    from sutdol.storage import battles

    with sutdol.db.write() as tx:
        battle = battles.of_flow(tx, flow)
        if battle is None:
            return None
        battles.set_state(tx, battle.id, "interrupted", sutdol.guard.now())
    return battle.id
