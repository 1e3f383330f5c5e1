"""Alembic's environment: runs our migrations on the connection that it was given, in its transaction."""

from alembic import context

from slotsync.store.database.base import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
