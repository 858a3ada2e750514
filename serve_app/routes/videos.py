"""Finished videos and their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, status
from fastapi.responses import Response, StreamingResponse

from cluster.db.engine import reading, writing
from serve_app.accepted import accepted
from serve_app.deps import OwnerDep, ServicesDep
from serve_app.errors import NotReadyError, RangeError
from serve_app.film_schemas import ChangesOut, RenditionIn
from serve_app.schemas import JobOut, VideoOut
from tasks import workflow
from tasks.domain.rendition import rendition_of
from tasks.domain.request import VideoRequest
from tasks.media.poster import poster_key
from tasks.media.preview import PreviewFormat
from tasks.steps import previews, songs
from tasks.steps.changes import changes_of

router = APIRouter(prefix="/videos", tags=["videos"])


@router.get("/{video_id}", summary="Show a video")
def read_video(video_id: str, services: ServicesDep, owner_id: OwnerDep) -> VideoOut:
    """Show what was asked, the timeline once it is planned, and where the bytes are once it is finished."""
    with reading(services.engine) as session:
        composition = songs.owned_composition(session, video_id, owner_id)
        formats = songs.formats_of(session, composition)
        return VideoOut.of(composition, f"/api/v1/videos/{video_id}/content", formats)


@router.get("/{video_id}/changes", summary="Tell what rendering a planned video would encode anew")
def read_changes(video_id: str, services: ServicesDep, owner_id: OwnerDep) -> ChangesOut:
    """Name the segments that are not stored yet, why, and how long they take; nothing is encoded."""
    with reading(services.engine) as session:
        composition = songs.owned_composition(session, video_id, owner_id)
        if composition.plan is None:
            raise NotReadyError("The video is not planned yet; ask its job how far it is.")
        return ChangesOut.model_validate(changes_of(session, services.storage, composition).to_json())


@router.post("/{video_id}/jobs", status_code=status.HTTP_202_ACCEPTED, summary="Render a planned video")
def render_video(video_id: str, services: ServicesDep, owner_id: OwnerDep, response: Response) -> JobOut:
    """Begin the job that makes a video that was planned; segments that are stored are used again."""
    with writing(services.engine) as session:
        composition_id = songs.owned_composition(session, video_id, owner_id).id
        return accepted(session, workflow.begin(session, composition_id), owner_id, response)


@router.post(
    "/{video_id}/renditions", status_code=status.HTTP_202_ACCEPTED, summary="Ask for another format of a video"
)
def create_rendition(
    video_id: str, wanted: RenditionIn, services: ServicesDep, owner_id: OwnerDep, response: Response
) -> JobOut:
    """Make the same film in another shape, size or coding, as a video of its own."""
    with writing(services.engine) as session:
        base = songs.owned_composition(session, video_id, owner_id)
        request = rendition_of(VideoRequest.from_json(base.request), wanted.words)
        composition_id = songs.add_composition(session, songs.owned_song(session, base.song_id, owner_id), request)
        return accepted(session, workflow.begin(session, composition_id), owner_id, response)


@router.get(
    "/{video_id}/preview",
    summary="Get a few seconds of the video as a moving picture",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}, "image/gif": {}}, "description": "Three seconds, small, without sound."},
        409: {"description": "The video is not finished yet."},
    },
)
def read_preview(
    video_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    form: Annotated[PreviewFormat, Query(alias="format")] = PreviewFormat.WEBP,
) -> Response:
    """Give the preview; it is made when it is first asked for, and kept."""
    with reading(services.engine) as session:
        composition = songs.owned_composition(session, video_id, owner_id)
        if composition.video_key is None:
            raise NotReadyError("The video is not finished yet; ask its job how far it is.")
        start_s = previews.best_moment(session, composition)
    key = previews.kept(services, composition.video_key, form, start_s)
    body = services.storage.open_range(key, 0, services.storage.stat(key).size_bytes)
    return StreamingResponse(body, media_type=f"image/{form.value}", headers={"ETag": f'"{key}"'})


@router.get(
    "/{video_id}/content",
    summary="Get the video's bytes",
    response_class=Response,
    responses={
        200: {"content": {"video/mp4": {}}, "description": "The whole film."},
        206: {"content": {"video/mp4": {}}, "description": "The bytes that `Range` asks for."},
        409: {"description": "The video is not finished yet."},
        416: {"description": "The range lies outside the film."},
    },
)
def read_content(
    video_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    range_header: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    """Stream the film, or the one byte range that is asked for."""
    with reading(services.engine) as session:
        key = songs.owned_composition(session, video_id, owner_id).video_key
    if key is None:
        raise NotReadyError("The video is not finished yet; ask its job how far it is.")
    size = services.storage.stat(key).size_bytes
    start, end = parse_range(range_header, size) or (0, size)
    body: Iterator[bytes] = services.storage.open_range(key, start, end)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - start), "ETag": f'"{key}"'}
    if range_header is None or (start, end) == (0, size):
        return StreamingResponse(body, media_type="video/mp4", headers=headers)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(body, status_code=206, media_type="video/mp4", headers=headers)


@router.get(
    "/{video_id}/poster",
    summary="Get the video's poster",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}}, "description": "One picture of the film, of its size."},
        409: {"description": "The video is not finished yet."},
    },
)
def read_poster(video_id: str, services: ServicesDep, owner_id: OwnerDep) -> Response:
    """Give the picture that stands for the film."""
    with reading(services.engine) as session:
        film_key = songs.owned_composition(session, video_id, owner_id).video_key
    if film_key is None:
        raise NotReadyError("The video is not finished yet; ask its job how far it is.")
    key = poster_key(film_key)
    body = services.storage.open_range(key, 0, services.storage.stat(key).size_bytes)
    return StreamingResponse(body, media_type="image/jpeg", headers={"ETag": f'"{key}"'})


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Read one ``bytes=a-b`` as a half-open range; None where there is none that we serve in part.

    Raises
    ------
    RangeError
        If it lies outside ``size`` bytes.
    """
    if header is None or not header.startswith("bytes=") or "," in header:
        return None
    first, dash, last = header.removeprefix("bytes=").strip().partition("-")
    if not dash or not (first or last) or not (first + last).isdecimal():
        return None
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= end:
        raise RangeError("The range lies outside the video.", size)
    return start, end
