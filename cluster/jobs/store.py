"""Jobs as rows: making them, and ending steps and jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, bindparam, insert, literal, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from cluster.db.adding import insert_into
from cluster.db.ids import new_id
from cluster.db.owned import owned
from cluster.db.tables import Job, JobEvent, Step
from cluster.db.time import database_time
from cluster.errors import JobOver
from cluster.jobs import events, lease
from cluster.jobs.events import Event
from cluster.jobs.lease import Claim
from cluster.jobs.states import JOB_EDGES, LIVE, STEP_EDGES, State, expect_edge

NORMAL, BATCH = 0, -10
"""Priorities: a batch goes where nothing else wants to."""


_END = lease.UNDER_FENCE_AND_LOCK.values(finished_at=database_time())
_GIVE_BACK = lease.UNDER_FENCE_AND_LOCK.values(
    tries=col(Step.tries) + bindparam("more_tries"),
    available_at=database_time(bindparam("after_s", type_=Float())),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """A step to be added; a job has at most one of a kind and position."""

    kind: str
    position: int
    name: str
    given: dict[str, Any]


def create_job(
    session: Session,
    *,
    owner_id: str,
    kind: str,
    subject_id: str,
    priority: int = NORMAL,
    requeued_from: str | None = None,
) -> str:
    """Add a job in state queued and give its id."""
    job_id = new_id("job")
    session.execute(
        insert(Job).values(
            id=job_id,
            owner_id=owner_id,
            kind=kind,
            subject_id=subject_id,
            state=State.QUEUED,
            priority=priority,
            retries=0,
            requeued_from=requeued_from,
            created_at=database_time(),
        )
    )
    detail = None if requeued_from is None else {"requeued_from": requeued_from}
    events.record(session, job_id, Event("job", after=State.QUEUED, detail=detail))
    return job_id


def add_steps(session: Session, job_id: str, steps: Iterable[NewStep]) -> None:
    """Add steps that can run at once; one of the same kind and position that is there stays as it is."""
    job = session.execute(select(Job.owner_id, Job.priority).where(Job.id == job_id)).one()
    rows = [
        {
            "id": new_id("step"),
            "job_id": job_id,
            "owner_id": job.owner_id,
            "priority": job.priority,
            "kind": step.kind,
            "position": step.position,
            "name": step.name,
            "input": step.given,
            "state": State.QUEUED,
        }
        for step in steps
    ]
    if not rows:
        return
    adding = insert_into(session, Step).values(available_at=database_time())
    new = adding.on_conflict_do_nothing(index_elements=["job_id", "kind", "position"]).returning(col(Step.id))
    added = session.connection().execute(new, rows).scalars().all()
    if added:
        events.record(session, job_id, *[Event("step", step_id=step_id, after=State.QUEUED) for step_id in added])


def release(session: Session, claimed: Claim, *, after_s: float, detail: dict[str, Any], tried: bool = False) -> None:
    """Give the step back, to be claimed again ``after_s`` seconds from now.

    Parameters
    ----------
    tried : bool
        Whether this run counts as a try that did not work.

    Raises
    ------
    LeaseLost
        If the claim no longer holds.
    """
    expect_edge(STEP_EDGES, State.RUNNING, State.QUEUED)
    lease.write(
        session,
        claimed,
        _GIVE_BACK,
        state=State.QUEUED,
        more_tries=int(tried),
        after_s=after_s,
        lease_owner=None,
        lease_until=None,
        announced_at=None,
    )
    _record_end(session, claimed, State.QUEUED, detail)


def end_step(
    session: Session,
    claimed: Claim,
    state: State,
    *,
    output_key: str | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    """End the step under its fence.

    Raises
    ------
    LeaseLost
        If the claim no longer holds.
    """
    expect_edge(STEP_EDGES, State.RUNNING, state)
    lease.write(
        session,
        claimed,
        _END,
        state=state,
        output_key=output_key,
        error=error,
        lease_owner=None,
        lease_until=None,
        **({"progress": 1.0} if state is State.SUCCEEDED else {}),
    )
    _record_end(session, claimed, state, error)


def end_job(session: Session, job_id: str, state: State, error: dict[str, Any] | None = None) -> bool:
    """End the job and cancel what of it is not done; False when it had ended before.

    Steps that run lose their lease by it: their processes notice within the time between two looks and stop.
    """
    before = lease.lock_job(session, job_id).state
    if state not in JOB_EDGES[before]:
        return False
    session.execute(
        update(Job).where(col(Job.id) == job_id).values(state=state, error=error, finished_at=database_time())
    )
    unfinished = [col(Step.job_id) == job_id, col(Step.state).in_(LIVE)]
    given_up = select_columns(
        col(Step.job_id),
        literal("step"),
        col(Step.id),
        col(Step.state),
        literal(State.CANCELLED.value),
        col(Step.fence) + 1,
        database_time(),
    ).where(*unfinished)
    columns = ["job_id", "kind", "step_id", "before", "after", "fence", "at"]
    session.execute(insert(JobEvent).from_select(columns, given_up))
    session.execute(
        update(Step)
        .where(*unfinished)
        .values(state=State.CANCELLED, fence=col(Step.fence) + 1, lease_until=None, finished_at=database_time())
    )
    events.record(session, job_id, Event("job", before=before, after=state, detail=error))
    return True


def cancel(session: Session, job_id: str) -> None:
    """End the job at its owner's wish; nothing of it is begun any more, and what runs stops.

    Raises
    ------
    JobOver
        If it has ended already.
    """
    if not end_job(session, job_id, State.CANCELLED):
        raise JobOver("The job is over; there is nothing to cancel.")


def owned_job(session: Session, job_id: str, owner_id: str) -> Job:
    """Read a job of ``owner_id``.

    Raises
    ------
    NotFound
        If there is none, or it belongs to somebody else.
    """
    return owned(session, Job, job_id, owner_id, "job")


def steps_of(session: Session, job_id: str) -> list[Step]:
    """Read all steps of a job in the order in which they were planned."""
    return list(session.exec(select(Step).where(Step.job_id == job_id).order_by(col(Step.position), col(Step.id))))


def _record_end(session: Session, claimed: Claim, state: State, detail: dict[str, Any] | None) -> None:
    ended = Event(
        "step",
        step_id=claimed.step_id,
        before=State.RUNNING,
        after=state,
        fence=claimed.fence,
        detail=detail,
    )
    events.record(session, claimed.job_id, ended)
