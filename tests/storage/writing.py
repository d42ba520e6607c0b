"""Rows for tests of the writer, databases that go away under it, and what it wrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from sutdol.core.errors import Unavailable
from sutdol.storage import engines
from sutdol.storage.database import Database
from sutdol.storage.tables import effect
from sutdol.storage.writer import Row

PROGRAM = """
from sutdol.storage.tables import effect
from sutdol.storage.writer import Row, Writer
def row(step, flow):
    values = {"flow": flow, "step": str(step), "body": {}, "created_at": now}
    return Row(table=effect, values=values)
"""
"""What a script of another process finds besides the prelude of `start`."""


def row(step: object, flow: str = "f", **values: object) -> Row:
    """A row of `effect`; `values` replace what is in it."""
    whole = {"flow": flow, "step": str(step), "body": {}, "created_at": datetime.now(UTC)}
    return Row(table=effect, values=whole | values)


def steps(db: Database, flow: str = "f") -> list[str]:
    """The steps of a flow that are on record, numbers in their order."""
    with db.read() as tx:
        found = tx.scalars(select(effect.c.step).where(effect.c.flow == flow)).all()
    return sorted(found, key=lambda step: (len(step), step))


class Moody(Database):
    """A database whose server goes away when told so.

    It raises `Unavailable` for as many transactions as `before` says before they begin, and for as
    many as `after` says when they are committed already: nobody can know then that they are.
    """

    before = after = 0

    @classmethod
    def at(cls, url: str) -> "Moody":
        return cls(engines.parsed(url), wait=5)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.before:
            self.before -= 1
            raise Unavailable("The server is gone: start it.")
        with super().write() as tx:
            yield tx
        if self.after:
            self.after -= 1
            raise Unavailable("The server is gone: start it.")
