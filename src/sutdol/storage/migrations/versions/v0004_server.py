"""Fourth revision: what the server keeps."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _who()
    _what_was_asked()
    _what_was_said()


def downgrade() -> None:
    for name in (
        "upload",
        "feedback",
        "message",
        "conversation",
        "decision",
        "request",
        "stamp",
        "secret",
        "session",
        "api_key",
        "user",
    ):
        op.drop_table(name)


def _who() -> None:
    _table(
        "user",
        _words("id", 32, key=True),
        _words("name", 64),
        _words("role", 16),
        _words("password", 256, empty=True),
        _moment("disabled_at", empty=True),
        _moment("created_at"),
        sa.UniqueConstraint("name", name="uq_user_name"),
    )
    _table(
        "api_key",
        _words("id", 16, key=True),
        _words("user", 32),
        _words("name", 64),
        _words("digest", 64),
        _words("role", 16),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("rpm", sa.Integer()),
        sa.Column("tpm", sa.Integer()),
        sa.Column("daily_tokens", sa.Integer()),
        _moment("expires_at", empty=True),
        _moment("revoked_at", empty=True),
        _moment("last_used_at", empty=True),
        _moment("created_at"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="fk_api_key_user"),
    )
    op.create_index("ix_api_key_user", "api_key", ["user"])
    _table(
        "session",
        _words("id", 64, key=True),
        _words("user", 32),
        _words("csrf", 64),
        _moment("expires_at"),
        _moment("created_at"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="fk_session_user"),
    )
    op.create_index("ix_session_user", "session", ["user"])
    _table("secret", _words("name", 32, key=True), _words("value", 64), _moment("created_at"))
    _table("stamp", _words("name", 32, key=True), sa.Column("number", sa.Integer(), nullable=False))


def _what_was_asked() -> None:
    _table(
        "request",
        _words("id", 64, key=True),
        _words("user", 32, empty=True),
        _words("key", 16, empty=True),
        _words("route", 64),
        _words("model", 200, empty=True),
        _words("upstream", 64, empty=True),
        sa.Column("status", sa.Integer(), nullable=False),
        _words("error", 64, empty=True),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer()),
        sa.Column("completion_tokens", sa.Integer()),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("cost", sa.Float()),
        sa.Column("milliseconds", sa.Float(), nullable=False),
        sa.Column("first_milliseconds", sa.Float()),
        _moment("created_at"),
    )
    op.create_index("ix_request_created_at", "request", ["created_at"])
    op.create_index("ix_request_user_created_at", "request", ["user", "created_at"])
    op.create_index("ix_request_key_created_at", "request", ["key", "created_at"])
    _table(
        "decision",
        _words("id", 64, key=True),
        _words("request", 64),
        _words("side", 16),
        _words("digest", 64),
        _words("version", 64),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        _moment("created_at"),
    )
    op.create_index("ix_decision_request", "decision", ["request"])
    op.create_index("ix_decision_created_at", "decision", ["created_at"])


def _what_was_said() -> None:
    _table(
        "conversation",
        _words("id", 64, key=True),
        _words("user", 32),
        _words("title"),
        sa.Column("meta", sa.JSON(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
    )
    op.create_index("ix_conversation_user_updated_at", "conversation", ["user", "updated_at"])
    _table(
        "message",
        _words("id", 64, key=True),
        _words("conversation", 64),
        sa.Column("number", sa.Integer(), nullable=False),
        _words("role", 16),
        _words("content"),
        _words("folded"),
        sa.Column("body", sa.JSON(), nullable=False),
        _words("request", 64, empty=True),
        _words("model", 200, empty=True),
        _moment("created_at"),
    )
    order = ["conversation", "created_at", "number"]
    op.create_index("ix_message_conversation_created_at_number", "message", order)
    _table(
        "feedback",
        _words("id", 64, key=True),
        _words("kind", 16),
        _words("role", 32),
        _words("subject_kind", 16),
        _words("subject", 64, empty=True),
        sa.Column("value", sa.JSON(), nullable=False),
        _words("user", 32),
        _words("key", 16, empty=True),
        _words("source", 128),
        _words("state", 16),
        _words("example", 64, empty=True),
        _words("reviewer", 32, empty=True),
        _moment("reviewed_at", empty=True),
        _moment("created_at"),
    )
    op.create_index("ix_feedback_state_created_at", "feedback", ["state", "created_at"])
    op.create_index("ix_feedback_user_created_at", "feedback", ["user", "created_at"])
    op.create_index("ix_feedback_source", "feedback", ["source"])
    _table(
        "upload",
        _words("id", 64, key=True),
        _words("user", 32),
        _words("name", 255),
        _words("purpose", 32),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        _words("digest", 64),
        _moment("expires_at", empty=True),
        _moment("created_at"),
    )
    op.create_index("ix_upload_user_created_at", "upload", ["user", "created_at"])


def _table(name: str, *parts: sa.Column[Any] | sa.Constraint) -> None:
    keys = [part.name for part in parts if isinstance(part, sa.Column) and part.info.get("key")]
    op.create_table(name, *parts, sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"))


def _words(
    name: str, length: int | None = None, *, key: bool = False, empty: bool = False
) -> sa.Column[str]:
    """Text that both databases compare byte by byte."""
    collation = "C" if op.get_bind().dialect.name == "postgresql" else None
    text = sa.String(length, collation) if length else sa.Text(collation=collation)
    return sa.Column(name, text, nullable=empty, info={"key": key})


def _moment(name: str, *, empty: bool = False) -> sa.Column[str]:
    return _words(name, 32, empty=empty)
