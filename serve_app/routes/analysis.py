"""What was heard in a song, what its owner set right, and its waveform."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, File, Header, Query, Response, UploadFile, status
from sqlmodel import Session

from cluster.db.engine import reading, writing
from cluster.db.tables import AnalysisRow
from cluster.errors import Changed
from cluster.services import Services
from serve_app.accepted import accepted
from serve_app.analysis_schemas import AnalysisOut, CorrectionsIn, CorrectionsOut, WaveformOut
from serve_app.deps import OwnerDep, ServicesDep
from serve_app.errors import NotReadyError
from serve_app.schemas import JobOut
from tasks import notation, workflow
from tasks.domain.analysis import Analysis
from tasks.domain.corrections import adding
from tasks.media.waveform import Peaks, Zoom
from tasks.notation import FORMATS, LARGEST_BYTES, Format
from tasks.steps import songs
from tasks.steps.heard import corrected, corrections_of, heard_in, keep_corrections, waveform_key

router = APIRouter(prefix="/songs/{song_id}", tags=["analysis"])

_NOT_HEARD: dict[int | str, dict[str, Any]] = {409: {"description": "The song is not heard yet."}}
_FORM_BYTES = 64 << 10
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of what you changed.")]


class WaveformFormat(StrEnum):
    """How peaks are written."""

    JSON = "json"
    BINARY = "dat"


@router.post("/analysis", status_code=status.HTTP_202_ACCEPTED, summary="Hear a song")
def create_analysis(song_id: str, services: ServicesDep, owner_id: OwnerDep, response: Response) -> JobOut:
    """Answer with the job that hears the song; one that was heard before is done at once."""
    with writing(services.engine) as session:
        song = songs.owned_song(session, song_id, owner_id)
        return accepted(session, workflow.begin_analysis(session, song), owner_id, response)


@router.get("/analysis", summary="Read what was heard in a song", responses=_NOT_HEARD)
def read_analysis(
    song_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    heard: Annotated[bool, Query(description="Without the owner's corrections: what the machine heard.")] = False,  # noqa: FBT002
) -> AnalysisOut:
    """Show tempo, key, meter, beats and sections, with the owner's corrections."""
    with reading(services.engine) as session:
        row = _heard(session, song_id, owner_id)
        return AnalysisOut.of(Analysis.from_json(row.document) if heard else corrected(session, row))


@router.get(
    "/analysis/export",
    summary="Export beats and sections for another program",
    response_class=Response,
    responses={
        200: {"content": {one.media_type: {} for one in FORMATS.values()}, "description": "The file."},
        **_NOT_HEARD,
    },
)
def export_analysis(
    song_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    form: Annotated[Format, Query(alias="format")],
) -> Response:
    """Write beats (csv, svl, mid), sections (lab), or both (txt, jams, mid), with the owner's corrections."""
    with reading(services.engine) as session:
        analysis = corrected(session, _heard(session, song_id, owner_id))
    headers = {"Content-Disposition": f'attachment; filename="{song_id}.{form}"'}
    return Response(notation.export(analysis, form), media_type=FORMATS[form].media_type, headers=headers)


@router.get("/corrections", summary="Read what was set right")
def read_corrections(song_id: str, services: ServicesDep, owner_id: OwnerDep, response: Response) -> CorrectionsOut:
    """Show the corrections; their ETag guards a change."""
    with reading(services.engine) as session:
        songs.owned_song(session, song_id, owner_id)
        corrections, revision = corrections_of(session, song_id)
    response.headers["ETag"] = f'"{revision}"'
    return CorrectionsOut.of(corrections, revision)


@router.put(
    "/corrections",
    summary="Set right what was heard",
    max_body_size=LARGEST_BYTES,
    responses={**_NOT_HEARD, 412: {"description": "The corrections were changed meanwhile."}},
)
def put_corrections(
    song_id: str,
    given: CorrectionsIn,
    *,
    services: ServicesDep,
    owner_id: OwnerDep,
    response: Response,
    if_match: IfMatch = None,
) -> CorrectionsOut:
    """Keep corrections in place of those before; videos that are asked for afterwards follow them."""
    with writing(services.engine) as session:
        heard = _heard(session, song_id, owner_id)
        kept, revision = keep_corrections(session, heard, given.records(), revision=revision_of(if_match))
    response.headers["ETag"] = f'"{revision}"'
    return CorrectionsOut.of(kept, revision)


@router.post(
    "/corrections/import",
    summary="Import beats or sections of another program",
    max_body_size=LARGEST_BYTES + _FORM_BYTES,
    responses=_NOT_HEARD,
)
def import_corrections(
    song_id: str,
    file: Annotated[UploadFile, File(description="Beats or sections: csv, lab, txt, svl, jams or mid.")],
    services: ServicesDep,
    owner_id: OwnerDep,
    response: Response,
) -> CorrectionsOut:
    """Add what the file holds to the corrections."""
    name = PurePath((file.filename or "").replace("\\", "/")).name
    data = file.file.read(LARGEST_BYTES + 1)
    with reading(services.engine) as session:
        duration_s = Analysis.from_json(_heard(session, song_id, owner_id).document).duration_s
    marks = notation.read(data, name, float(duration_s))
    with writing(services.engine) as session:
        heard = _heard(session, song_id, owner_id)
        before, revision = corrections_of(session, song_id)
        kept, revision = keep_corrections(session, heard, adding(before, marks.corrections()), revision=revision)
    response.headers["ETag"] = f'"{revision}"'
    return CorrectionsOut.of(kept, revision)


@router.get(
    "/waveform",
    summary="Get peaks for drawing the waveform",
    response_model=WaveformOut,
    responses={200: {"content": {"application/octet-stream": {}}}, **_NOT_HEARD},
)
def read_waveform(
    song_id: str,
    services: ServicesDep,
    owner_id: OwnerDep,
    samples_per_pixel: Annotated[Zoom, Query(description="The zoom.")] = Zoom.FINE,
    form: Annotated[WaveformFormat, Query(alias="format")] = WaveformFormat.JSON,
) -> Response:
    """Give peaks as audiowaveform writes them, version 2, as JSON or binary."""
    with reading(services.engine) as session:
        key = waveform_key(_heard(session, song_id, owner_id).sound_key)
    peaks = _peaks(services, key).zoomed(samples_per_pixel)
    if form == WaveformFormat.BINARY:
        return Response(peaks.to_bytes(), media_type="application/octet-stream")
    return Response(WaveformOut.model_validate(peaks.to_json()).model_dump_json(), media_type="application/json")


def _heard(session: Session, song_id: str, owner_id: str) -> AnalysisRow:
    songs.owned_song(session, song_id, owner_id)
    row = heard_in(session, song_id)
    if row is None:
        raise NotReadyError("The song is not heard yet; POST to its analysis and ask the job how far it is.")
    return row


def _peaks(services: Services, key: str) -> Peaks:
    if not services.storage.exists(key):
        raise NotReadyError("The waveform is not drawn yet; POST to the song's analysis, which draws it.")
    size = services.storage.stat(key).size_bytes
    return Peaks.from_bytes(b"".join(services.storage.open_range(key, 0, size)))


def revision_of(if_match: str | None) -> int | None:
    """Read the revision that an If-Match names; None where any will do.

    Raises
    ------
    Changed
        If it is no ETag of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    if not tag.isdecimal():
        raise Changed("If-Match is no ETag that was given out; read again what you change.")
    return int(tag)
