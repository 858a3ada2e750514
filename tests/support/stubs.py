"""Steps whose work is one event, so that how often it was done can be counted afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, bindparam, or_, select
from sqlmodel import Session, col

from cluster.db.engine import writing
from cluster.db.tables import Step
from cluster.jobs import events, store
from cluster.jobs.events import Event
from cluster.jobs.lease import Claim
from cluster.jobs.states import LIVE, State
from cluster.jobs.store import NewStep

_KIND = "stub"
EFFECT = "effect"
"""The kind of the event that is the work of a stub step."""

_LEFT = (  # from the end, where the steps are that were not begun
    select(col(Step.id))
    .where(
        col(Step.job_id) == bindparam("job"),
        col(Step.kind) == _KIND,
        or_(*(col(Step.state) == state for state in LIVE)),
    )
    .order_by(col(Step.position).desc())
    .limit(1)
)


def add_jobs(
    engine: Engine,
    jobs: int,
    steps: int,
    owners: int,
    given: Callable[[int, int], dict[str, Any]] = lambda _job, _position: {},
) -> None:
    """Add ``jobs`` jobs of ``steps`` steps each, of ``owners`` owners in turn, a transaction a job.

    Parameters
    ----------
    given : callable
        Takes the number of the job and the position of the step, and gives what the step is given.
    """
    for job in range(jobs):
        with writing(engine) as session:
            job_id = store.create_job(
                session, owner_id=f"owner {job % owners}", kind=_KIND, subject_id=f"subject {job}"
            )
            new = [
                NewStep(kind=_KIND, position=position, name=f"stub {job}/{position}", given=given(job, position))
                for position in range(steps)
            ]
            store.add_steps(session, job_id, new)


def finish(session: Session, claimed: Claim) -> None:
    """End the step well under its fence, with its effect, and after a job's last step the job.

    Raises
    ------
    LeaseLost
        If the claim no longer holds.
    """
    store.end_step(session, claimed, State.SUCCEEDED)
    take_effect(session, claimed)


def take_effect(session: Session, claimed: Claim) -> None:
    """Do the work of the step, and end the job if no other step of it is left; the job's row is locked."""
    events.record(session, claimed.job_id, Event(EFFECT, step_id=claimed.step_id, fence=claimed.fence))
    if session.connection().scalar(_LEFT, {"job": claimed.job_id}) is None:
        store.end_job(session, claimed.job_id, State.SUCCEEDED)
