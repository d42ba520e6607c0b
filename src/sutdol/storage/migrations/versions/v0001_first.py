"""First revision: all tables of release 0.1."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    "promotion",
    "verdict",
    "suite_item",
    "sealed_read",
    "alias",
    "version",
    "snapshot_row",
    "round",
    "look",
    "exam_case",
    "snapshot",
    "group_part",
    "example",
    "exam",
    "battle",
    "audit",
)
"""Each after the tables that point to it."""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_table(
        "battle",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("updated_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_battle"),
    )
    op.create_table(
        "exam",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("drawn_at", sa.String(length=32), nullable=False),
        sa.Column("retired_at", sa.String(length=32), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exam"),
    )
    op.create_table(
        "example",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("lang", sa.String(length=16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reviewed", sa.Boolean(), nullable=False),
        sa.Column("meta", sa.JSON(), nullable=False),
        sa.Column("forgotten_at", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_example"),
    )
    op.create_index("ix_example_role_part", "example", ["role", "part"])
    op.create_index("ix_example_role_source", "example", ["role", "source"])
    op.create_table(
        "group_part",
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("group_key", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("role", "group_key", name="pk_group_part"),
    )
    op.create_table(
        "snapshot",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_snapshot"),
    )
    op.create_table(
        "exam_case",
        sa.Column("exam", sa.String(length=64), nullable=False),
        sa.Column("example", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["exam"], ["exam.id"], name="fk_exam_case_exam"),
        sa.ForeignKeyConstraint(["example"], ["example.id"], name="fk_exam_case_example"),
        sa.PrimaryKeyConstraint("exam", "example", name="pk_exam_case"),
    )
    op.create_index("ix_exam_case_example", "exam_case", ["example"])
    op.create_table(
        "look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("alpha", sa.Float(), nullable=False),
        sa.Column("champion", sa.String(length=64), nullable=True),
        sa.Column("challenger", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("exam", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["exam"], ["exam.id"], name="fk_look_exam"),
        sa.PrimaryKeyConstraint("id", name="pk_look"),
        sa.UniqueConstraint("key", name="uq_look_key"),
    )
    op.create_index("ix_look_role", "look", ["role"])
    op.create_table(
        "round",
        sa.Column("battle", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("timing", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["battle"], ["battle.id"], name="fk_round_battle"),
        sa.PrimaryKeyConstraint("battle", "number", name="pk_round"),
    )
    op.create_table(
        "snapshot_row",
        sa.Column("snapshot", sa.String(length=64), nullable=False),
        sa.Column("example", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["example"], ["example.id"], name="fk_snapshot_row_example"),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshot.hash"], name="fk_snapshot_row_snapshot"),
        sa.PrimaryKeyConstraint("snapshot", "example", name="pk_snapshot_row"),
    )
    op.create_index("ix_snapshot_row_example", "snapshot_row", ["example"])
    op.create_table(
        "version",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.Column("snapshot", sa.String(length=64), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["version.id"], name="fk_version_parent"),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshot.hash"], name="fk_version_snapshot"),
        sa.PrimaryKeyConstraint("id", name="pk_version"),
        sa.UniqueConstraint("role", "number", name="uq_version_role_number"),
    )
    op.create_table(
        "alias",
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name="fk_alias_version"),
        sa.PrimaryKeyConstraint("role", "name", name="pk_alias"),
    )
    op.create_table(
        "sealed_read",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name="fk_sealed_read_version"),
        sa.PrimaryKeyConstraint("id", name="pk_sealed_read"),
    )
    op.create_index("ix_sealed_read_role", "sealed_read", ["role"])
    op.create_table(
        "suite_item",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("example", sa.String(length=64), nullable=False),
        sa.Column("attack", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("fixed_by", sa.String(length=64), nullable=False),
        sa.Column("removed_at", sa.String(length=32), nullable=True),
        sa.Column("removed_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["example"], ["example.id"], name="fk_suite_item_example"),
        sa.ForeignKeyConstraint(["fixed_by"], ["version.id"], name="fk_suite_item_fixed_by"),
        sa.PrimaryKeyConstraint("key", name="pk_suite_item"),
    )
    op.create_index("ix_suite_item_example", "suite_item", ["example"])
    op.create_index("ix_suite_item_role", "suite_item", ["role"])
    op.create_table(
        "verdict",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("champion", sa.String(length=64), nullable=True),
        sa.Column("challenger", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("snapshot", sa.String(length=64), nullable=True),
        sa.Column("exam", sa.String(length=64), nullable=True),
        sa.Column("look", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["exam"], ["exam.id"], name="fk_verdict_exam"),
        sa.ForeignKeyConstraint(["look"], ["look.key"], name="fk_verdict_look"),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshot.hash"], name="fk_verdict_snapshot"),
        sa.PrimaryKeyConstraint("id", name="pk_verdict"),
        sa.UniqueConstraint("look", name="uq_verdict_look"),
    )
    op.create_index("ix_verdict_role", "verdict", ["role"])
    op.create_table(
        "promotion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("from_version", sa.String(length=64), nullable=True),
        sa.Column("to_version", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=64), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("looks_before", sa.Integer(), nullable=False),
        sa.Column("looks_paid", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["from_version"], ["version.id"], name="fk_promotion_from_version"),
        sa.ForeignKeyConstraint(["to_version"], ["version.id"], name="fk_promotion_to_version"),
        sa.ForeignKeyConstraint(["verdict"], ["verdict.id"], name="fk_promotion_verdict"),
        sa.PrimaryKeyConstraint("id", name="pk_promotion"),
    )
    op.create_index("ix_promotion_role", "promotion", ["role"])


def downgrade() -> None:
    for name in TABLES:
        op.drop_table(name)
