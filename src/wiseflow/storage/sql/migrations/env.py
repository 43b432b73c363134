"""Runs migrations on the connection that ``schema`` gives, inside its transaction."""

from __future__ import annotations

from alembic import context

from wiseflow.storage.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
