"""Second revision: what durable flows, evaluations and the mirror leave behind."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("battle") as battle:
        battle.add_column(sa.Column("flow", sa.String(length=128), nullable=True))
        battle.add_column(sa.Column("texts", sa.String(length=64), nullable=True))
        battle.add_column(sa.Column("data", sa.JSON(), nullable=False, server_default="{}"))
        battle.create_unique_constraint("uq_battle_flow", ["flow"])
        battle.create_foreign_key("fk_battle_texts", "snapshot", ["texts"], ["hash"])
    with op.batch_alter_table("battle") as battle:
        battle.alter_column("data", server_default=None)
    op.create_table(
        "effect",
        sa.Column("flow", sa.String(length=128), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("flow", "step", name="pk_effect"),
    )
    op.create_table(
        "turn",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("flow", sa.String(length=128), nullable=False),
        sa.Column("taken_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_turn"),
    )
    op.create_table(
        "evaluation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("flow", sa.String(length=128), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["version.id"], name="fk_evaluation_version"),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation"),
        sa.UniqueConstraint("flow", name="uq_evaluation_flow"),
    )
    op.create_index("ix_evaluation_role", "evaluation", ["role"])
    op.create_table(
        "mirrored",
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=96), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("target", "kind", "subject", name="pk_mirrored"),
    )


def downgrade() -> None:
    for name in ("mirrored", "evaluation", "turn", "effect"):
        op.drop_table(name)
    with op.batch_alter_table("battle") as battle:
        battle.drop_constraint("uq_battle_flow", type_="unique")
        battle.drop_constraint("fk_battle_texts", type_="foreignkey")
        for name in ("flow", "texts", "data"):
            battle.drop_column(name)
