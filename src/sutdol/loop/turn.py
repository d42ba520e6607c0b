"""One at a time: who improves, calibrates or prunes a role holds its turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

from sutdol.core.errors import Busy
from sutdol.loop.workshop import Workshop
from sutdol.storage import turns

M = TypeVar("M")


def name_of(role: str) -> str:
    return f"improve-{role}"


def take(shop: Workshop[M], flow: str) -> str:
    """Whose turn it is after `flow` asked for it."""
    with shop.db.write() as tx:
        return turns.take(tx, name_of(shop.role.name), flow, shop.now(), over=shop.over)


def give_back(shop: Workshop[M], flow: str) -> None:
    with shop.db.write() as tx:
        turns.give_back(tx, name_of(shop.role.name), flow)


@contextmanager
def hold(shop: Workshop[M]) -> Iterator[None]:
    """Hold the turn for short work of this process; `Busy` names who has it."""
    mine = new_holder()
    held = take(shop, mine)
    if held != mine:
        raise busy(shop.role.name, held)
    try:
        yield
    finally:
        give_back(shop, mine)


def new_holder() -> str:
    """A name for work of this process that runs in no flow; two threads are two holders."""
    return f"{turns.this_process()}#{uuid4().hex[:6]}"


def busy(role: str, holder: str) -> Busy:
    if holder.startswith(turns.HERE):
        pid = holder.rpartition(":")[2].partition("#")[0]
        return Busy(f"Another process (pid {pid}) is improving the {role}: wait, then try again.")
    return Busy(
        f"Flow {holder} is improving the {role}: follow it with `sutdol flows show {holder}"
        " --follow`, or stop it with `sutdol flows cancel`."
    )
