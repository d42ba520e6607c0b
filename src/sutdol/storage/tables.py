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


class Moment(TypeDecorator[datetime]):
    """A point in time as ISO-8601 text in UTC, so that text order is time order."""

    impl = String(32)
    cache_ok = True

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
    return Column("role", String(32), nullable=False)


def _body(name: str = "body") -> Column[dict[str, object]]:
    return Column(name, JSON, nullable=False)


example = Table(
    "example",
    metadata,
    Column("id", String(64), primary_key=True),  # content hash, see examples.identity
    _role(),
    Column("input", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("lang", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("part", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
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
    Column("role", String(32), primary_key=True),
    # A hash: a group's key may be made of its text, which `forget` must be able to erase.
    Column("group_key", String(64), primary_key=True),
    Column("part", String(16), nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("hash", String(64), primary_key=True),
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
    Column("id", String(64), primary_key=True),
    _role(),
    Column("number", Integer, nullable=False),
    Column("parent", ForeignKey("version.id")),
    Column("snapshot", ForeignKey("snapshot.hash")),
    Column("path", Text, nullable=False),
    Column("checksum", String(64), nullable=False),
    _body("manifest"),
    _created(),
    UniqueConstraint("role", "number"),
)

alias = Table(
    "alias",
    metadata,
    Column("role", String(32), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("version", ForeignKey("version.id"), nullable=False),
)

exam = Table(
    "exam",
    metadata,
    Column("id", String(64), primary_key=True),
    _role(),
    Column("state", String(16), nullable=False),
    Column("drawn_at", Moment, nullable=False),
    Column("retired_at", Moment),
    Column("why", Text),
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
    Column("key", String(64), nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("champion", String(64)),
    Column("challenger", String(64), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("exam", ForeignKey("exam.id")),
    _created(),
    Index(None, "role"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("id", String(64), primary_key=True),
    _role(),
    Column("champion", String(64)),
    Column("challenger", String(64), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reason", Text, nullable=False),
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
    Column("kind", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("verdict", ForeignKey("verdict.id")),
    Column("actor", Text, nullable=False),
    Column("looks_before", Integer, nullable=False),
    Column("looks_paid", Integer, nullable=False),  # see looks.py
    _created(),
    Index(None, "role"),
)

suite_item = Table(
    "suite_item",
    metadata,
    Column("key", String(64), primary_key=True),
    _role(),
    Column("example", ForeignKey("example.id"), nullable=False, index=True),
    Column("attack", String(64), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("fixed_by", ForeignKey("version.id"), nullable=False),
    Column("removed_at", Moment),
    Column("removed_why", Text),
    Index(None, "role"),
)

sealed_read = Table(
    "sealed_read",
    metadata,
    Column("id", Integer, primary_key=True),
    _role(),
    Column("version", ForeignKey("version.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("body", JSON(none_as_null=True)),
    _created(),
    Index(None, "role"),
)

battle = Table(
    "battle",
    metadata,
    Column("id", String(64), primary_key=True),
    _role(),
    Column("seed", BigInteger, nullable=False),
    _body("settings"),
    Column("state", String(16), nullable=False),
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
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    _body(),
    _created(),
)
