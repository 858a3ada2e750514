"""Claims: who holds a step, and the fence under which it may write.

A claim is one statement. It raises the fence; every later write of the holder names that fence and finds nothing
when somebody else has claimed since (`LeaseLost`). All times are the database's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, Update, select, update
from sqlmodel import Session, col

from cluster.db.engine import writing
from cluster.db.tables import Job, Step
from cluster.db.time import database_time
from cluster.errors import LeaseLost
from cluster.jobs import events
from cluster.jobs.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One holder's right to run one step."""

    step_id: str
    job_id: str
    owner_id: str
    kind: str
    name: str
    input: dict[str, Any]
    fence: int


def claim(engine: Engine, step_id: str, holder: str, lease_s: float) -> Claim | None:
    """Take the step if it is free now; None when it is held, done, parked or its job is over.

    Parameters
    ----------
    holder : str
        Names the process, for people.
    lease_s : float
        How long the claim lasts without a sign of life.
    """
    with writing(engine) as session:
        taken = session.execute(
            update(Step)
            .where(
                col(Step.id) == step_id,
                col(Step.state) == State.QUEUED,
                col(Step.available_at) <= database_time(),
                col(Step.job_id).in_(_live_jobs()),
            )
            .values(
                state=State.RUNNING,
                fence=col(Step.fence) + 1,
                lease_owner=holder,
                lease_until=database_time(lease_s),
                started_at=database_time(),
            )
            .returning(col(Step.job_id), col(Step.kind), col(Step.name), col(Step.input), col(Step.fence))
        ).one_or_none()
        if taken is None:
            return None
        job_id, kind, name, given, fence = taken
        events.record(session, job_id, "step", step_id=step_id, before=State.QUEUED, after=State.RUNNING, fence=fence)
        owner_id = _start_job(session, job_id)
        return Claim(step_id=step_id, job_id=job_id, owner_id=owner_id, kind=kind, name=name, input=given, fence=fence)


def under_fence(claimed: Claim) -> Update:
    """Begin an update of the claimed step that finds it only while the claim holds."""
    return update(Step).where(
        col(Step.id) == claimed.step_id, col(Step.fence) == claimed.fence, col(Step.state) == State.RUNNING
    )


def hold(session: Session, claimed: Claim) -> None:
    """Prove in this transaction that the claim holds, and keep others out until it ends.

    Raises
    ------
    LeaseLost
        If it does not.
    """
    write(session, claimed, fence=claimed.fence)


def write(session: Session, claimed: Claim, **values: Any) -> None:
    """Change the claimed step under its fence.

    Raises
    ------
    LeaseLost
        If the claim no longer holds.
    """
    found = session.execute(under_fence(claimed).values(**values).returning(col(Step.id))).one_or_none()
    if found is None:
        raise LeaseLost(f"the lease on {claimed.name} ({claimed.step_id}) is lost")


def _live_jobs() -> Select[str]:
    return select(col(Job.id)).where(col(Job.state).in_([State.QUEUED, State.RUNNING]))


def _start_job(session: Session, job_id: str) -> str:
    started = session.execute(
        update(Job)
        .where(col(Job.id) == job_id, col(Job.state) == State.QUEUED)
        .values(state=State.RUNNING)
        .returning(col(Job.id))
    ).one_or_none()
    if started is not None:
        events.record(session, job_id, "job", before=State.QUEUED, after=State.RUNNING)
    job = session.get_one(Job, job_id)
    return job.owner_id
