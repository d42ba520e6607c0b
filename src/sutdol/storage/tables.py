"""The tables of the loop: examples, versions, verdicts, battles and what happened to them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from sutdol.storage import server_tables
from sutdol.storage.columns import Moment, Words, body, created, metadata, role

__all__ = ["Moment", "Words", "metadata", "server_tables"]  # one import brings all tables

example = Table(
    "example",
    metadata,
    Column("id", Words(64), primary_key=True),  # content hash, see examples.identity
    role(),
    Column("input", Words, nullable=False),
    Column("target", Words, nullable=False),
    Column("lang", Words(16), nullable=False),
    Column("source", Words, nullable=False),
    Column("group_key", Words, nullable=False),
    Column("part", Words(16), nullable=False),
    Column("kind", Words(16), nullable=False),
    Column("reviewed", Boolean, nullable=False),
    body("meta"),
    Column("forgotten_at", Moment),
    created(),
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
    role(),
    Column("rows", Integer, nullable=False),
    body("manifest"),
    created(),
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
    role(),
    Column("number", Integer, nullable=False),
    Column("parent", ForeignKey("version.id")),
    Column("snapshot", ForeignKey("snapshot.hash")),
    Column("path", Words, nullable=False),
    Column("checksum", Words(64), nullable=False),
    body("manifest"),
    created(),
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
    role(),
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
    role(),
    Column("key", Words(64), nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("champion", Words(64)),
    Column("challenger", Words(64), nullable=False),
    Column("purpose", Words, nullable=False),
    Column("exam", ForeignKey("exam.id")),
    created(),
    Index(None, "role"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("id", Words(64), primary_key=True),
    role(),
    Column("champion", Words(64)),
    Column("challenger", Words(64), nullable=False),
    Column("decision", Words(16), nullable=False),
    Column("reason", Words, nullable=False),
    body(),
    Column("snapshot", ForeignKey("snapshot.hash")),
    Column("exam", ForeignKey("exam.id")),
    Column("look", ForeignKey("look.key"), unique=True),  # one look, one verdict
    created(),
    Index(None, "role"),
)

promotion = Table(
    "promotion",
    metadata,
    Column("id", Integer, primary_key=True),
    role(),
    Column("from_version", ForeignKey("version.id")),
    Column("to_version", ForeignKey("version.id"), nullable=False),
    Column("kind", Words(16), nullable=False),
    Column("reason", Words, nullable=False),
    Column("verdict", ForeignKey("verdict.id")),
    Column("actor", Words, nullable=False),
    Column("looks_before", Integer, nullable=False),
    Column("looks_paid", Integer, nullable=False),  # see looks.py
    created(),
    Index(None, "role"),
)

suite_item = Table(
    "suite_item",
    metadata,
    Column("key", Words(64), primary_key=True),
    role(),
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
    role(),
    Column("version", ForeignKey("version.id"), nullable=False),
    Column("purpose", Words, nullable=False),
    Column("body", JSON(none_as_null=True)),
    created(),
    Index(None, "role"),
)

battle = Table(
    "battle",
    metadata,
    Column("id", Words(64), primary_key=True),
    role(),
    Column("seed", BigInteger, nullable=False),
    body("settings"),
    Column("state", Words(16), nullable=False),
    Column("flow", Words(128), unique=True),  # the durable flow that fights it
    Column("texts", ForeignKey("snapshot.hash")),  # who fights and who watches, frozen at the start
    body("data"),
    created(),
    Column("updated_at", Moment, nullable=False),
)

round_ = Table(
    "round",
    metadata,
    Column("battle", ForeignKey("battle.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    body(),
    body("timing"),
    created(),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("actor", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("subject", Words, nullable=False),
    body(),
    created(),
)

effect = Table(
    "effect",
    metadata,
    # What a step of a flow did, written with the deed: a step that is run again finds it done.
    Column("flow", Words(128), primary_key=True),
    Column("step", Words(64), primary_key=True),
    body(),
    created(),
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
    role(),
    Column("version", ForeignKey("version.id"), nullable=False),
    Column("flow", Words(128), unique=True),
    body(),
    created(),
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
    created(),
)
