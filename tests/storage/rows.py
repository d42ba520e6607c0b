"""Rows for every table there is, of all that a table may hold."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import JSON, BigInteger, Boolean, Column, Connection, Float, Integer, Table, insert

from sutdol.storage.tables import Moment, Words, metadata

EACH = 12  # as text, the tenth comes before the second
TEXTS = (
    "plain",
    "한국어 욕설 없음",
    "zero\u200dwidth 😀",
    "'; DROP TABLE x; --",
    "\\N\t\r\n",
    "é e\u0301",
)
BODIES = (
    {"seen": 0.1, "n": 2**53, "한": ["가", None, True]},
    {},
    {"nul": "a\x00b", "emoji": "👩‍👩‍👧", "deep": {"b": 1e-300, "a": -0.0}},
)


def fill(tx: Connection) -> None:
    """Some rows in every table; what may be missing is missing in every third."""
    for table in metadata.sorted_tables:
        for number in range(1, EACH + 1):
            row = {column.name: _value(table, column, number) for column in table.columns}
            tx.execute(insert(table).values(row))


def _value(table: Table, column: Column[object], number: int) -> object:
    if column.nullable and number % 3 == 0:
        return None
    for key in column.foreign_keys:
        itself = key.column.table is table
        return _key(key.column, number - itself) if number > itself else None
    if column.primary_key or column.unique or column.name == "number":
        return _key(column, number)
    return _plain(column, number)


def _key(column: Column[object], number: int) -> object:
    for further in column.foreign_keys:
        return _key(further.column, number)
    return number if isinstance(column.type, Integer) else f"{column.table.name}-{number}"


def _plain(column: Column[object], number: int) -> object:
    values = {
        Moment: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(days=number, microseconds=number),
        JSON: BODIES[number % len(BODIES)],
        Boolean: number % 2 == 0,
        Float: 0.2 / ((number + 3) * (number + 4)),
        BigInteger: (-1) ** number * (2**63 - number),
        Integer: number,
        Words: TEXTS[number % len(TEXTS)][: getattr(column.type, "length", None)],
    }
    return next(value for kind, value in values.items() if isinstance(column.type, kind))
