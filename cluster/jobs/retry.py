"""What follows a run that did not end well: another one, or the dead letter.

A step that answers "not this time" waits a random time below a bound that doubles (full jitter, Brooker 2015). A step
whose process was lost runs again at once, since the process was to blame more often than the step; one that takes
several processes with it is given up. A dead letter is the failed step with its evidence; nothing runs it again but
a person who requeues the job.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Engine, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from cluster.db.engine import writing
from cluster.db.tables import Job, Step
from cluster.db.time import database_time
from cluster.jobs import events, lease, store
from cluster.jobs.events import Event
from cluster.jobs.lease import Claim
from cluster.jobs.states import STEP_EDGES, State, expect_edge
from cluster.settings import Settings

GAVE_UP, CRASHED = "gave_up", "step_crashed"


def wait_s(tries: int, settings: Settings) -> float:
    """Choose how many seconds to wait after try number ``tries`` (from 1)."""
    bound: float = min(settings.retry_most_s, settings.retry_first_s * 2 ** (tries - 1))
    return bound * secrets.randbelow(1_000_001) / 1_000_000


def try_again(
    session: Session, claimed: Claim, reason: str, settings: Settings, evidence: dict[str, Any] | None = None
) -> State:
    """Give the step back to be tried later, or end it and its job when the tries of either are spent.

    Raises
    ------
    LeaseLost
        If the claim no longer holds.
    """
    job = lease.lock_job(session, claimed.job_id)
    tries = claimed.tries + 1
    if tries >= settings.max_tries or job.retries >= settings.max_job_retries:
        error = {"code": GAVE_UP, "message": reason, "step": claimed.name, "tries": tries, "evidence": evidence}
        store.end_step(session, claimed, State.FAILED, error=error)
        store.end_job(session, claimed.job_id, State.FAILED, error)
        return State.FAILED
    session.execute(update(Job).where(col(Job.id) == job.id).values(retries=col(Job.retries) + 1))
    detail = {"reason": reason, "evidence": evidence}
    store.release(session, claimed, after_s=wait_s(tries, settings), detail=detail, tried=True)
    return State.QUEUED


def run_again(
    engine: Engine, step_id: str, settings: Settings, reason: str, *, delivery_id: str | None = None
) -> State | None:
    """Free a step whose process is lost: its lease has ended, or ``delivery_id`` is known to have died.

    Returns
    -------
    State or None
        What it is now; None when it is not, or no longer, held by a lost process.
    """
    with writing(engine) as session:
        job_id = session.scalar(select(Step.job_id).where(Step.id == step_id))
        if job_id is None:
            return None
        lease.lock_job(session, job_id)
        lost = col(Step.lease_until) < database_time() if delivery_id is None else col(Step.delivery_id) == delivery_id
        held = (col(Step.name), col(Step.fence), col(Step.tries), col(Step.crashes), col(Step.lease_owner))
        step = session.execute(
            select_columns(*held).where(col(Step.id) == step_id, col(Step.state) == State.RUNNING, lost)
        ).one_or_none()
        if step is None:
            return None
        crashes = step.crashes + 1
        error: dict[str, Any] | None = None
        after = State.QUEUED
        if crashes >= settings.max_crashes:
            after = State.FAILED
            message = f"The process that ran {step.name!r} died {crashes} times; it is not tried again by itself."
            evidence = {"last": reason, "holder": step.lease_owner}
            error = {
                "code": CRASHED,
                "message": message,
                "step": step.name,
                "crashes": crashes,
                "tries": step.tries,
                "evidence": evidence,
            }
        expect_edge(STEP_EDGES, State.RUNNING, after)
        ended = {"error": error, "finished_at": database_time()} if error else {"available_at": database_time()}
        session.execute(
            update(Step)
            .where(col(Step.id) == step_id)
            .values(
                state=after,
                fence=step.fence + 1,
                crashes=crashes,
                lease_owner=None,
                lease_until=None,
                announced_at=None,
                **ended,
            )
        )
        detail = error or {"reason": reason, "holder": step.lease_owner}
        happened = Event(
            "step", step_id=step_id, before=State.RUNNING, after=after, fence=step.fence + 1, detail=detail
        )
        events.record(session, job_id, happened)
        if error is not None:
            store.end_job(session, job_id, State.FAILED, error)
        return after


def dead_letters(session: Session, owner_id: str | None = None, limit: int = 100) -> list[Step]:
    """Read the steps that were given up, newest first; ``error`` holds their evidence."""
    question = select(Step).where(Step.state == State.FAILED)
    if owner_id is not None:
        question = question.where(Step.owner_id == owner_id)
    return list(session.exec(question.order_by(col(Step.finished_at).desc()).limit(limit)))
