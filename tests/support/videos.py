"""Small videos made by the real steps, in this process."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from cluster.db.engine import reading, writing
from cluster.db.tables import Composition, Job
from cluster.services import Services
from tasks import workflow
from tasks.domain.request import Resolution, VideoRequest
from tasks.domain.segment import Preset
from tasks.executors import InlineExecutor
from tasks.steps import songs

OWNER = "ada"


def small(**wishes: Any) -> VideoRequest:
    """Ask for a video that is made in a moment."""
    given = {"resolution": Resolution.P480, "preset": Preset.DRAFT, "frame_rate": Fraction(24), "seed": 7, **wishes}
    return VideoRequest(**given)


def render(services: Services, song: Path, request: VideoRequest) -> tuple[Composition, Job]:
    """Run the whole job and give the rows that it left."""
    row = songs.take_in(services, song, OWNER)
    with writing(services.engine) as session:
        composition_id = songs.add_composition(session, row, request)
        job_id = workflow.begin(session, composition_id)
    InlineExecutor(services).run(job_id)
    with reading(services.engine) as session:
        return session.get_one(Composition, composition_id), session.get_one(Job, job_id)


def fetched(services: Services, key: str, folder: Path) -> Path:
    """Give a local file of a stored object."""
    return services.storage.fetch_file(key, folder / Path(key).name)
