"""Reading a row on somebody's behalf."""

from __future__ import annotations

from typing import Protocol, TypeVar

from sqlmodel import Session

from cluster.errors import NotFound


class Owned(Protocol):
    """A row that belongs to somebody."""

    owner_id: str


Row = TypeVar("Row", bound=Owned)


def owned(session: Session, table: type[Row], row_id: str, owner_id: str, kind: str) -> Row:
    """Read the row ``row_id`` of ``owner_id``; ``kind`` is what its users call such a thing.

    Raises
    ------
    NotFound
        If there is none, or it belongs to somebody else: nobody learns which.
    """
    row = session.get(table, row_id)
    if row is None or row.owner_id != owner_id:
        raise NotFound(f"There is no {kind} {row_id}.")
    return row
