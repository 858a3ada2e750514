"""Which files steps made, and what they weigh."""

from __future__ import annotations

from sqlmodel import Session

from cluster.db.adding import insert_into
from cluster.db.tables import Artifact
from cluster.db.time import database_time


def note(session: Session, *, key: str, owner_id: str, kind: str, size_bytes: int) -> None:
    """Note a stored file; one that is noted already stays as it is."""
    values = {"key": key, "owner_id": owner_id, "kind": kind, "size_bytes": size_bytes, "created_at": database_time()}
    session.execute(insert_into(session, Artifact).values(values).on_conflict_do_nothing(index_elements=["key"]))
