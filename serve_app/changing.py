"""What a render would encode anew, told on the command line; nothing is encoded."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cluster.db.engine import reading, writing
from cluster.db.tables import Composition, Job
from cluster.environment import cores
from cluster.jobs.states import State
from cluster.services import Services
from serve_app import film
from serve_app.making import take_in
from serve_app.problems import job_error
from tasks import workflow
from tasks.domain.document import Document
from tasks.domain.lyrics import Lyrics
from tasks.domain.rendition import form_name
from tasks.domain.request import VideoRequest
from tasks.domain.timebase import rate_text
from tasks.steps import songs
from tasks.steps.changes import Changes, changes_of, planned


def plan(
    services: Services,
    song: Path,
    request: VideoRequest,
    lyrics: Lyrics | None,
    console: Console,
    *,
    also: Sequence[VideoRequest] = (),
) -> str:
    """Hear the song, unless it was heard before, plan the video and its further formats here, and give its id.

    Raises
    ------
    CommandError
        If it cannot be planned; the job's sentence.
    """
    row = take_in(services, song, lyrics, request, console)
    with writing(services.engine) as session:
        composition_id = songs.add_composition(session, row, request, also)
        job_id = workflow.begin(session, composition_id, only_plan=True)
    film.make(services, job_id, workers=1)
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
    if job.state != State.SUCCEEDED:
        raise job_error(job.error)
    return composition_id


def tell(services: Services, composition_id: str, *, as_json: bool) -> None:
    """Print what rendering the planned video and its further formats would encode."""
    with reading(services.engine) as session:
        base = songs.owned_composition(session, composition_id, services.settings.owner_id)
        compositions = (base, *songs.formats_of(session, base))
        told = [(each, changes_of(session, services.storage, each)) for each in compositions]
    if as_json:
        first, *others = [_document(composition, changes) for composition, changes in told]
        sys.stdout.write(json.dumps({**first, "renditions": others}) + "\n")
        return
    console = Console(file=sys.stdout)
    for composition, changes in told:
        if len(told) > 1:
            console.print(form_name(VideoRequest.from_json(composition.request)), highlight=False)
        _print(changes, console)


def _document(composition: Composition, changes: Changes) -> Document:
    spec, _ = planned(composition)
    return {**changes.to_json(), "fps": rate_text(spec.frame_rate), "video_id": composition.id}


def _print(changes: Changes, console: Console) -> None:
    if changes.changes:
        table = Table("segment", "frames", "why", "seconds")
        for change in changes.changes:
            why = "; ".join(f"{each.reason}: {each.detail}" for each in change.differences)
            seconds = "?" if change.seconds is None else f"{change.seconds:.1f}"
            table.add_row(str(change.segment + 1), f"{change.start_frame}..{change.end_frame}", why, seconds)
        console.print(table)
    console.print(_sentence(changes), highlight=False)


def _sentence(changes: Changes) -> str:
    if not changes.changes:
        return f"Nothing is encoded anew: all {changes.segments} segments are stored."
    total, count = changes.seconds_on(cores()), len(changes.changes)
    known = "how long is not known before the first render" if total is None else f"about {total:.0f} s"
    return f"{count} of {changes.segments} segments are encoded anew on {cores()} cores: {known}."
