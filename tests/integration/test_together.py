"""Two films of one song that are made at the same moment share what they can and do not stand in each other's way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from cluster.db.engine import reading, writing
from cluster.db.tables import AnalysisRow, Artifact, Job
from cluster.jobs import artifacts
from cluster.jobs.states import State
from cluster.services import Services
from tasks import audio, workflow
from tasks.domain.request import Resolution, VideoRequest
from tasks.executors import InlineExecutor
from tasks.steps import songs
from tests.support.songs import write_song


def test_an_analysis_that_ends_while_the_same_is_made_is_shared(
    on_each_database: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "FAN_OUT_FROM_S", 0)  # so that the song's work goes through the mapper
    services = on_each_database
    song = songs.take_in(services, write_song(tmp_path / "song.wav", 3.0), "ada")
    jobs = []
    with writing(services.engine) as session:
        for seed in (1, 2):
            request = VideoRequest(resolution=Resolution.P480, frame_rate=Fraction(24), seed=seed)
            jobs.append(workflow.begin(session, songs.add_composition(session, song, request)))
    first, second = jobs
    nested: list[str] = []

    def while_hearing(function: Callable[..., Any], items: Iterable[Any]) -> Iterable[Any]:
        if not nested:
            nested.append(second)
            InlineExecutor(services).run(second)
        return map(function, items)

    InlineExecutor(services, mapper=while_hearing).run(first)
    assert nested == [second]
    with reading(services.engine) as session:
        assert {session.get_one(Job, job_id).state for job_id in (first, second)} == {State.SUCCEEDED}
        assert len(session.exec(select(AnalysisRow)).all()) == 1


def test_a_file_that_somebody_noted_is_noted_once(on_each_database: Services) -> None:
    for owner_id, size_bytes in (("ada", 3), ("bob", 4)):
        with writing(on_each_database.engine) as session:
            artifacts.note(session, key="segments/a.mp4", owner_id=owner_id, kind="segment", size_bytes=size_bytes)
    with reading(on_each_database.engine) as session:
        noted = session.exec(select(Artifact)).one()
    assert (noted.owner_id, noted.size_bytes) == ("ada", 3)
