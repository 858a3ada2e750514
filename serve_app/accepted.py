"""The answer to a request that begins a job."""

from __future__ import annotations

from fastapi import Response
from sqlmodel import Session

from cluster.jobs import store
from serve_app.schemas import JobOut

ASK_AGAIN = {"Retry-After": "2"}
"""When to ask again how far a job is, in seconds."""


def accepted(session: Session, job_id: str, owner_id: str, response: Response) -> JobOut:
    """Show the job that was begun, and say in ``response`` where it is found."""
    response.headers.update({"Location": f"/api/v1/jobs/{job_id}", **ASK_AGAIN})
    return JobOut.of(store.owned_job(session, job_id, owner_id), store.steps_of(session, job_id))
