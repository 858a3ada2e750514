"""Alembic's entry: runs revisions on the connection that it is given."""

from alembic import context
from sqlmodel import SQLModel

import cluster.db.tables  # noqa: F401 - fills the metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
