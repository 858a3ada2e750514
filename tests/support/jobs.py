"""Jobs of stub steps, for tests of what surrounds a step's work."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col

from cluster.db.engine import reading, writing
from cluster.db.tables import Step
from cluster.db.time import database_time
from cluster.jobs import lease, store
from cluster.jobs.events import events_after
from cluster.jobs.lease import Claim
from cluster.jobs.store import NewStep
from cluster.services import Services


def add_job(services: Services, steps: int = 1, *, owner_id: str = "ada", priority: int = 0) -> tuple[str, list[str]]:
    """Add a job of ``steps`` steps and give its id and theirs."""
    with writing(services.engine) as session:
        job_id = store.create_job(session, owner_id=owner_id, kind="video", subject_id="video_1", priority=priority)
        new = [NewStep(kind="render", position=place, name=f"shot {place}", given={}) for place in range(steps)]
        store.add_steps(session, job_id, new)
        return job_id, [step.id for step in store.steps_of(session, job_id)]


def claim(services: Services, step_id: str, lease_s: float = 60, delivery_id: str | None = None) -> Claim:
    """Claim a step that is free."""
    claimed = lease.claim(services.engine, step_id, "a test", lease_s, delivery_id)
    assert claimed is not None
    return claimed


def read(services: Services, step_id: str) -> Step:
    """Read a step's row."""
    with reading(services.engine) as session:
        return session.get_one(Step, step_id)


def let_lease_end(services: Services, step_id: str) -> None:
    """Move the end of a step's lease into the past, as time would."""
    with writing(services.engine) as session:
        session.execute(update(Step).where(col(Step.id) == step_id).values(lease_until=database_time(-1)))


def let_time_come(services: Services, step_id: str) -> None:
    """Move the time from which a step can be claimed into the past, as time would."""
    with writing(services.engine) as session:
        session.execute(update(Step).where(col(Step.id) == step_id).values(available_at=database_time(-1)))


def edges(services: Services, job_id: str, kind: str = "step") -> list[tuple[str | None, str | None]]:
    """Give the changes of state that the job's events tell, in order."""
    with reading(services.engine) as session:
        return [
            (event.before, event.after) for event in events_after(session, job_id, limit=100_000) if event.kind == kind
        ]
