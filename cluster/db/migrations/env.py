"""Alembic's entry: runs revisions on the connection that it is given, one migrating process at a time."""

from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

import cluster.db.tables  # noqa: F401 - fills the metadata

_LOCK = 0x76696265  # any number that is ours

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    context.run_migrations()
connection.commit()
