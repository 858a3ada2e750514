"""The graph of steps of a video: analyze, plan, one render a shot, assemble, publish.

A step that is done adds those that it makes possible, in the transaction that ends it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session

from cluster.db.tables import Composition, Job, Song
from cluster.jobs import store
from cluster.jobs.lease import Claim
from cluster.jobs.states import State
from tasks.domain.document import Document
from tasks.steps import analyze, assemble, plan, publish, render
from tasks.steps.context import Outcome, StepContext

VIDEO = "video"

STEPS: dict[str, Callable[[Document, StepContext], Outcome]] = {
    "analyze": analyze.run,
    "plan": plan.run,
    "render": render.run,
    "assemble": assemble.run,
    "publish": publish.run,
}


def begin(session: Session, composition_id: str) -> str:
    """Add the job that makes the video, with its first step, and give the job's id."""
    composition = session.get_one(Composition, composition_id)
    song = session.get_one(Song, composition.song_id)
    job_id = store.create_job(session, owner_id=composition.owner_id, kind=VIDEO, subject_id=composition_id)
    store.add_step(
        session, job_id, kind="analyze", position=0, name=f"analyze {song.filename}", given={"song_id": song.id}
    )
    return job_id


def advance(session: Session, done: Claim, output_key: str | None) -> None:
    """Add what the finished step makes possible; end the job after its last step."""
    job = session.get_one(Job, done.job_id, with_for_update=True)
    if State(job.state).is_final:
        return
    composition = session.get_one(Composition, job.subject_id)
    song = session.get_one(Song, composition.song_id)
    subject = {"composition_id": composition.id}
    title = song.filename
    if done.kind == "analyze":
        store.add_step(session, job.id, kind="plan", position=1, name=f"plan {title}", given=subject)
    elif done.kind == "plan":
        _add_renders(session, job.id, composition, title)
    elif done.kind == "render" and _all_rendered(session, job.id):
        store.add_step(session, job.id, kind="assemble", position=3, name=f"assemble {title}", given=subject)
    elif done.kind == "assemble":
        given = {**subject, "film_key": output_key}
        store.add_step(session, job.id, kind="publish", position=4, name=f"publish {title}", given=given)
    elif done.kind == "publish":
        store.end_job(session, job.id, State.SUCCEEDED)


def _add_renders(session: Session, job_id: str, composition: Composition, title: str) -> None:
    """Add one step a segment, the longest first, so that no worker ends with a long one."""
    assert composition.plan is not None
    spec, segments = composition.plan["spec"], composition.plan["segments"]
    longest_first = sorted(segments, key=lambda plan: (plan["start_frame"] - plan["end_frame"], plan["index"]))
    for place, segment in enumerate(longest_first):
        store.add_step(
            session,
            job_id,
            kind="render",
            position=1000 + place,
            name=f"render {title} shot {segment['index'] + 1}/{len(segments)}",
            given={"spec": spec, "segment": segment},
        )


def _all_rendered(session: Session, job_id: str) -> bool:
    renders = [step for step in store.steps_of(session, job_id) if step.kind == "render"]
    return all(step.state == State.SUCCEEDED for step in renders)
