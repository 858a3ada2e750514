"""Connections and transactions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlmodel import Session

from cluster.errors import SettingsError

BUSY_TIMEOUT_MS = 20_000


def open_engine(url: str) -> Engine:
    """Make an engine for ``url``; for SQLite the file's folder is made, WAL and full synchronisation are on.

    An engine belongs to one process: make it after a fork, never before.

    Raises
    ------
    SettingsError
        If the URL is not one of a database that is supported.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise SettingsError(f"DATABASE_URL names {parsed.get_backend_name()}; at present only sqlite is supported.")
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a transaction that writes; it commits when the block ends well and rolls back otherwise."""
    with engine.connect() as connection, Session(bind=connection, expire_on_commit=False) as session, session.begin():
        yield session


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a transaction that only reads; it never waits for a writer."""
    with (
        engine.connect().execution_options(reads_only=True) as connection,
        Session(bind=connection, expire_on_commit=False) as session,
    ):
        yield session


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the "begin" listener begins transactions, not the driver
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that begins by reading and then writes would fail at once when another writer came between.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
