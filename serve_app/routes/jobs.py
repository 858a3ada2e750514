"""Jobs: how far they are, what happened to them, and changing one's mind."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from cluster.db.engine import reading, writing
from cluster.jobs import events, store
from serve_app.accepted import ASK_AGAIN, accepted
from serve_app.deps import OwnerDep, ServicesDep
from serve_app.schemas import EventOut, JobOut
from tasks import workflow

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("/{job_id}", summary="Ask how far a job is")
def read_job(job_id: str, services: ServicesDep, owner_id: OwnerDep, response: Response) -> JobOut:
    """Show the job; one that is not over tells when to ask again."""
    with reading(services.engine) as session:
        job = store.owned_job(session, job_id, owner_id)
        shown = JobOut.of(job, store.steps_of(session, job_id))
    if not shown.state.is_final:
        response.headers.update(ASK_AGAIN)
    return shown


@router.get("/{job_id}/history", summary="Read what happened to a job")
def read_history(
    job_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    after: Annotated[int, Query(ge=0, description="The id of the last event that is known already.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> list[EventOut]:
    """Show events oldest first; whoever goes on from the last one misses none."""
    with reading(services.engine) as session:
        store.owned_job(session, job_id, owner_id)
        return [EventOut.of(event) for event in events.events_after(session, job_id, after, limit)]


@router.post("/{job_id}/cancel", summary="Stop a job", responses={409: {"description": "The job is over."}})
def cancel_job(job_id: str, services: ServicesDep, owner_id: OwnerDep) -> JobOut:
    """End the job at once; what runs of it stops within seconds, what is finished stays."""
    with writing(services.engine) as session:
        store.owned_job(session, job_id, owner_id)
        store.cancel(session, job_id)
    with reading(services.engine) as session:
        return JobOut.of(store.owned_job(session, job_id, owner_id), store.steps_of(session, job_id))


@router.post(
    "/{job_id}/requeue",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Begin anew what failed or was cancelled",
    responses={409: {"description": "The job has not ended, or ended well."}},
)
def requeue_job(job_id: str, services: ServicesDep, owner_id: OwnerDep, response: Response) -> JobOut:
    """Begin a new job for the same video; it finds everything that the old one finished."""
    with writing(services.engine) as session:
        new_id = workflow.requeue(session, job_id, owner_id)
        return accepted(session, new_id, owner_id, response)
