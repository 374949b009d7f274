"""How do migrations reach the database? Over the connection that the caller gives."""

from alembic import context

from broker.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
