"""The types of our columns, portable between SQLite and PostgreSQL, and the list of all tables."""

from datetime import UTC, datetime

from sqlalchemy import JSON, Column, Dialect, MetaData, String, Text, TypeDecorator
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

from sutdol.core.errors import BadInput


def _bytewise(dialect: Dialect, length: int | None) -> TypeEngine[str]:
    """Text that PostgreSQL, too, compares byte by byte and not by the rules of a language."""
    collation = "C" if dialect.name == "postgresql" else None
    return String(length, collation) if length else Text(collation=collation)


class Words(TypeDecorator[str]):
    """Text that both databases sort alike, and that is refused by both where one cannot keep it."""

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        return _bytewise(dialect, self.length)

    def coerce_compared_value(self, op: OperatorType | None, value: object) -> TypeEngine[str]:
        return Text()  # to look for what cannot be there is no fault: it is not found

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if "\x00" in value:
            raise BadInput(f"The text {_shown(value)} holds a NUL character: take it out.")
        if self.length is not None and len(value) > self.length:
            raise BadInput(f"{_shown(value)} is longer than {self.length} characters: shorten it.")
        return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= 40 else f"{value[:40]}…")


class Moment(TypeDecorator[datetime]):
    """A point in time as ISO-8601 text in UTC, so that text order is time order."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        return _bytewise(dialect, 32)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment needs its time zone.")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def created() -> Column[datetime]:
    return Column("created_at", Moment, nullable=False)


def role() -> Column[str]:
    return Column("role", Words(32), nullable=False)


def body(name: str = "body") -> Column[dict[str, object]]:
    return Column(name, JSON, nullable=False)
