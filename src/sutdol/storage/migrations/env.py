"""Alembic's entry: runs the revisions inside the transaction that `upgrade` hands over."""

from alembic import context

from sutdol.storage.migrations import VERSION_TABLE
from sutdol.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
