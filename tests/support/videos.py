"""Small videos made by the real steps, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from sqlmodel import select

from cluster.db.engine import reading, writing
from cluster.db.tables import Artifact, Composition, Job
from cluster.jobs import store
from cluster.jobs.store import NewStep
from cluster.services import Services
from tasks import workflow
from tasks.domain.request import Resolution, VideoRequest
from tasks.domain.segment import Preset
from tasks.executors import InlineExecutor
from tasks.steps import songs

OWNER = "local"  # whom the command line and an open service act for


def small(**wishes: Any) -> VideoRequest:
    """Ask for a video that is made in a moment."""
    given = {"resolution": Resolution.P480, "preset": Preset.DRAFT, "frame_rate": Fraction(24), "seed": 7, **wishes}
    return VideoRequest(**given)


def render(
    services: Services, song: Path, request: VideoRequest, also: Sequence[VideoRequest] = ()
) -> tuple[Composition, Job]:
    """Run the whole job and give the rows that it left."""
    row = songs.take_in(services, song, OWNER)
    with writing(services.engine) as session:
        composition_id = songs.add_composition(session, row, request, also)
        job_id = workflow.begin(session, composition_id)
    InlineExecutor(services).run(job_id)
    with reading(services.engine) as session:
        return session.get_one(Composition, composition_id), session.get_one(Job, job_id)


def plan(services: Services, song: Path, request: VideoRequest) -> Composition:
    """Plan a video and render nothing of it."""
    row = songs.take_in(services, song, OWNER)
    with writing(services.engine) as session:
        composition_id = songs.add_composition(session, row, request)
        job_id = workflow.begin(session, composition_id, only_plan=True)
    InlineExecutor(services).run(job_id)
    with reading(services.engine) as session:
        return session.get_one(Composition, composition_id)


def replan(services: Services, composition: Composition, segments: list[dict[str, Any]]) -> Composition:
    """Give a planned video other segments, as an edit would."""
    with writing(services.engine) as session:
        row = session.get_one(Composition, composition.id)
        row.plan = {**(row.plan or {}), "segments": segments}
        session.add(row)
    with reading(services.engine) as session:
        return session.get_one(Composition, composition.id)


def render_planned(services: Services, composition: Composition) -> Job:
    """Run the steps that follow the plan."""
    assert composition.plan is not None
    with writing(services.engine) as session:
        job_id = store.create_job(session, owner_id=OWNER, kind=workflow.VIDEO, subject_id=composition.id)
        steps = [
            NewStep(
                kind="render",
                position=1000 + segment["index"],
                name=f"shot {segment['index']}",
                given={"spec": composition.plan["spec"], "segment": segment},
            )
            for segment in composition.plan["segments"]
        ]
        store.add_steps(session, job_id, steps)
    InlineExecutor(services).run(job_id)
    with reading(services.engine) as session:
        return session.get_one(Job, job_id)


def encoded_segments(services: Services) -> set[str]:
    """Give the keys of all segments that were encoded so far."""
    with reading(services.engine) as session:
        return set(session.exec(select(Artifact.key).where(Artifact.kind == "segment")))


def fetched(services: Services, key: str, folder: Path) -> Path:
    """Give a local file of a stored object."""
    return services.storage.fetch_file(key, folder / Path(key).name)
