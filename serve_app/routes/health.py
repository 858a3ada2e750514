"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from fastapi import APIRouter, Response, status
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cluster.db.engine import reading
from cluster.errors import StorageError
from serve_app.deps import ServicesDep

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
def healthz() -> dict[str, str]:
    """Answer as long as the process lives."""
    return {"status": "alive"}


@router.get("/readyz", summary="Can it take work?", responses={503: {"description": "Not at the moment."}})
def readyz(services: ServicesDep, response: Response) -> dict[str, str]:
    """Ask the database and the storage."""
    checks = {"database": "ok", "storage": "ok"}
    try:
        with reading(services.engine) as session:
            session.execute(text("SELECT 1 FROM jobs LIMIT 1"))
    except SQLAlchemyError:
        checks["database"] = "unavailable"
    try:
        services.storage.exists("probe")
    except (OSError, StorageError):
        checks["storage"] = "unavailable"
    if set(checks.values()) != {"ok"}:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = "5"
    return checks
