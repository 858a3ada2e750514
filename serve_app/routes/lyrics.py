"""A song's words: given as a file, read in any format, taken away; and the words of a video on its own clock."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, File, Query, Response, UploadFile, status
from sqlmodel import Session

from cluster.db.engine import reading, writing
from cluster.errors import NotFound
from serve_app.deps import OwnerDep, ServicesDep
from serve_app.errors import NotReadyError
from serve_app.lyrics_schemas import LyricsOut
from serve_app.routes.analysis import IfMatch, revision_of
from tasks.domain.lyrics import Lyrics
from tasks.edit.lyrics import place_lyrics
from tasks.notation import lyrics as files
from tasks.notation.lyrics import FORMATS, LARGEST_BYTES, LyricsFormat
from tasks.steps import songs
from tasks.steps.heard import corrected, heard_in
from tasks.steps.lyrics import drop_lyrics, film_lyrics, keep_lyrics, lyrics_of

router = APIRouter(tags=["lyrics"])

_FORM_BYTES = 64 << 10
_FILES: dict[str, Any] = {one.media_type: {} for one in FORMATS.values()}
_CHANGED: dict[int | str, dict[str, Any]] = {412: {"description": "The lyrics were changed meanwhile."}}


@router.get(
    "/songs/{song_id}/lyrics",
    summary="Read a song's words",
    response_model=LyricsOut,
    responses={200: {"content": _FILES}, 409: {"description": "The format needs times and the song is not heard."}},
)
def read_lyrics(
    song_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    form: Annotated[
        LyricsFormat | None, Query(alias="format", description="A file instead; lines without times are placed.")
    ] = None,
) -> Response:
    """Show the words as they were given; their ETag guards a change."""
    with reading(services.engine) as session:
        songs.owned_song(session, song_id, owner_id)
        lyrics, revision = lyrics_of(session, song_id)
        if lyrics is None:
            raise NotFound("The song has no lyrics; PUT a file of them.")
        if form is not None and FORMATS[form].needs_times:
            lyrics = _placed(session, song_id, lyrics)
    headers = {"ETag": f'"{revision}"'}
    if form is None:
        shown = LyricsOut.of(lyrics, revision).model_dump_json(by_alias=True)
        return Response(shown, media_type="application/json", headers=headers)
    return _file(lyrics, form, song_id, headers)


@router.put(
    "/songs/{song_id}/lyrics",
    summary="Give a song its words",
    max_body_size=LARGEST_BYTES + _FORM_BYTES,
    responses=_CHANGED,
)
def put_lyrics(
    song_id: str,
    file: Annotated[UploadFile, File(description="The words: lrc, srt, vtt, ass or plain text.")],
    *,
    services: ServicesDep,
    owner_id: OwnerDep,
    response: Response,
    if_match: IfMatch = None,
) -> LyricsOut:
    """Keep the words in place of those before; videos that are asked for afterwards show these."""
    name = PurePath((file.filename or "lyrics.txt").replace("\\", "/")).name
    lyrics = files.read(file.file.read(LARGEST_BYTES + 1), name)
    with writing(services.engine) as session:
        song = songs.owned_song(session, song_id, owner_id)
        revision = keep_lyrics(session, song, lyrics, revision=revision_of(if_match))
    response.headers["ETag"] = f'"{revision}"'
    return LyricsOut.of(lyrics, revision)


@router.delete(
    "/songs/{song_id}/lyrics",
    summary="Take a song's words away",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=_CHANGED,
)
def delete_lyrics(song_id: str, services: ServicesDep, owner_id: OwnerDep, if_match: IfMatch = None) -> None:
    """Forget the words; videos that were made keep theirs."""
    with writing(services.engine) as session:
        songs.owned_song(session, song_id, owner_id)
        if not drop_lyrics(session, song_id, revision=revision_of(if_match)):
            raise NotFound("The song has no lyrics.")


@router.get(
    "/videos/{video_id}/lyrics",
    summary="Get a video's words as a file beside it",
    response_class=Response,
    responses={
        200: {"content": _FILES, "description": "The file, on the film's own clock."},
        409: {"description": "The video is not planned yet."},
    },
)
def read_video_lyrics(
    video_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    form: Annotated[LyricsFormat, Query(alias="format")] = LyricsFormat.VTT,
) -> Response:
    """Write what is sung in the film; 404 where it was made without words."""
    with reading(services.engine) as session:
        composition = songs.owned_composition(session, video_id, owner_id)
        if composition.plan is None:
            raise NotReadyError("The video is not planned yet; ask its job how far it is.")
        lyrics = film_lyrics(composition)
    if lyrics is None or not lyrics.lines:
        raise NotFound("There are no words in this video.")
    return _file(lyrics, form, video_id, {})


def _placed(session: Session, song_id: str, lyrics: Lyrics) -> Lyrics:
    """Give lines without times those that a video would show them at."""
    if lyrics.is_timed:
        return lyrics
    heard = heard_in(session, song_id)
    if heard is None:
        raise NotReadyError("These lines have no times and the song is not heard yet; POST to its analysis first.")
    return place_lyrics(lyrics, corrected(session, heard))


def _file(lyrics: Lyrics, form: LyricsFormat, name: str, headers: dict[str, str]) -> Response:
    told = {"Content-Disposition": f'attachment; filename="{name}.{form}"', **headers}
    return Response(files.write(lyrics, form), media_type=f"{FORMATS[form].media_type}; charset=utf-8", headers=told)
