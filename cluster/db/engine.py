"""Connections and transactions, on Postgres and on SQLite."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session

from cluster.errors import SettingsError

BUSY_TIMEOUT_MS = 20_000
STATEMENT_TIMEOUT_MS = 30_000
_CONNECT_TIMEOUT_S = 5
_POOL = 5

_opened: weakref.WeakSet[Engine] = weakref.WeakSet()
_turns: weakref.WeakKeyDictionary[Engine, threading.Lock] = weakref.WeakKeyDictionary()


def open_engine(url: str) -> Engine:
    """Make an engine for ``url``, which connects when it is first used.

    SQLite: the file's folder is made; write-ahead log, full synchronisation and a busy timeout are on. Postgres:
    by psycopg2, connections are tried before use, statements and idle transactions have a time limit, and GSS
    encryption is off unless the URL asks for it, since libpq's is not safe in a process that forks. A child made by
    a fork opens connections of its own.

    Raises
    ------
    SettingsError
        If the URL is not one of a database that is supported.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError("DATABASE_URL is no database URL; write postgresql://user:password@host/name.") from None
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite":
        engine = _open_sqlite(parsed)
    elif backend in {"postgres", "postgresql"}:
        engine = _open_postgres(parsed)
    else:
        raise SettingsError(f"DATABASE_URL names {backend}; use postgresql:// or sqlite:///.")
    _opened.add(engine)
    return engine


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a transaction that writes; it commits when the block ends well and rolls back otherwise."""
    with (
        _turn_of(engine),
        engine.connect() as connection,
        Session(bind=connection, expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a transaction that only reads; it never waits for a writer."""
    with (
        engine.connect().execution_options(reads_only=True) as connection,
        Session(bind=connection, expire_on_commit=False) as session,
    ):
        yield session


@contextlib.contextmanager
def _turn_of(engine: Engine) -> Iterator[None]:
    """Let the threads that write to SQLite queue: its own wait is polling, by which one of many can starve."""
    turn = _turns.get(engine)
    if turn is None:
        yield
        return
    held = turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000)  # later SQLite itself says that it is locked
    try:
        yield
    finally:
        if held:
            turn.release()


def _open_sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    _turns[engine] = threading.Lock()
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgres(url: URL) -> Engine:
    asked = {str(name) for name in url.query}
    given: dict[str, Any] = {
        "gssencmode": "disable",
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "application_name": "vibecraft",
        "options": (
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout={STATEMENT_TIMEOUT_MS}"
        ),
    }
    return create_engine(
        url.set(drivername="postgresql+psycopg2"),
        connect_args={name: value for name, value in given.items() if name not in asked},
        pool_pre_ping=True,
        pool_size=_POOL,
        max_overflow=_POOL,
    )


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


def _forget_parents_connections() -> None:
    for engine in list(_opened):
        engine.dispose(close=False)
    for engine in list(_turns):
        _turns[engine] = threading.Lock()


os.register_at_fork(after_in_child=_forget_parents_connections)
