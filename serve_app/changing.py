"""What a render would encode anew, told on the command line; nothing is encoded."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cluster.db.engine import reading, writing
from cluster.db.tables import Job
from cluster.jobs.states import State
from cluster.services import Services
from serve_app import film
from serve_app.making import take_in
from serve_app.problems import job_error
from tasks import workflow
from tasks.domain.lyrics import Lyrics
from tasks.domain.request import VideoRequest
from tasks.domain.timebase import rate_text
from tasks.steps import songs
from tasks.steps.changes import Changes, changes_of, planned


def plan(services: Services, song: Path, request: VideoRequest, lyrics: Lyrics | None, console: Console) -> str:
    """Hear the song, unless it was heard before, plan the video in this process, and give its id.

    Raises
    ------
    CommandError
        If it cannot be planned; the job's sentence.
    """
    row = take_in(services, song, lyrics, request, console)
    with writing(services.engine) as session:
        composition_id = songs.add_composition(session, row, request)
        job_id = workflow.begin(session, composition_id, only_plan=True)
    film.make(services, job_id, workers=1)
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
    if job.state != State.SUCCEEDED:
        raise job_error(job.error)
    return composition_id


def tell(services: Services, composition_id: str, *, as_json: bool) -> None:
    """Print what rendering the planned video would encode."""
    with reading(services.engine) as session:
        composition = songs.owned_composition(session, composition_id, services.settings.owner_id)
        changes = changes_of(session, services.storage, composition)
        spec, _ = planned(composition)
    if as_json:
        document = {**changes.to_json(), "fps": rate_text(spec.frame_rate), "video_id": composition_id}
        sys.stdout.write(json.dumps(document) + "\n")
        return
    console = Console(file=sys.stdout)
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
    total, count = changes.seconds_on(film.cores()), len(changes.changes)
    known = "how long is not known before the first render" if total is None else f"about {total:.0f} s"
    return f"{count} of {changes.segments} segments are encoded anew on {film.cores()} cores: {known}."
