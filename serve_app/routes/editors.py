"""Finished films for editors, as an archive of files, and what editors made of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile, status
from fastapi.responses import Response, StreamingResponse

from cluster.db.engine import reading, writing
from serve_app.accepted import accepted
from serve_app.archive import archive
from serve_app.deps import OwnerDep, ServicesDep
from serve_app.errors import NotReadyError
from serve_app.schemas import JobOut
from serve_app.uploads import received
from tasks import workflow
from tasks.domain.errors import InvalidInput
from tasks.edit.captions import expect_lyrics
from tasks.export.otio import timeline_text
from tasks.export.otio_import import LARGEST_BYTES
from tasks.steps import exporting, songs
from tasks.steps.lyrics import lyrics_of
from tasks.steps.reworking import request_from_otio

router = APIRouter(prefix="/videos", tags=["editors"])

_MEDIA = Path("media")
_FORM_BYTES = 64 << 10


class TimelineFormat(StrEnum):
    """How a film's timeline is written, by the end of the file's name."""

    OTIO = "otio"
    FCPXML = "fcpxml"
    EDL = "edl"


@router.get(
    "/{video_id}/export",
    summary="Get a finished video for an editor",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {}}, "description": "The timeline, and `media/` with its files."},
        409: {"description": "The video is not finished yet."},
    },
)
def export_video(
    video_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    form: Annotated[TimelineFormat, Query(alias="format")] = TimelineFormat.OTIO,
) -> Response:
    """Give the timeline with a file for each shot, the footage and the song, in one archive."""
    with reading(services.engine) as session:
        if songs.owned_composition(session, video_id, owner_id).video_key is None:
            raise NotReadyError("The video is not finished yet; ask its job how far it is.")
        parts = exporting.parts_of(session, video_id, owner_id)
    texts = {f"{video_id}.{form}": timeline_text(parts.reel(_MEDIA), f".{form}")}
    objects = {(_MEDIA / name).as_posix(): key for name, key in parts.files.items()}
    told = {"Content-Disposition": f'attachment; filename="{video_id}.zip"'}
    return StreamingResponse(archive(services.storage, texts, objects), media_type="application/zip", headers=told)


@router.post(
    "/{video_id}/edits",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Ask for a video as an editor changed it",
    max_body_size=LARGEST_BYTES + _FORM_BYTES,
)
def create_edit(
    video_id: str,
    file: Annotated[UploadFile, File(description="The exported .otio, changed: cuts, order, trims.")],
    services: ServicesDep,
    owner_id: OwnerDep,
    response: Response,
) -> JobOut:
    """Make the changed film, a video of its own; segments that nothing changed for are used as they are."""
    with received(services, file, "timeline.otio") as (path, name), reading(services.engine) as session:
        base = songs.owned_composition(session, video_id, owner_id)
        song = songs.owned_song(session, base.song_id, owner_id)
        request = request_from_otio(session, path, song, name=name)
        if request.rework is None or request.rework.video_id != video_id:
            raise InvalidInput(
                f"{name} was exported from another video; send it to that one's edits.", code="timeline_invalid"
            )
        expect_lyrics(lyrics_of(session, song.id)[0], request)
    with writing(services.engine) as session:
        song = songs.owned_song(session, base.song_id, owner_id)
        job_id = workflow.begin(session, songs.add_composition(session, song, request))
        return accepted(session, job_id, owner_id, response)
