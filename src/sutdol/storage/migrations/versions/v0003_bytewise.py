"""Third revision: PostgreSQL compares our texts byte by byte, as SQLite does."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = (
    "alias",
    "audit",
    "battle",
    "effect",
    "evaluation",
    "exam",
    "exam_case",
    "example",
    "group_part",
    "look",
    "mirrored",
    "promotion",
    "round",
    "sealed_read",
    "snapshot",
    "snapshot_row",
    "suite_item",
    "turn",
    "verdict",
    "version",
)


def upgrade() -> None:
    _collate("C")


def downgrade() -> None:
    _collate("default")


def _collate(name: str) -> None:
    """Equal orders on both databases; and no index breaks when the server's languages change."""
    if op.get_bind().dialect.name != "postgresql":
        return
    found = sa.inspect(op.get_bind())
    for table in TABLES:
        changes = [
            f'ALTER COLUMN "{column["name"]}" TYPE {_plain(column["type"])} COLLATE "{name}"'
            for column in found.get_columns(table)
            if isinstance(column["type"], sa.String)
        ]
        op.execute(f'ALTER TABLE "{table}" {", ".join(changes)}')


def _plain(text: sa.String) -> str:
    return f"VARCHAR({text.length})" if text.length else "TEXT"
