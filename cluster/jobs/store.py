"""Jobs as rows: making them, finding what can run, and ending steps and jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from cluster.db.engine import writing
from cluster.db.ids import new_id
from cluster.db.tables import Job, Step
from cluster.db.time import database_time
from cluster.errors import NotFound
from cluster.jobs import events, lease
from cluster.jobs.lease import Claim
from cluster.jobs.states import JOB_EDGES, STEP_EDGES, State, expect_edge


def create_job(session: Session, *, owner_id: str, kind: str, subject_id: str) -> str:
    """Add a job in state queued and give its id."""
    job_id = new_id("job")
    session.execute(
        insert(Job).values(
            id=job_id,
            owner_id=owner_id,
            kind=kind,
            subject_id=subject_id,
            state=State.QUEUED,
            created_at=database_time(),
        )
    )
    events.record(session, job_id, "job", after=State.QUEUED)
    return job_id


def add_step(session: Session, job_id: str, *, kind: str, position: int, name: str, given: dict[str, Any]) -> None:
    """Add a step that can run at once; a step of the same kind and position that is there stays as it is."""
    step_id = new_id("step")
    try:
        with session.begin_nested():
            session.execute(
                insert(Step).values(
                    id=step_id,
                    job_id=job_id,
                    kind=kind,
                    position=position,
                    name=name,
                    input=given,
                    state=State.QUEUED,
                    fence=0,
                    progress=0.0,
                    available_at=database_time(),
                )
            )
    except IntegrityError:
        return
    events.record(session, job_id, "step", step_id=step_id, after=State.QUEUED)


def runnable(session: Session, *, limit: int, job_id: str | None = None) -> list[Step]:
    """Give the steps that can be claimed now and were not yet announced, oldest first."""
    question = (
        select(Step)
        .join(Job, col(Job.id) == col(Step.job_id))
        .where(
            col(Step.state) == State.QUEUED,
            col(Step.announced_at).is_(None),
            col(Step.available_at) <= database_time(),
            col(Job.state).in_([State.QUEUED, State.RUNNING]),
        )
        .order_by(col(Step.available_at), col(Step.position), col(Step.id))
        .limit(limit)
    )
    if job_id is not None:
        question = question.where(Step.job_id == job_id)
    return list(session.exec(question))


def mark_announced(session: Session, step_ids: list[str]) -> None:
    """Note that somebody was told of these steps."""
    session.execute(update(Step).where(col(Step.id).in_(step_ids)).values(announced_at=database_time()))


def release(session: Session, claimed: Claim, *, after_s: float, reason: str) -> None:
    """Give the step back, to be claimed again ``after_s`` seconds from now."""
    expect_edge(STEP_EDGES, State.RUNNING, State.QUEUED)
    lease.write(
        session,
        claimed,
        state=State.QUEUED,
        lease_owner=None,
        lease_until=None,
        announced_at=None,
        available_at=database_time(after_s),
    )
    _record_end(session, claimed, State.QUEUED, {"reason": reason})


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
        state=state,
        output_key=output_key,
        error=error,
        progress=1.0 if state is State.SUCCEEDED else Step.progress,
        lease_owner=None,
        lease_until=None,
        finished_at=database_time(),
    )
    _record_end(session, claimed, state, error)


def end_job(session: Session, job_id: str, state: State, error: dict[str, Any] | None = None) -> bool:
    """End the job and cancel what of it has not begun; False when it had ended before."""
    befores = [before for before, afters in JOB_EDGES.items() if state in afters]
    job = session.exec(select(Job).where(Job.id == job_id).with_for_update()).one()
    before = job.state
    if before not in befores:
        return False
    session.execute(
        update(Job).where(col(Job.id) == job_id).values(state=state, error=error, finished_at=database_time())
    )
    session.execute(
        update(Step)
        .where(col(Step.job_id) == job_id, col(Step.state) == State.QUEUED)
        .values(state=State.CANCELLED, finished_at=database_time())
    )
    events.record(session, job_id, "job", before=before, after=state, detail=error)
    return True


def fail_abandoned(engine: Engine, step_id: str, error: dict[str, Any]) -> None:
    """End a step whose runner is known to be gone, and its job with it."""
    with writing(engine) as session:
        step = session.get_one(Step, step_id)
        if State(step.state).is_final:
            return
        session.execute(
            update(Step)
            .where(col(Step.id) == step_id)
            .values(state=State.FAILED, error=error, fence=step.fence + 1, finished_at=database_time())
        )
        events.record(
            session, step.job_id, "step", step_id=step_id, before=step.state, after=State.FAILED, detail=error
        )
        end_job(session, step.job_id, State.FAILED, error)


def owned_job(session: Session, job_id: str, owner_id: str) -> Job:
    """Read a job of ``owner_id``.

    Raises
    ------
    NotFound
        If there is none, or it belongs to somebody else.
    """
    job = session.get(Job, job_id)
    if job is None or job.owner_id != owner_id:
        raise NotFound(f"There is no job {job_id}.")
    return job


def steps_of(session: Session, job_id: str) -> list[Step]:
    """Read all steps of a job in the order in which they were planned."""
    return list(session.exec(select(Step).where(Step.job_id == job_id).order_by(col(Step.position), col(Step.id))))


def _record_end(session: Session, claimed: Claim, state: State, detail: dict[str, Any] | None) -> None:
    events.record(
        session,
        claimed.job_id,
        "step",
        step_id=claimed.step_id,
        before=State.RUNNING,
        after=state,
        fence=claimed.fence,
        detail=detail,
    )
