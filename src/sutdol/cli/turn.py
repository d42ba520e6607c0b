"""The turn that another flow has: follow it, or go on with it where its worker died."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sutdol.app import Sutdol
    from sutdol.cli.running import Show
    from sutdol.flow.plan import Json


def instead(sutdol: "Sutdol", role: str, holder: str, show: "Show") -> "Json":
    """What the turn of the holder came to; `Busy` where a process has it that runs no flow."""
    from sutdol.cli.running import resume
    from sutdol.flow.desk import Desk
    from sutdol.loop import turn

    with Desk(sutdol.place) as desk:
        known = desk.find(holder) is not None
    if not known:
        raise turn.busy(role, holder)
    return resume(sutdol, holder, show)
