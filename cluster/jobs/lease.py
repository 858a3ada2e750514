"""Claims: who holds a step, and the fence under which it may write.

A claim raises the fence; every later write of the holder names that fence and finds nothing when somebody else has
claimed since (`LeaseLost`). All times are the database's.

One rule keeps transactions from waiting for each other in a ring, and a job's events in the order in which they were
committed: whoever changes the state of a job or of its steps locks the job's row first (`lock_job`). A statement that
does both locks it in a subquery, which is read before the step's row is changed; when it had to wait, Postgres asks
its conditions of the row as it is then.

The statements that every step needs are written once, at the top, and go past the session to its connection: a
claim would otherwise spend most of its time on putting them together. What a session holds of the rows stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Float, Update, bindparam, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from cluster.db.engine import writing
from cluster.db.tables import Job, Step
from cluster.db.time import database_time
from cluster.errors import LeaseLost
from cluster.jobs import events
from cluster.jobs.states import LIVE, State

_LOCK = (
    select(col(Job.owner_id), col(Job.state), col(Job.retries))
    .where(col(Job.id) == bindparam("job"))
    .with_for_update(key_share=True)
)
_wanted = aliased(Step)
_live = (
    select(col(Job.id))
    .join(_wanted, col(_wanted.job_id) == col(Job.id))
    .where(col(_wanted.id) == bindparam("step"), or_(*(col(Job.state) == state for state in LIVE)))
    .with_for_update(key_share=True, of=Job)
    .subquery("live")
)
_TAKE = (  # and delivery_id and lease_owner, which are given with it
    update(Step)
    .where(
        col(Step.id) == bindparam("step"),
        col(Step.job_id) == _live.c.id,
        col(Step.state) == State.QUEUED,
        col(Step.available_at) <= database_time(),
    )
    .values(
        state=State.RUNNING,
        fence=col(Step.fence) + 1,
        lease_until=database_time(bindparam("lease_s", type_=Float())),
        started_at=database_time(),
    )
    .returning(
        col(Step.job_id),
        col(Step.owner_id),
        col(Step.kind),
        col(Step.name),
        col(Step.input),
        col(Step.fence),
        col(Step.tries),
        col(Step.crashes),
        select(col(Job.state)).where(col(Job.id) == col(Step.job_id)).scalar_subquery().label("job_state"),
    )
)
_START = update(Job).where(col(Job.id) == bindparam("job"), col(Job.state) == State.QUEUED).values(state=State.RUNNING)

_locked = select(col(Job.id)).where(col(Job.id) == bindparam("held_job")).with_for_update(key_share=True).subquery()
UNDER_FENCE = update(Step).where(
    col(Step.id) == bindparam("held"),
    col(Step.job_id) == bindparam("held_job"),
    col(Step.fence) == bindparam("held_fence"),
    col(Step.state) == State.RUNNING,
)
"""Changes a step that is still held by the claim that `write` is given."""
UNDER_FENCE_AND_LOCK = UNDER_FENCE.where(col(Step.job_id) == _locked.c.id)
"""Does so after locking the job's row, in one statement."""


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
    found = session.connection().execute(_LOCK, {"job": job_id}).one()
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
        connection = session.connection()
        given = {"step": step_id, "delivery_id": delivery_id, "lease_owner": holder, "lease_s": lease_s}
        taken = connection.execute(_TAKE, given).one_or_none()
        if taken is None:
            return None
        begun = [
            events.Event("step", step_id=step_id, before=State.QUEUED, after=State.RUNNING, fence=taken.fence),
        ]
        # What the statement saw of the job may be older than its lock, but no job is queued again.
        if taken.job_state == State.QUEUED and connection.execute(_START, {"job": taken.job_id}).rowcount:
            begun.append(events.Event("job", before=State.QUEUED, after=State.RUNNING))
        events.record(session, taken.job_id, *begun)
        return Claim(
            step_id=step_id,
            job_id=taken.job_id,
            owner_id=taken.owner_id,
            kind=taken.kind,
            name=taken.name,
            input=taken.input,
            fence=taken.fence,
            tries=taken.tries,
            crashes=taken.crashes,
        )


def hold(session: Session, claimed: Claim) -> None:
    """Prove in this transaction that the claim holds, and keep others out until it ends.

    Raises
    ------
    LeaseLost
        If it does not.
    """
    write(session, claimed, fence=claimed.fence)


def write(session: Session, claimed: Claim, statement: Update = UNDER_FENCE, **values: Any) -> None:
    """Change the claimed step under its fence.

    Parameters
    ----------
    statement : Update
        `UNDER_FENCE` or `UNDER_FENCE_AND_LOCK`, or one made from them that computes values in the database.

    Raises
    ------
    LeaseLost
        If the claim no longer holds.
    """
    held = {"held": claimed.step_id, "held_job": claimed.job_id, "held_fence": claimed.fence}
    if session.connection().execute(statement, {**held, **values}).rowcount == 0:
        raise LeaseLost(f"the lease on {claimed.name} ({claimed.step_id}) is lost")
