"""Fifth revision: messages that were taken back stay on record."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    collation = "C" if op.get_bind().dialect.name == "postgresql" else None
    op.add_column("message", sa.Column("dropped_at", sa.String(32, collation), nullable=True))


def downgrade() -> None:
    # an older release would show them again
    op.execute("DELETE FROM message WHERE dropped_at IS NOT NULL")
    op.drop_column("message", "dropped_at")
