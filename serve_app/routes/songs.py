"""Songs: taking them in."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePath
from typing import Annotated

from fastapi import APIRouter, File, Response, UploadFile, status

from serve_app.deps import OwnerDep, ServicesDep
from serve_app.schemas import SongOut
from tasks.steps import songs

router = APIRouter(prefix="/songs", tags=["songs"])

_BLOCK_BYTES = 1 << 20
_LONGEST_NAME = 200


@router.post("", status_code=status.HTTP_201_CREATED, summary="Give a song")
def create_song(
    file: Annotated[UploadFile, File(description="The song: mp3, wav, flac, m4a, aac, ogg, opus, webm, mp4 or mov.")],
    services: ServicesDep,
    owner_id: OwnerDep,
    response: Response,
) -> SongOut:
    """Store a song; the same song given again is found again."""
    name = PurePath((file.filename or "song").replace("\\", "/")).name[:_LONGEST_NAME] or "song"
    folder = services.settings.scratch_dir
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "upload"
        with path.open("wb") as copy:
            shutil.copyfileobj(file.file, copy, _BLOCK_BYTES)
        song = songs.take_in(services, path, owner_id, filename=name, max_s=services.settings.max_analysis_s)
    response.headers["Location"] = f"/api/v1/songs/{song.id}"
    return SongOut.of(song)
