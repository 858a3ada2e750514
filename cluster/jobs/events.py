"""What happened to a job, in order, only ever added to.

Events are added while the job's row is locked, so that within a job a later id was committed later: who has read up
to an id has missed nothing before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from cluster.db.tables import JobEvent
from cluster.db.time import database_time

_ADD = insert(JobEvent).values(at=database_time()).inline()


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: to the job, or to the step ``step_id``."""

    kind: str
    step_id: str | None = None
    before: str | None = None
    after: str | None = None
    fence: int | None = None
    detail: dict[str, Any] | None = None


def record(session: Session, job_id: str, *happened: Event) -> None:
    """Add events in the caller's transaction, which holds the job's row."""
    rows = [
        {
            "job_id": job_id,
            "kind": event.kind,
            "step_id": event.step_id,
            "before": event.before,
            "after": event.after,
            "fence": event.fence,
            "detail": event.detail,
        }
        for event in happened
    ]
    session.connection().execute(_ADD, rows)


def events_after(session: Session, job_id: str, last_id: int = 0, limit: int = 500) -> list[JobEvent]:
    """Read a job's events that came after event ``last_id``, oldest first."""
    question = select(JobEvent).where(JobEvent.job_id == job_id, col(JobEvent.id) > last_id)
    return list(session.exec(question.order_by(col(JobEvent.id)).limit(limit)))
