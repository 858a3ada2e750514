"""Footage: the owner's own clips, taken in and read again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Query, Response, UploadFile, status

from cluster.db.engine import reading
from serve_app.deps import OwnerDep, ServicesDep
from serve_app.footage_schemas import FootageOut, FootagePage
from serve_app.uploads import received
from tasks.steps import footage

router = APIRouter(prefix="/footage", tags=["footage"])


@router.post("", status_code=status.HTTP_201_CREATED, summary="Give a clip")
def create_footage(
    file: Annotated[UploadFile, File(description="The clip: mp4, mov, mkv, webm, avi, ts, mpg or gif.")],
    services: ServicesDep,
    owner_id: OwnerDep,
    response: Response,
) -> FootageOut:
    """Decode a clip once from end to end and store it; the same clip given again is found again."""
    with received(services, file, "clip") as (path, name):
        taken = footage.take_in(services, path, owner_id, filename=name)
    response.headers["Location"] = f"/api/v1/footage/{taken.id}"
    return FootageOut.of(taken)


@router.get("", summary="List your clips")
def list_footage(
    services: ServicesDep,
    owner_id: OwnerDep,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> FootagePage:
    """List clips, oldest first, a page at a time."""
    with reading(services.engine) as session:
        rows = footage.footage_of(session, owner_id, after=cursor, limit=limit + 1)
    page = rows[:limit]
    return FootagePage(items=[FootageOut.of(row) for row in page], next=page[-1].id if len(rows) > limit else None)


@router.get("/{footage_id}", summary="Show a clip")
def read_footage(footage_id: str, services: ServicesDep, owner_id: OwnerDep) -> FootageOut:
    """Show what was seen in a clip."""
    with reading(services.engine) as session:
        return FootageOut.of(footage.owned_footage(session, footage_id, owner_id))
