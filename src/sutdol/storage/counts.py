"""Count the rows of a table by what stands in a column."""

from typing import TypeVar

from sqlalchemy import Column, Connection, func, select

S = TypeVar("S", bound=str)


def by(tx: Connection, column: Column[S], **only: str | None) -> dict[S, int]:
    """How many rows have each value that there is, of those with `only` these in other columns."""
    wanted = [column.table.c[name] == value for name, value in only.items()]
    counted = select(column, func.count()).where(*wanted).group_by(column)
    return dict(tx.execute(counted).all())
