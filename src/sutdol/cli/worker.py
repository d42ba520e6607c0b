"""`sutdol worker`: run the flows that others start, and take over those of workers that died."""

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sutdol.cli.output import note, opened
from sutdol.core.errors import SutdolError

if TYPE_CHECKING:
    from sutdol.app import Sutdol
    from sutdol.flow.desk import Desk


def worker(*, parent: Annotated[int | None, Parameter(show=False)] = None) -> None:
    """Run until stopped, or until the process that started it dies; the help stands in root.py."""
    import logging

    from sutdol.flow.desk import Desk
    from sutdol.flows import engine, schedules

    if parent is not None:
        from sutdol.serve.parent import leave_with

        leave_with(parent)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    with opened() as sutdol, engine(sutdol) as here, Desk(sutdol.place) as desk:
        here.schedule(schedules(sutdol), timezone=sutdol.settings.loop.timezone)
        mirror = sutdol.mirroring(stop)
        note(f"{here.me} works; stop it with Ctrl-C: what it does goes on elsewhere or later")
        while not stop.wait(sutdol.settings.loop.look):
            _look(sutdol, desk)
        note(f"{here.me} leaves; its flows wait for another worker")
    if mirror is not None:
        mirror.join(timeout=5)


def _look(sutdol: "Sutdol", desk: "Desk") -> None:
    """Start what is due, and tidy up."""
    from sutdol.flows import start_due

    try:
        for why in start_due(sutdol, desk):
            note(f"improving the {why}")
        sutdol.tidy()
    except SutdolError as error:  # a database that is away may be back at the next look
        note(f"could not look what is due: {error}")
