"""A song that is heard from the command line: who does it, what its owner sets right, and what came of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cluster.db.engine import reading, writing
from cluster.db.tables import Job, Song
from cluster.environment import cores
from cluster.jobs.states import State
from cluster.services import Services
from serve_app.giving_up import cancelled_when_left
from serve_app.problems import job_error
from serve_app.progress import watch
from tasks import notation, workflow
from tasks.domain.analysis import Analysis
from tasks.domain.corrections import Corrections, adding
from tasks.executors import InlineExecutor
from tasks.steps import songs
from tasks.steps.heard import corrected, corrections_of, heard_in, keep_corrections


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A song with what is known of it; keys name its curves, its decoded sound and its peaks in storage."""

    song: Song
    analysis: Analysis
    corrections: Corrections
    features_key: str
    sound_key: str


def hear(services: Services, path: Path, *, workers: int | None, console: Console) -> Song:
    """Take the song in and hear it, in this process unless a cluster or more than one worker is asked for.

    Raises
    ------
    InvalidInput
        If it is no song or too long.
    CommandError
        If hearing it failed.
    """
    settings = services.settings
    song = songs.take_in(services, path, settings.owner_id, max_s=settings.max_analysis_s)
    with writing(services.engine) as session:
        job_id = workflow.begin_analysis(session, song)
    if workers is None:
        workers = 1 if settings.ray_address is None else max(2, cores())
    with watch(services, job_id, console), cancelled_when_left(services, job_id):
        if workers == 1:
            InlineExecutor(services).run(job_id)
        else:
            _run_on_ray(services, job_id, workers)
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
    if job.state != State.SUCCEEDED:
        raise job_error(job.error)
    return song


def set_right(services: Services, song: Song, corrections: Corrections | None, imported: Path | None) -> Heard:
    """Keep what the owner gives, if anything, and read what is known of a song that was heard.

    Parameters
    ----------
    corrections : tuple of corrections, optional
        Kept in place of those before.
    imported : Path, optional
        A file of another program; what it holds is added.

    Raises
    ------
    InvalidInput
        If they do not fit the song.
    """
    with writing(services.engine) as session:
        heard = heard_in(session, song.id)
        assert heard is not None
        kept, _ = corrections_of(session, song.id)
        if corrections is not None or imported is not None:
            wanted = kept if corrections is None else corrections
            if imported is not None:
                duration_s = float(Analysis.from_json(heard.document).duration_s)
                wanted = adding(wanted, notation.load(imported, duration_s).corrections())
            kept, _ = keep_corrections(session, heard, wanted)
        return Heard(
            song=song,
            analysis=corrected(session, heard),
            corrections=kept,
            features_key=heard.features_key,
            sound_key=heard.sound_key,
        )


def _run_on_ray(services: Services, job_id: str, workers: int) -> None:
    """Let Ray describe the sections side by side; what it prints goes to the log."""
    from cluster.runtime import Runtime  # noqa: PLC0415 - one process needs no Ray and does not load it
    from tasks.ray_executor import RayExecutor  # noqa: PLC0415

    with services.settings.log_file.open("a") as log, contextlib.redirect_stdout(log):
        runtime = Runtime(services.settings, workers=workers)
        try:
            runtime.start()
            RayExecutor(services).run(job_id)
        finally:
            runtime.stop()
