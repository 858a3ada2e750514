"""Videos that are asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from cluster.db.engine import writing
from serve_app.accepted import accepted
from serve_app.deps import OwnerDep, ServicesDep
from serve_app.schemas import CompositionIn, JobOut
from tasks import workflow
from tasks.edit.captions import expect_lyrics
from tasks.steps import footage, songs
from tasks.steps.lyrics import lyrics_of

router = APIRouter(prefix="/songs", tags=["videos"])


@router.post("/{song_id}/compositions", status_code=status.HTTP_202_ACCEPTED, summary="Ask for a video of a song")
def create_composition(
    song_id: str,
    wanted: CompositionIn,
    services: ServicesDep,
    owner_id: OwnerDep,
    response: Response,
    *,
    only_plan: Annotated[
        bool, Query(description="Plan the video and render nothing; its changes tell the rest.")
    ] = False,
) -> JobOut:
    """Write down what is asked and answer with the job that makes it, or only plans it."""
    request, formats = wanted.request(), wanted.formats()
    with writing(services.engine) as session:
        song = songs.owned_song(session, song_id, owner_id)
        footage.facts_of(session, request.footage, owner_id)
        expect_lyrics(lyrics_of(session, song_id)[0], request)
        composition_id = songs.add_composition(session, song, request, formats)
        job_id = workflow.begin(session, composition_id, priority=wanted.level, only_plan=only_plan)
        return accepted(session, job_id, owner_id, response)
