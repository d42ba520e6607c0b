"""Turns: whose turn it is to improve a role, whatever process or machine works for it."""

import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from sutdol.storage.tables import turn as table

HERE = "process:"
LONGEST = timedelta(hours=1)


def holder(tx: Connection, name: str) -> str | None:
    """The flow (or process) whose turn it is."""
    return tx.scalar(select(table.c.flow).where(table.c.name == name))


def take(
    tx: Connection, name: str, flow: str, now: datetime, *, over: Callable[[str], bool]
) -> str:
    """Whose turn it is now: `flow`'s own, unless another holds it that is not over.

    A flow's turn has no time limit: it ends with its holder, so neither a slow training nor a
    suspended machine loses it, and a dead one blocks nobody. A process does short work, and its end
    cannot be seen from another machine: its turn lasts an hour at the most.
    """
    row = tx.execute(select(table.c.flow, table.c.taken_at).where(table.c.name == name)).first()
    held = None if row is None else str(row.flow)
    if row is not None and is_process(row.flow) and now - row.taken_at > LONGEST:
        held = flow
    if held is None:
        tx.execute(insert(table).values(name=name, flow=flow, taken_at=now))
        return flow
    if held != flow and not over(held):
        return held
    tx.execute(update(table).where(table.c.name == name).values(flow=flow, taken_at=now))
    return flow


def give_back(tx: Connection, name: str, flow: str) -> None:
    """End the turn, if it is still the flow's."""
    tx.execute(delete(table).where(table.c.name == name, table.c.flow == flow))


def this_process() -> str:
    """The holder's name of work that runs in no flow."""
    return f"{HERE}{socket.gethostname()}:{os.getpid()}"


def is_process(holder: str) -> bool:
    return holder.startswith(HERE)


def is_dead_process(holder: str) -> bool:
    """Whether the holder is a process of this machine that is no more."""
    if not is_process(holder):
        return False
    host, _, pid = holder.removeprefix(HERE).partition("#")[0].rpartition(":")
    return host == socket.gethostname() and not _runs(int(pid))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True
