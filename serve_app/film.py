"""A job of the command line, from its rows to the finished film: who runs it, and what came of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlmodel import Session

from cluster.db.engine import reading
from cluster.db.tables import Composition, Job, Step
from cluster.environment import cores
from cluster.errors import ClusterError
from cluster.jobs import store
from cluster.jobs.states import State
from cluster.services import Services
from serve_app.giving_up import cancelled_when_left
from serve_app.problems import job_error
from tasks.domain.analysis import Analysis
from tasks.domain.document import Document
from tasks.domain.lyrics import Lyrics
from tasks.domain.request import VideoRequest
from tasks.domain.style import StyleName
from tasks.domain.timeline import Timeline
from tasks.executors import InlineExecutor, is_over
from tasks.kernels import compile_alone
from tasks.media import effects, transitions
from tasks.media.probe import sound_header
from tasks.procedural.engine import warm
from tasks.steps import songs
from tasks.steps.lyrics import film_lyrics

if TYPE_CHECKING:
    from cluster.runtime import Runtime

_log = structlog.get_logger(__name__)

_WORTH_RAY_PIXELS = 20 * 30 * 1280 * 720
"""Below so many pixels in the whole film one process is done before a cluster is up."""

_BEFORE_PICTURES = frozenset({"analyze", "plan"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A finished film and what is known of it: the time of each stage, and its words on its own clock.

    ``flash_limit`` is what its plan says of the bound of flashes: ``is_on``, and what was ``softened`` for it.
    """

    video_id: str
    video_key: str
    timeline: Timeline
    analysis: Analysis
    seconds: dict[str, float]
    flash_limit: Document
    lyrics: Lyrics | None = None


def fitting_workers(song: Path, wanted: Sequence[VideoRequest], *, has_cluster: bool) -> int:
    """Choose how many processes to use where the user did not say: the cores, or 1 for short films.

    On a cluster that the user names the number says only that it is used.
    """
    if has_cluster:
        return max(2, cores())
    promised = sound_header(song).promised_s
    pixels = [_pixels(request, promised) for request in wanted]
    known = [each for each in pixels if each is not None]
    return 1 if len(known) == len(pixels) and sum(known) < _WORTH_RAY_PIXELS else cores()


def _pixels(request: VideoRequest, promised_s: Fraction | None) -> Fraction | None:
    """Give how many pixels a film of a song of so many seconds has; None where nothing tells its length."""
    end = min((end for end in (request.end_s, promised_s) if end is not None), default=None)
    if end is None:
        return None
    width, height = request.size
    return (end - (request.start_s or 0)) * request.frame_rate * width * height


def make(services: Services, job_id: str, *, workers: int) -> None:
    """Run the job to its end; interrupted, it is cancelled."""
    with cancelled_when_left(services, job_id):
        if workers == 1:
            InlineExecutor(services).run(job_id)
        else:
            _make_on_ray(services, job_id, workers)


def finished(services: Services, job_id: str) -> dict[VideoRequest, Film]:
    """Read what became of the job: its film, and the further formats of it.

    Raises
    ------
    CommandError
        If it failed or was cancelled; the job's sentence and its exit code.
    """
    with reading(services.engine) as session:
        job = session.get_one(Job, job_id)
        steps = store.steps_of(session, job_id)
        if job.state != State.SUCCEEDED:
            raise job_error(job.error)
        base = session.get_one(Composition, job.subject_id)
        seconds = _seconds(steps)
        rows = (base, *songs.formats_of(session, base))
        return {VideoRequest.from_json(row.request): _film(session, row, seconds) for row in rows}


def _seconds(steps: Sequence[Step]) -> dict[str, float]:
    """Give how long each kind of step took, from the first one's start to the last one's end."""
    seconds: dict[str, float] = {}
    for kind in dict.fromkeys(step.kind for step in steps):
        times = [(step.started_at, step.finished_at) for step in steps if step.kind == kind]
        begun = [start for start, _ in times if start is not None]
        ended = [end for _, end in times if end is not None]
        seconds[kind] = round((max(ended) - min(begun)).total_seconds(), 3)
    return seconds


def _film(session: Session, composition: Composition, seconds: dict[str, float]) -> Film:
    analysis = songs.analysis_of(session, composition)
    assert analysis is not None
    assert composition.timeline is not None
    assert composition.video_key is not None
    return Film(
        video_id=composition.id,
        video_key=composition.video_key,
        timeline=Timeline.from_json(composition.timeline),
        analysis=analysis,
        seconds=seconds,
        flash_limit=(composition.plan or {}).get("flash_limit", {}),
        lyrics=film_lyrics(composition),
    )


def _make_on_ray(services: Services, job_id: str, workers: int) -> None:
    """Hear and plan in this process while Ray comes up; then let Ray draw. What Ray prints goes to the log."""
    with services.settings.log_file.open("a") as log, contextlib.redirect_stdout(log):
        _make_with_runtime(services, job_id, workers)


def _make_with_runtime(services: Services, job_id: str, workers: int) -> None:
    from cluster.runtime import Runtime  # noqa: PLC0415 - one process needs no Ray and does not load it
    from tasks.ray_executor import RayExecutor  # noqa: PLC0415

    runtime = Runtime(services.settings, workers=workers)
    prelude = _Prelude(services, job_id)
    prelude.start()
    try:
        runtime.start()
        prelude.finish()
        while not is_over(services, job_id):
            try:
                RayExecutor(services).run(job_id)
            except ClusterError as error:
                _start_again(runtime, error)
    finally:
        runtime.stop()


def _start_again(runtime: Runtime, error: ClusterError) -> None:
    """Replace a Ray of our own that is lost; what it had finished is in the database."""
    if not runtime.is_own:
        raise error
    _log.warning("Ray is lost and started again", error=str(error))
    runtime.stop()
    runtime.start()


class _Prelude(threading.Thread):
    """Runs the steps before the first picture and compiles the kernels that the workers will load."""

    def __init__(self, services: Services, job_id: str) -> None:
        super().__init__(daemon=True)
        self._services = services
        self._job_id = job_id
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            InlineExecutor(self._services).run(self._job_id, kinds=_BEFORE_PICTURES)
            style = self._planned_style()
            if style is not None:
                compile_alone(f"style-{style}", partial(warm, style))
            compile_alone("effects", effects.warm)
            compile_alone("transitions", transitions.warm)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error

    def finish(self) -> None:
        """Wait for the end and raise what went wrong."""
        self.join()
        if self._error is not None:
            raise self._error

    def _planned_style(self) -> StyleName | None:
        with reading(self._services.engine) as session:
            job = session.get_one(Job, self._job_id)
            plan = session.get_one(Composition, job.subject_id).plan
        style = None if plan is None else plan["segments"][0]["source"]["settings"].get("style")
        return None if style is None else StyleName(style)
