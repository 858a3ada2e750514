"""Two films of one song that are made at the same moment share what they can and do not stand in each other's way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from cluster.db.engine import reading, writing
from cluster.db.tables import AnalysisRow, Artifact, Job, Song
from cluster.jobs import artifacts
from cluster.jobs.states import State
from cluster.services import Services
from cluster.storage.base import ObjectInfo
from cluster.storage.local import LocalStorage
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


def test_a_song_that_is_given_twice_at_once_is_one_song(on_each_database: Services, tmp_path: Path) -> None:
    services, path = on_each_database, write_song(tmp_path / "song.wav", 1.0)
    others: list[Song] = []

    class WhileStoring(LocalStorage):
        def put_file(self, path: Path, key: str) -> ObjectInfo:
            if not others:
                others.append(songs.take_in(services, path, "ada"))
                others.append(songs.take_in(services, path, "bob"))
            return super().put_file(path, key)

    slow = replace(services, storage=WhileStoring(services.settings.objects_dir))
    taken = songs.take_in(slow, path, "ada")
    assert [song.id == taken.id for song in others] == [True, False]
    with reading(services.engine) as session:
        assert len(session.exec(select(Song)).all()) == 2


def test_a_song_whose_bytes_were_lost_is_itself_again(services: Services, tmp_path: Path) -> None:
    path = write_song(tmp_path / "song.wav", 1.0)
    first = songs.take_in(services, path, "ada")
    services.storage.delete(first.content_key)
    again = songs.take_in(services, path, "ada")
    assert again.id == first.id
    assert services.storage.exists(first.content_key)


def test_a_file_that_somebody_noted_is_noted_once(on_each_database: Services) -> None:
    for owner_id, size_bytes in (("ada", 3), ("bob", 4)):
        with writing(on_each_database.engine) as session:
            artifacts.note(session, key="segments/a.mp4", owner_id=owner_id, kind="segment", size_bytes=size_bytes)
    with reading(on_each_database.engine) as session:
        noted = session.exec(select(Artifact)).one()
    assert (noted.owner_id, noted.size_bytes) == ("ada", 3)
