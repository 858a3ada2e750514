"""The graph of steps of a video: analyze, plan, one render a shot, assemble, publish.

An analysis is the first alone, planning the first two. A video's further formats are made by the same job: each has a
plan, an assemble and a publish step of its own, and a shot that several of them show alike in time is one render step.

A step that is done adds those that it makes possible, in the transaction that ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from sqlmodel import Session, col, select

from cluster.db.tables import Composition, Job, Song, Step
from cluster.db.time import database_time
from cluster.errors import JobNotOver
from cluster.jobs import store
from cluster.jobs.lease import Claim
from cluster.jobs.states import LIVE, State
from cluster.jobs.store import NewStep
from tasks.domain.document import Document, content_hash
from tasks.domain.rendition import form_name
from tasks.domain.request import VideoRequest
from tasks.steps import songs
from tasks.steps.context import Outcome, StepContext
from tasks.steps.lyrics import has_other_lyrics

VIDEO, ANALYSIS, PLANNING = "video", "analysis", "plan"

STEPS = ("analyze", "plan", "render", "assemble", "publish")
"""The kinds of steps; `tasks.steps` has a module for each."""

_PLACES = {"analyze": 0, "plan": 1, "assemble": 3, "publish": 4, "render": 1000}
"""Positions of the kinds in a job; those of a video's shots follow each other."""


def step_of(kind: str) -> Callable[[Document, StepContext], Outcome]:
    """Give what does steps of a kind; it is loaded when it is first asked for, since each loads much of its own."""
    assert kind in STEPS
    run: Callable[[Document, StepContext], Outcome] = import_module(f"tasks.steps.{kind}").run
    return run


def load_steps() -> None:
    """Load all that steps need: for processes that run many, or that fork those which run them."""
    for name in ("tasks.wakeup", "tasks.audio", *(f"tasks.steps.{kind}" for kind in STEPS)):
        import_module(name)


def begin(
    session: Session,
    composition_id: str,
    *,
    priority: int = store.NORMAL,
    requeued_from: str | None = None,
    only_plan: bool = False,
) -> str:
    """Add the job that makes the video, or only plans it, with its first step, and give the job's id."""
    composition = session.get_one(Composition, composition_id)
    song = session.get_one(Song, composition.song_id)
    job_id = store.create_job(
        session,
        owner_id=composition.owner_id,
        kind=PLANNING if only_plan else VIDEO,
        subject_id=composition_id,
        priority=priority,
        requeued_from=requeued_from,
    )
    _add(session, job_id, "analyze", song.filename, {"song_id": song.id})
    return job_id


def begin_analysis(
    session: Session, song: Song, *, priority: int = store.NORMAL, requeued_from: str | None = None
) -> str:
    """Add the job that hears a song, with its one step, and give the job's id."""
    job_id = store.create_job(
        session,
        owner_id=song.owner_id,
        kind=ANALYSIS,
        subject_id=song.id,
        priority=priority,
        requeued_from=requeued_from,
    )
    _add(session, job_id, "analyze", song.filename, {"song_id": song.id, "alone": True})
    return job_id


def requeue(session: Session, job_id: str, owner_id: str) -> str:
    """Begin anew what a failed or cancelled job was to make, and give the new job's id.

    A job that is over stays over; the new one finds everything that the old one finished.

    Raises
    ------
    NotFound
        If there is no such job of ``owner_id``.
    JobNotOver
        If it has not ended, or ended well.
    """
    old = store.owned_job(session, job_id, owner_id)
    if State(old.state) not in {State.FAILED, State.CANCELLED}:
        raise JobNotOver(f"The job is {old.state}; only one that failed or was cancelled is begun anew.")
    if old.kind == ANALYSIS:
        song = session.get_one(Song, old.subject_id)
        return begin_analysis(session, song, priority=old.priority, requeued_from=old.id)
    only_plan = old.kind == PLANNING
    return begin(session, old.subject_id, priority=old.priority, requeued_from=old.id, only_plan=only_plan)


