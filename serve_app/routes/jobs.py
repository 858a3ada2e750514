"""Jobs: how far they are."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cluster.db.engine import reading
from cluster.jobs import store
from serve_app.deps import OwnerDep, ServicesDep
from serve_app.schemas import JobOut

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("/{job_id}", summary="Ask how far a job is")
def read_job(job_id: str, services: ServicesDep, owner_id: OwnerDep, response: Response) -> JobOut:
    """Show the job; one that is not over tells when to ask again."""
    with reading(services.engine) as session:
        job = store.owned_job(session, job_id, owner_id)
        shown = JobOut.of(job, store.steps_of(session, job_id))
    if not shown.state.is_final:
        response.headers["Retry-After"] = "2"
    return shown
