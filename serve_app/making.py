"""A film of a song and its further formats, made from the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from cluster.db.engine import writing
from cluster.db.tables import Song
from cluster.jobs import store
from cluster.jobs.announce import withdraw
from cluster.services import Services
from serve_app import film, output
from serve_app.film import Film
from serve_app.progress import View, watch
from tasks import workflow
from tasks.domain.lyrics import Lyrics
from tasks.domain.request import VideoRequest
from tasks.edit.captions import expect_lyrics
from tasks.media.verify import Report
from tasks.media.verify import verify as verify_film
from tasks.steps import songs
from tasks.steps.lyrics import keep_lyrics, lyrics_of

Summary = tuple[Film, Path, Report | None, dict[str, float]]


class Making:
    """Makes a film of a song, and further formats of it in the same job.

    ``lyrics`` are kept with the song, where some are given.
    """

    def __init__(
        self,
        services: Services,
        song: Path,
        lyrics: Lyrics | None,
        *,
        ffmpeg: str,
        console: Console,
        workers: int | None,
        check: bool,
    ) -> None:
        self._services = services
        self._song = song
        self._lyrics = lyrics
        self._ffmpeg = ffmpeg
        self._console = console
        self._workers = workers
        self._check = check

    def films(self, request: VideoRequest, target: Path, also: Mapping[Path, VideoRequest]) -> list[Summary]:
        """Make the film and its further formats ``also``, write each to its path, and give what is told of each."""
        services = self._services
        job_id = self._ask(request, tuple(also.values()))
        has_cluster = services.settings.ray_address is not None
        wanted = (request, *also.values())
        workers = self._workers or film.fitting_workers(self._song, wanted, has_cluster=has_cluster)
        with watch(services, job_id, self._console) as view:
            film.make(services, job_id, workers=workers)
            made = film.finished(services, job_id)
            return [self._delivered(made[each], path, view) for path, each in {target: request, **also}.items()]

    def _delivered(self, made: Film, target: Path, view: View) -> Summary:
        for name in output.write(self._services, made, target):
            self._console.print(f"{name} was there before and is left as it is", highlight=False)
        report = None
        if self._check:
            with view.stage("verify"):
                report = verify_film(target, self._song, ffmpeg=self._ffmpeg, timeline=made.timeline)
        return made, target, report, {**made.seconds, **view.seconds}

    def _ask(self, request: VideoRequest, also: Sequence[VideoRequest]) -> str:
        """Write down what is wanted; a job for the very same that was broken off is taken up instead."""
        services = self._services
        row = take_in(services, self._song, self._lyrics, request, self._console)
        with writing(services.engine) as session:
            old = workflow.abandoned(session, row.id, row.owner_id, request, also)
            if old is None:
                return workflow.begin(session, songs.add_composition(session, row, request, also))
            step_ids = [step.id for step in store.steps_of(session, old.id)]
        withdraw(services.engine, step_ids)
        self._console.print("taking up a render that was broken off", highlight=False)
        return old.id


def take_in(services: Services, song: Path, lyrics: Lyrics | None, request: VideoRequest, console: Console) -> Song:
    """Take a song in, with its words where some are given.

    Raises
    ------
    InvalidInput
        If it is no song, or the request wants words that there are not.
    """
    if lyrics is not None and not lyrics.encoding.startswith("utf"):
        console.print(f"the lyrics are not UTF-8 and were read as {lyrics.encoding}", highlight=False)
    row = songs.take_in(services, song, services.settings.owner_id)
    with writing(services.engine) as session:
        if lyrics is not None:
            keep_lyrics(session, row, lyrics)
        expect_lyrics(lyrics_of(session, row.id)[0], request)
    return row
