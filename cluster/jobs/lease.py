"""Claims: who holds a step, and the fence under which it may write.

A claim raises the fence; every later write of the holder names that fence and finds nothing when somebody else has
claimed since (`LeaseLost`). All times are the database's.

One rule keeps transactions from waiting for each other in a ring, and a job's events in the order in which they were
committed: whoever changes the state of a job or of its steps locks the job's row first (`lock_job`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Update, select, update
from sqlmodel import Session, col

from cluster.db.engine import writing
from cluster.db.tables import Job, Step
from cluster.db.time import database_time
from cluster.errors import LeaseLost
from cluster.jobs import events
from cluster.jobs.states import LIVE, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One holder's right to run one step; ``tries`` and ``crashes`` are those of the runs before."""

    step_id: str
    job_id: str
    owner_id: str
    kind: str
    name: str
    input: dict[str, Any]
    fence: int
    tries: int = 0
    crashes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedJob:
    """A job's row as it is while this transaction keeps others from changing it."""

    id: str
    owner_id: str
    state: State
    retries: int


def lock_job(session: Session, job_id: str) -> LockedJob:
    """Lock the job's row until the transaction ends; rows that refer to it can still be added by others."""
    found = session.execute(
        select(col(Job.owner_id), col(Job.state), col(Job.retries))
        .where(col(Job.id) == job_id)
        .with_for_update(key_share=True)
    ).one()
    return LockedJob(id=job_id, owner_id=found.owner_id, state=State(found.state), retries=found.retries)


def claim(engine: Engine, step_id: str, holder: str, lease_s: float, delivery_id: str | None = None) -> Claim | None:
    """Take the step if it is free now; None when it is held, done, parked or its job is over.

    Parameters
    ----------
    holder : str
        Names the process, for people.
    lease_s : float
        How long the claim lasts without a sign of life.
    delivery_id : str, optional
        The wake-up that led here; who sent it can say later that its runner is lost.
    """
    with writing(engine) as session:
        job = session.execute(
            select(col(Job.id), col(Job.owner_id), col(Job.state))
            .join(Step, col(Step.job_id) == col(Job.id))
            .where(col(Step.id) == step_id, col(Step.state) == State.QUEUED, col(Job.state).in_(LIVE))
            .with_for_update(key_share=True, of=Job)
        ).one_or_none()
        if job is None:
            return None
        taken = session.execute(
            update(Step)
            .where(col(Step.id) == step_id, col(Step.state) == State.QUEUED, col(Step.available_at) <= database_time())
            .values(
                state=State.RUNNING,
                fence=col(Step.fence) + 1,
                delivery_id=delivery_id,
                lease_owner=holder,
                lease_until=database_time(lease_s),
                started_at=database_time(),
            )
            .returning(
                col(Step.kind), col(Step.name), col(Step.input), col(Step.fence), col(Step.tries), col(Step.crashes)
            )
        ).one_or_none()
        if taken is None:
            return None
        begun = [
            events.Event("step", step_id=step_id, before=State.QUEUED, after=State.RUNNING, fence=taken.fence),
        ]
        if job.state == State.QUEUED:
            session.execute(update(Job).where(col(Job.id) == job.id).values(state=State.RUNNING))
            begun.append(events.Event("job", before=State.QUEUED, after=State.RUNNING))
        events.record(session, job.id, *begun)
        return Claim(
            step_id=step_id,
            job_id=job.id,
            owner_id=job.owner_id,
            kind=taken.kind,
            name=taken.name,
            input=taken.input,
            fence=taken.fence,
            tries=taken.tries,
            crashes=taken.crashes,
        )


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
