"""Jobs and steps as operators look at them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, case, func, select
from sqlmodel import Session, col

from cluster.db.engine import reading
from cluster.db.tables import Job, Step
from cluster.db.time import database_time
from cluster.jobs.states import State


def holders(engine: Engine) -> list[dict[str, Any]]:
    """Tell which processes hold steps now: ``process``, ``step``, ``job_id``, ``progress`` and ``lease_s`` left."""
    question = (
        select(col(Step.lease_owner), col(Step.name), col(Step.job_id), col(Step.progress), col(Step.lease_until))
        .where(col(Step.state) == State.RUNNING)
        .order_by(col(Step.lease_owner), col(Step.id))
    )
    with reading(engine) as session:
        now = session.execute(select(database_time())).scalar_one()
        return [
            {
                "process": owner,
                "step": name,
                "job_id": job_id,
                "progress": progress,
                "lease_s": round((until - now).total_seconds(), 1),
            }
            for owner, name, job_id, progress, until in session.execute(question)
        ]


def recent(session: Session, *, state: State | None = None, limit: int = 20) -> list[tuple[Job, int, int]]:
    """Read the newest jobs, each with how many of its steps are done and how many it has."""
    done = func.sum(case((col(Step.state) == State.SUCCEEDED, 1), else_=0))
    question = (
        select(Job, done, func.count(col(Step.id)))
        .outerjoin(Step, col(Step.job_id) == col(Job.id))
        .group_by(col(Job.id))
        .order_by(col(Job.id).desc())
        .limit(limit)
    )
    if state is not None:
        question = question.where(col(Job.state) == state)
    return [(job, int(finished or 0), steps) for job, finished, steps in session.execute(question)]
