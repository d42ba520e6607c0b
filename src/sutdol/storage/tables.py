"""All tables. Portable types only: the same definitions serve SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
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


def _created() -> Column[datetime]:
    return Column("created_at", Moment, nullable=False)


def _role() -> Column[str]:
    return Column("role", Words(32), nullable=False)


def _body(name: str = "body") -> Column[dict[str, object]]:
    return Column(name, JSON, nullable=False)


example = Table(
    "example",
    metadata,
    Column("id", Words(64), primary_key=True),  # content hash, see examples.identity
    _role(),
    Column("input", Words, nullable=False),
    Column("target", Words, nullable=False),
    Column("lang", Words(16), nullable=False),
    Column("source", Words, nullable=False),
    Column("group_key", Words, nullable=False),
    Column("part", Words(16), nullable=False),
    Column("kind", Words(16), nullable=False),
    Column("reviewed", Boolean, nullable=False),
    _body("meta"),
    Column("forgotten_at", Moment),
    _created(),
    Index(None, "role", "part"),
    Index(None, "role", "source"),
)

group_part = Table(
    "group_part",
    metadata,
    Column("role", Words(32), primary_key=True),
    # A hash: a group's key may be made of its text, which `forget` must be able to erase.
    Column("group_key", Words(64), primary_key=True),
    Column("part", Words(16), nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("hash", Words(64), primary_key=True),
    _role(),
    Column("rows", Integer, nullable=False),
    _body("manifest"),
    _created(),
)

snapshot_row = Table(
    "snapshot_row",
    metadata,
    Column("snapshot", ForeignKey("snapshot.hash"), primary_key=True),
    Column("example", ForeignKey("example.id"), primary_key=True, index=True),
)

version = Table(
    "version",
    metadata,
    Column("id", Words(64), primary_key=True),
    _role(),
    Column("number", Integer, nullable=False),
    Column("parent", ForeignKey("version.id")),
    Column("snapshot", ForeignKey("snapshot.hash")),
    Column("path", Words, nullable=False),
    Column("checksum", Words(64), nullable=False),
    _body("manifest"),
    _created(),
    UniqueConstraint("role", "number"),
)

alias = Table(
    "alias",
    metadata,
    Column("role", Words(32), primary_key=True),
    Column("name", Words(32), primary_key=True),
    Column("version", ForeignKey("version.id"), nullable=False),
)

exam = Table(
    "exam",
    metadata,
    Column("id", Words(64), primary_key=True),
    _role(),
    Column("state", Words(16), nullable=False),
    Column("drawn_at", Moment, nullable=False),
    Column("retired_at", Moment),
    Column("why", Words),
)

exam_case = Table(
    "exam_case",
    metadata,
    Column("exam", ForeignKey("exam.id"), primary_key=True),
    Column("example", ForeignKey("example.id"), primary_key=True, index=True),
)

look = Table(
    "look",
    metadata,
    Column("id", Integer, primary_key=True),
    _role(),
    Column("key", Words(64), nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("champion", Words(64)),
    Column("challenger", Words(64), nullable=False),
    Column("purpose", Words, nullable=False),
    Column("exam", ForeignKey("exam.id")),
    _created(),
    Index(None, "role"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("id", Words(64), primary_key=True),
    _role(),
    Column("champion", Words(64)),
    Column("challenger", Words(64), nullable=False),
    Column("decision", Words(16), nullable=False),
    Column("reason", Words, nullable=False),
    _body(),
    Column("snapshot", ForeignKey("snapshot.hash")),
    Column("exam", ForeignKey("exam.id")),
    Column("look", ForeignKey("look.key"), unique=True),  # one look, one verdict
    _created(),
    Index(None, "role"),
)

promotion = Table(
    "promotion",
    metadata,
    Column("id", Integer, primary_key=True),
    _role(),
    Column("from_version", ForeignKey("version.id")),
    Column("to_version", ForeignKey("version.id"), nullable=False),
    Column("kind", Words(16), nullable=False),
    Column("reason", Words, nullable=False),
    Column("verdict", ForeignKey("verdict.id")),
    Column("actor", Words, nullable=False),
    Column("looks_before", Integer, nullable=False),
    Column("looks_paid", Integer, nullable=False),  # see looks.py
    _created(),
    Index(None, "role"),
)

suite_item = Table(
    "suite_item",
    metadata,
    Column("key", Words(64), primary_key=True),
    _role(),
    Column("example", ForeignKey("example.id"), nullable=False, index=True),
    Column("attack", Words(64), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("fixed_by", ForeignKey("version.id"), nullable=False),
    Column("removed_at", Moment),
    Column("removed_why", Words),
    Index(None, "role"),
)

sealed_read = Table(
    "sealed_read",
    metadata,
    Column("id", Integer, primary_key=True),
    _role(),
    Column("version", ForeignKey("version.id"), nullable=False),
    Column("purpose", Words, nullable=False),
    Column("body", JSON(none_as_null=True)),
    _created(),
    Index(None, "role"),
)

battle = Table(
    "battle",
    metadata,
    Column("id", Words(64), primary_key=True),
    _role(),
    Column("seed", BigInteger, nullable=False),
    _body("settings"),
    Column("state", Words(16), nullable=False),
    Column("flow", Words(128), unique=True),  # the durable flow that fights it
    Column("texts", ForeignKey("snapshot.hash")),  # who fights and who watches, frozen at the start
    _body("data"),
    _created(),
    Column("updated_at", Moment, nullable=False),
)

round_ = Table(
    "round",
    metadata,
    Column("battle", ForeignKey("battle.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    _body(),
    _body("timing"),
    _created(),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("actor", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("subject", Words, nullable=False),
    _body(),
    _created(),
)

effect = Table(
    "effect",
    metadata,
    # What a step of a flow did, written with the deed: a step that is run again finds it done.
    Column("flow", Words(128), primary_key=True),
    Column("step", Words(64), primary_key=True),
    _body(),
    _created(),
)

turn = Table(
    "turn",
    metadata,
    Column("name", Words(64), primary_key=True),
    Column("flow", Words(128), nullable=False),  # whose turn it is
    Column("taken_at", Moment, nullable=False),
)

evaluation = Table(
    "evaluation",
    metadata,
    Column("id", Integer, primary_key=True),
    _role(),
    Column("version", ForeignKey("version.id"), nullable=False),
    Column("flow", Words(128), unique=True),
    _body(),
    _created(),
    Index(None, "role"),
)

mirrored = Table(
    "mirrored",
    metadata,
    # What an outside registry has been told, and the name it gave it.
    Column("target", Words(64), primary_key=True),
    Column("kind", Words(16), primary_key=True),
    Column("subject", Words(96), primary_key=True),
    Column("state", Words(64), nullable=False),
    Column("remote", Words, nullable=False),
    _created(),
)
