"""What an outside registry has been told so far, and whose turn it is to tell it more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from sqlalchemy import Connection, delete, func, insert, select

from sutdol.core.errors import Busy
from sutdol.storage import turns
from sutdol.storage.tables import mirrored as table
from sutdol.storage.tables import turn as turn_table

Kind = Literal["role", "run", "version", "alias", "battle"]

LEASE = timedelta(minutes=2)
"""Who told nothing for so long has died on another machine, and loses the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """`state` is what was told, `remote` what the registry calls it."""

    state: str
    remote: str


Known = Mapping[tuple[str, str], Mirrored]
"""What was told, by kind and subject."""


def told(tx: Connection, target: str) -> dict[tuple[str, str], Mirrored]:
    rows = tx.execute(select(table).where(table.c.target == target))
    return {(row.kind, row.subject): Mirrored(state=row.state, remote=row.remote) for row in rows}


def last(tx: Connection, target: str) -> datetime | None:
    """When something was told last."""
    moment: datetime | None = tx.scalar(
        select(func.max(table.c.created_at)).where(table.c.target == target)
    )
    return moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The right to tell: two who tell at once would tell things twice."""

    target: str
    holder: str

    @classmethod
    def of_this_process(cls, target: str) -> "Turn":
        """A turn to take; two threads of a process are two."""
        return cls(target=target, holder=f"{turns.this_process()}#{uuid4().hex[:6]}")

    def take(self, tx: Connection, now: datetime) -> None:
        """Take the turn, or raise `Busy` while somebody else has it."""
        chosen = turn_table.c.name == self.target
        since = tx.scalar(select(turn_table.c.taken_at).where(chosen))
        silent = since is not None and now - since > LEASE
        held = turns.take(
            tx, self.target, self.holder, now, over=lambda one: silent or turns.is_dead_process(one)
        )
        if held != self.holder:
            raise Busy("Another process is telling MLflow: wait for it and try again.")

    def record(
        self, tx: Connection, kind: Kind, subject: str, what: Mirrored, now: datetime
    ) -> None:
        """Keep what was told, and the turn."""
        self.take(tx, now)
        key = {"target": self.target, "kind": kind, "subject": subject}
        tx.execute(delete(table).filter_by(**key))
        row = {"state": what.state, "remote": what.remote, "created_at": now}
        tx.execute(insert(table).values(key | row))

    def forget(self, tx: Connection) -> None:
        """Everything is to be told anew."""
        tx.execute(delete(table).where(table.c.target == self.target))

    def give_back(self, tx: Connection) -> None:
        turns.give_back(tx, self.target, self.holder)
