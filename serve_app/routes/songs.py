"""Songs: taking them in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Response, UploadFile, status

from serve_app.deps import OwnerDep, ServicesDep
from serve_app.schemas import SongOut
from serve_app.uploads import received
from tasks.steps import songs

router = APIRouter(prefix="/songs", tags=["songs"])


@router.post("", status_code=status.HTTP_201_CREATED, summary="Give a song")
def create_song(
    file: Annotated[UploadFile, File(description="The song: mp3, wav, flac, m4a, aac, ogg, opus, webm, mp4 or mov.")],
    services: ServicesDep,
    owner_id: OwnerDep,
    response: Response,
) -> SongOut:
    """Store a song; the same song given again is found again."""
    with received(services, file, "song") as (path, name):
        song = songs.take_in(services, path, owner_id, filename=name, max_s=services.settings.max_analysis_s)
    response.headers["Location"] = f"/api/v1/songs/{song.id}"
    return SongOut.of(song)
