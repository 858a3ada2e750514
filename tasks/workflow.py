"""The graph of steps of a video: analyze, plan, one render a shot, assemble, publish.

An analysis is the first alone, planning the first two.

A step that is done adds those that it makes possible, in the transaction that ends it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session, col, select

from cluster.db.tables import Composition, Job, Song, Step
from cluster.db.time import database_time
from cluster.errors import JobNotOver
from cluster.jobs import store
from cluster.jobs.lease import Claim
from cluster.jobs.states import LIVE, State
from cluster.jobs.store import NewStep
from tasks.domain.document import Document
from tasks.steps import analyze, assemble, plan, publish, render
from tasks.steps.context import Outcome, StepContext
from tasks.steps.lyrics import has_other_lyrics

VIDEO, ANALYSIS, PLANNING = "video", "analysis", "plan"

STEPS: dict[str, Callable[[Document, StepContext], Outcome]] = {
    "analyze": analyze.run,
    "plan": plan.run,
    "render": render.run,
    "assemble": assemble.run,
    "publish": publish.run,
}

_PLACES = {"analyze": 0, "plan": 1, "assemble": 3, "publish": 4, "render": 1000}
"""Positions of the kinds in a job; those of a video's shots follow each other."""


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


def abandoned(session: Session, song_id: str, owner_id: str, request: Document) -> Job | None:
    """Find a job for the same video of the same song that nobody works on, though it is not over."""
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
            if composition.request == request and not has_other_lyrics(session, composition)
        ),
        None,
    )


def advance(session: Session, done: Claim, output_key: str | None) -> None:
    """Add what the finished step makes possible; end the job after its last step."""
    job = session.get_one(Job, done.job_id)
    if job.kind == ANALYSIS or (job.kind == PLANNING and done.kind == "plan"):
        store.end_job(session, job.id, State.SUCCEEDED)
        return
    composition = session.get_one(Composition, job.subject_id)
    subject = {"composition_id": composition.id}
    title = session.get_one(Song, composition.song_id).filename
    if done.kind == "analyze":
        _add(session, job.id, "plan", title, subject)
    elif done.kind == "plan":
        _add_renders(session, job.id, composition, title)
    elif done.kind == "render" and _all_rendered(session, job.id):
        _add(session, job.id, "assemble", title, subject)
    elif done.kind == "assemble":
        _add(session, job.id, "publish", title, {**subject, "film_key": output_key})
    elif done.kind == "publish":
        store.end_job(session, job.id, State.SUCCEEDED)


def _add(session: Session, job_id: str, kind: str, title: str, given: Document) -> None:
    step = NewStep(kind=kind, position=_PLACES[kind], name=f"{kind} {title}", given=given)
    store.add_steps(session, job_id, [step])


def _add_renders(session: Session, job_id: str, composition: Composition, title: str) -> None:
    """Add one step a segment, the longest first, so that no worker ends with a long one."""
    assert composition.plan is not None
    spec, segments = composition.plan["spec"], composition.plan["segments"]
    longest_first = sorted(segments, key=lambda plan: (plan["start_frame"] - plan["end_frame"], plan["index"]))
    store.add_steps(
        session,
        job_id,
        [
            NewStep(
                kind="render",
                position=_PLACES["render"] + place,
                name=f"render {title} shot {segment['index'] + 1}/{len(segments)}",
                given={"spec": spec, "segment": segment},
            )
            for place, segment in enumerate(longest_first)
        ],
    )


def _all_rendered(session: Session, job_id: str) -> bool:
    waiting = select(Step.id).where(Step.job_id == job_id, Step.kind == "render", Step.state != State.SUCCEEDED)
    return session.exec(waiting.limit(1)).first() is None
