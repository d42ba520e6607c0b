"""Stamps: counters of changes, by which a process sees that the rows it keeps in memory are old."""

from sqlalchemy import Connection, insert, select, update

from sutdol.storage.server_tables import stamp as table

KEYS = "keys"
"""Who may ask: users, keys and sessions. Whatever changes what `find` answers counts it on."""


def bump(tx: Connection, name: str) -> None:
    """Count one change; those who look see it when the transaction is committed."""
    counted = update(table).where(table.c.name == name).values(number=table.c.number + 1)
    if tx.execute(counted).rowcount == 0:
        tx.execute(insert(table).values(name=name, number=1))


def all(tx: Connection) -> dict[str, int]:
    """Every stamp by name; what never changed has none."""
    return {row.name: row.number for row in tx.execute(select(table))}
