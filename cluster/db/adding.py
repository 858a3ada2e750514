"""Adding rows that somebody else may be adding at the same moment."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert_into(session: Session, table: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """Give an INSERT of the session's database, which can say ``on_conflict_do_nothing`` and ``…_do_update``."""
    return postgresql.insert(table) if _is_postgres(session) else sqlite.insert(table)


def one_at_a_time(session: Session, what: str) -> None:
    """Let no other transaction that says the same pass here until this one ends; SQLite's writers are alone anyway."""
    if _is_postgres(session):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