def abandoned(
    session: Session, song_id: str, owner_id: str, request: VideoRequest, also: Sequence[VideoRequest] = ()
) -> Job | None:
    """Find a job for the same video of the same song that nobody works on, though it is not over.

    It makes the same further formats ``also``.
    """
    wanted, formats = request.to_json(), sorted(content_hash(each.to_json()) for each in also)
    held = select(Step.job_id).where(Step.state == State.RUNNING, col(Step.lease_until) > database_time())
    question = (
        select(Job, Composition)
        .join(Composition, col(Composition.id) == col(Job.subject_id))
        .where(
            Job.owner_id == owner_id,
            Job.kind == VIDEO,
            col(Job.state).in_(LIVE),
            Composition.song_id == song_id,
            col(Job.id).not_in(held),
        )
        .order_by(col(Job.id).desc())
    )
    return next(
        (
            job
            for job, composition in session.exec(question)
            if composition.request == wanted
            and composition.base_id is None
            and sorted(content_hash(each.request) for each in songs.formats_of(session, composition)) == formats
            and not has_other_lyrics(session, composition)
        ),
        None,
    )


def advance(session: Session, done: Claim, output_key: str | None) -> None:
    """Add what the finished step makes possible; end the job after its last step."""
    job = session.get_one(Job, done.job_id)
    if job.kind == ANALYSIS:
        store.end_job(session, job.id, State.SUCCEEDED)
        return
    composition = session.get_one(Composition, job.subject_id)
    films = (composition, *songs.formats_of(session, composition))
    title = session.get_one(Song, composition.song_id).filename
    if done.kind == "analyze":
        _add_to_each(session, job.id, "plan", title, films)
    elif done.kind == "assemble":
        _add_publish(session, done, title, films, output_key)
    elif not _all_done(session, job.id, done.kind):
        return
    elif done.kind == "plan" and job.kind == VIDEO:
        _add_renders(session, job.id, films, title)
    elif done.kind == "render":
        _add_to_each(session, job.id, "assemble", title, films)
    elif done.kind == "plan" or _all_done(session, job.id, "assemble"):
        store.end_job(session, job.id, State.SUCCEEDED)


def _add(session: Session, job_id: str, kind: str, title: str, given: Document) -> None:
    step = NewStep(kind=kind, position=_PLACES[kind], name=f"{kind} {title}", given=given)
    store.add_steps(session, job_id, [step])


def _add_to_each(session: Session, job_id: str, kind: str, title: str, films: Sequence[Composition]) -> None:
    """Add one step a film."""
    store.add_steps(
        session,
        job_id,
        [
            NewStep(
                kind=kind,
                position=_PLACES[kind] + place,
                name=f"{kind} {_named(title, film)}",
                given={"composition_id": film.id},
            )
            for place, film in enumerate(films)
        ],
    )


def _add_publish(session: Session, done: Claim, title: str, films: Sequence[Composition], film_key: str | None) -> None:
    """Add the step that publishes the film that was assembled."""
    composition_id = done.input["composition_id"]
    place, film = next((place, film) for place, film in enumerate(films) if film.id == composition_id)
    step = NewStep(
        kind="publish",
        position=_PLACES["publish"] + place,
        name=f"publish {_named(title, film)}",
        given={"composition_id": composition_id, "film_key": film_key},
    )
    store.add_steps(session, done.job_id, [step])


def _add_renders(session: Session, job_id: str, films: Sequence[Composition], title: str) -> None:
    """Add one step a shot, the longest first, so that no worker ends with a long one.

    A shot of the first film brings with it that of the others which has the same frames.
    """
    shots: dict[tuple[int, int], list[Document]] = {}
    for film in films:
        assert film.plan is not None
        for segment in film.plan["segments"]:
            shown = shots.setdefault((segment["start_frame"], segment["end_frame"]), [])
            shown.append({"spec": film.plan["spec"], "segment": segment})
    longest_first = sorted(shots.items(), key=lambda shot: ((shot[0][0] - shot[0][1]) * len(shot[1]), shot[0]))
    store.add_steps(
        session,
        job_id,
        [
            NewStep(
                kind="render",
                position=_PLACES["render"] + place,
                name=f"render {title} shot {first['segment']['index'] + 1}/{len(shots)}",
                given={**first, "also": also} if also else first,
            )
            for place, (_, (first, *also)) in enumerate(longest_first)
        ],
    )


def _named(title: str, film: Composition) -> str:
    return title if film.base_id is None else f"{title} in {form_name(VideoRequest.from_json(film.request))}"


def _all_done(session: Session, job_id: str, kind: str) -> bool:
    waiting = select(Step.id).where(Step.job_id == job_id, Step.kind == kind, Step.state != State.SUCCEEDED)
    return session.exec(waiting.limit(1)).first() is None
