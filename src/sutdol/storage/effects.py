"""Effects: what a step of a flow did, kept with the deed, so that it is never done twice."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from sutdol.storage.database import Database
from sutdol.storage.tables import effect as table

Body = Mapping[str, Any]
Tx = Connection
"""An open transaction, for those who may not know the database's library."""


def find(tx: Connection, flow: str, step: str) -> Body | None:
    """What the step did, if it did it."""
    body: Body | None = tx.scalar(
        select(table.c.body).where(table.c.flow == flow, table.c.step == step)
    )
    return body


def once(
    db: Database, flow: str, step: str, now: datetime, deed: Callable[[Connection], Body]
) -> Body:
    """Do the deed and keep its answer in one transaction; done before, its answer is given again.

    A worker may be killed between our commit and the flow engine's record: then the step begins
    again, and must find that it is done.
    """
    with db.write() as tx:
        known = find(tx, flow, step)
        if known is not None:
            return known
        body = dict(deed(tx))
        tx.execute(insert(table).values(flow=flow, step=step, body=body, created_at=now))
        return body


def done_at(tx: Connection, flow: str, step: str) -> datetime | None:
    """When the step was done."""
    at: datetime | None = tx.scalar(
        select(table.c.created_at).where(table.c.flow == flow, table.c.step == step)
    )
    return at
