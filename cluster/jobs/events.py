"""What happened to a job, in order, only ever added to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from cluster.db.tables import JobEvent
from cluster.db.time import database_time


def record(
    session: Session,
    job_id: str,
    kind: str,
    *,
    step_id: str | None = None,
    before: str | None = None,
    after: str | None = None,
    fence: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add one event in the caller's transaction."""
    session.execute(
        insert(JobEvent).values(
            job_id=job_id,
            step_id=step_id,
            kind=kind,
            before=before,
            after=after,
            fence=fence,
            detail=detail,
            at=database_time(),
        )
    )


def events_after(session: Session, job_id: str, last_id: int = 0, limit: int = 500) -> list[JobEvent]:
    """Read a job's events that came after event ``last_id``, oldest first."""
    question = select(JobEvent).where(JobEvent.job_id == job_id, col(JobEvent.id) > last_id)
    return list(session.exec(question.order_by(col(JobEvent.id)).limit(limit)))
