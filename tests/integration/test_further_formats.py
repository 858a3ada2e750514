"""Several formats of a film in one job: the same bytes as each alone, drawn and decoded once where they share it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from cluster.db.engine import reading, writing
from cluster.db.tables import Composition, Job, Step
from cluster.jobs.states import State
from cluster.services import Services
from serve_app.api import create_api
from tasks import workflow
from tasks.domain.clip import Beyond, ClipShot
from tasks.domain.effect import EffectKind
from tasks.domain.rendition import rendition_of
from tasks.domain.segment import Preset
from tasks.executors import InlineExecutor
from tasks.media.clip import sharing
from tasks.media.clip.header import ClipHeader
from tasks.media.clip.inprocess import Frame, FrameReader, read_frames
from tasks.media.clip.pictures import Span
from tasks.media.clip.sharing import SharedFrames
from tasks.media.clip.source import ClipSource
from tasks.media.ffmpeg import locate
from tasks.media.frames import I420, FrameSource
from tasks.procedural.engine import open_style
from tasks.steps import footage, render, songs
from tests.support.clips import number_of, numbered, write
from tests.support.command import vibecraft
from tests.support.songs import write_song
from tests.support.videos import OWNER, encoded_segments, fetched, small
from tests.support.videos import render as rendered

FORMATS = ("9:16", "hevc")


def whole_film(services: Services, composition: Composition, folder: Path) -> str:
    assert composition.video_key is not None
    return hashlib.sha256(fetched(services, composition.video_key, folder).read_bytes()).hexdigest()


def formats(services: Services, composition: Composition) -> list[Composition]:
    with reading(services.engine) as session:
        return list(songs.formats_of(session, composition))


def moving(path: Path, seconds: int) -> Path:
    return write(path, [numbered(number % 256) for number in range(30 * seconds)], rate="30")


def test_formats_made_together_are_those_made_alone(services: Services, tmp_path: Path) -> None:
    """Of footage, with transitions and effects: byte for byte the films of jobs of their own."""
    song = write_song(tmp_path / "song.wav", 5.0)
    clips = [footage.take_in(services, moving(tmp_path / f"{name}.mp4", 4), OWNER) for name in ("one", "two")]
    base = small(footage=tuple(clip.id for clip in clips), shortest_shot_s=Fraction(1, 2))
    alone = []
    for request in (base, *(rendition_of(base, words) for words in FORMATS)):
        composition, job = rendered(services, song, request)
        assert job.state == State.SUCCEEDED, job.error
        alone.append((composition, whole_film(services, composition, tmp_path)))
    keys = encoded_segments(services)
    for key in (*keys, *(composition.video_key for composition, _ in alone)):
        assert key is not None
        services.storage.delete(key)

    together, job = rendered(services, song, base, [rendition_of(base, words) for words in FORMATS])
    assert job.state == State.SUCCEEDED, job.error
    films = (together, *sorted(formats(services, together), key=lambda film: film.request["codec"]))
    assert [whole_film(services, film, tmp_path) for film in films] == [digest for _, digest in alone]
    assert {key for key in keys if services.storage.exists(key)} == keys
    with reading(services.engine) as session:
        steps = session.exec(select(Step).where(Step.job_id == job.id)).all()
    shots = len((together.timeline or {})["shots"])
    assert {kind: sum(step.kind == kind for step in steps) for kind in workflow.STEPS} == {
        "analyze": 1, "plan": 3, "render": shots, "assemble": 3, "publish": 3,
    }  # fmt: skip


def test_footage_is_decoded_once_for_all_formats(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Span] = []

    def counted(path: Path, header: ClipHeader, span: Span) -> Generator[Frame]:
        opened.append(span)
        return read_frames(path, header, span)

    monkeypatch.setattr(sharing, "read_frames", counted)
    song = write_song(tmp_path / "song.wav", 3.0)
    clip = footage.take_in(services, moving(tmp_path / "clip.mp4", 4), OWNER)
    kinds = (EffectKind.LETTERBOX, EffectKind.SPEED_RAMP, EffectKind.VIGNETTE)
    base = small(footage=(clip.id,), shortest_shot_s=Fraction(1, 2), effects=kinds)
    rendered(services, song, base)
    alone = len(opened)
    assert alone > 0
    opened.clear()
    other = replace(base, preset=Preset.STANDARD)  # nothing of it is stored
    _, job = rendered(services, song, other, [rendition_of(other, "1:1"), rendition_of(other, "9:16+hevc")])
    assert job.state == State.SUCCEEDED, job.error
    assert len(opened) == alone


@pytest.mark.parametrize(("also", "times"), [(["hevc", "av1"], 1), (["1:1", "hevc"], 2)])
def test_pictures_that_are_the_same_are_drawn_once(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, also: list[str], times: int
) -> None:
    drawn = Counter[tuple[int, int]]()

    def counted(*given: Any, **form: Any) -> FrameSource:
        drawn[form["width"], form["height"]] += 1
        return open_style(*given, **form)

    monkeypatch.setattr(render, "open_style", counted)
    base = small(transitions=())
    song = write_song(tmp_path / "song.wav", 2.5)
    composition, job = rendered(services, song, base, [rendition_of(base, words) for words in also])
    assert job.state == State.SUCCEEDED, job.error
    assert len(drawn) == times
    assert set(drawn.values()) == {len((composition.timeline or {})["shots"])}


@pytest.mark.parametrize(
    "shot",
    [
        {"length_s": Fraction(2)},
        {"start_s": Fraction(3, 2), "length_s": Fraction(2)},
        {"speed": Fraction(1, 2), "length_s": Fraction(1, 2), "beyond": Beyond.BOOMERANG},
        {"length_s": Fraction(1, 5), "beyond": Beyond.FREEZE},
    ],
    ids=["begin", "middle", "boomerang", "hold"],
)
def test_films_that_share_a_decoding_show_what_each_shows_alone(tmp_path: Path, shot: dict[str, Any]) -> None:
    path = moving(tmp_path / "clip.mp4", 4)
    wanted = ClipShot(**{"content_key": "clip", "start_s": Fraction(0), **shot})

    def opened(read: FrameReader, size: tuple[int, int]) -> Iterator[I420]:
        source = ClipSource(
            path, wanted, size=size, frame_rate=Fraction(30), ffmpeg=locate(), is_proven=True, read=read
        )
        return source.frames(0, 60)

    sizes = [(160, 90), (90, 90), (320, 180)]
    alone = [[number_of(picture) for picture in opened(read_frames, size)] for size in sizes[:1]]
    shared = SharedFrames(len(sizes))
    together = zip(*(opened(shared.reader(), size) for size in sizes), strict=True)
    seen = [tuple(picture.y.copy() for picture in pictures) for pictures in together]
    assert [number_of(I420(y, y, y)) for y, _, _ in seen] == alone[0]
    assert [number_of(I420(y, y, y)) for _, _, y in seen] == alone[0]
    for place, size in enumerate(sizes):
        expected = [picture.y.copy() for picture in opened(read_frames, size)]
        assert all(np.array_equal(one[place], other) for one, other in zip(seen, expected, strict=True))


def test_further_formats_are_asked_for_over_http(services: Services, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", 2.5)
    wish = {"resolution": "480p", "fps": "24", "preset": "draft"}
    with TestClient(create_api(services), raise_server_exceptions=False) as client:
        taken = client.post("/api/v1/songs", files={"file": ("song.wav", song.read_bytes())}).json()
        where = f"/api/v1/songs/{taken['id']}/compositions"
        refused = client.post(where, json={**wish, "also": [{"aspect": "16:9"}]})
        assert (refused.status_code, refused.json()["code"]) == (422, "option_invalid")
        job = client.post(
            where, json={**wish, "also": [{"aspect": "1:1"}, {"codec": "hevc"}, {"aspect": "1:1"}]}
        ).json()
        InlineExecutor(services).run(job["id"])
        ended = client.get(f"/api/v1/jobs/{job['id']}").json()
        assert (ended["state"], ended["progress"], ended["steps"]["publish"]) == ("succeeded", 1.0, "3/3")
        base = client.get(f"/api/v1/videos/{job['video_id']}").json()
        others = [client.get(f"/api/v1/videos/{video_id}").json() for video_id in base["renditions"]]
        assert {(each["request"]["aspect"], each["request"]["codec"]) for each in others} == {
            ("1:1", "h264"),
            ("16:9", "hevc"),
        }
        assert all(each["base_id"] == base["id"] and each["renditions"] == [] for each in others)
        assert all(client.get(each["content"]).status_code == 200 for each in (base, *others))


def test_a_job_of_several_formats_that_was_broken_off_is_taken_up_for_the_very_same(
    services: Services, tmp_path: Path
) -> None:
    base = small()
    also = [rendition_of(base, "1:1"), rendition_of(base, "hevc")]
    row = songs.take_in(services, write_song(tmp_path / "song.wav", 2.5), OWNER)
    with writing(services.engine) as session:
        job_id = workflow.begin(session, songs.add_composition(session, row, base, also))
    InlineExecutor(services).run(job_id, kinds={"analyze", "plan", "render"})
    with reading(services.engine) as session:
        found = workflow.abandoned(session, row.id, OWNER, base, also[::-1])
        assert found is not None
        assert found.id == job_id
        assert workflow.abandoned(session, row.id, OWNER, base) is None
        assert workflow.abandoned(session, row.id, OWNER, also[0]) is None
    InlineExecutor(services).run(job_id)
    with reading(services.engine) as session:
        assert session.get_one(Job, job_id).state == State.SUCCEEDED


def test_a_command_writes_every_format_beside_the_film(tmp_path: Path) -> None:
    song, out = write_song(tmp_path / "song.wav", 2.5), tmp_path / "film.mp4"
    ended = vibecraft(
        tmp_path / "data", "render", song, "-o", out, "--also", "9:16", "--also", "1:1+hevc", "--workers", "1",
        "--resolution", "480p", "--preset", "draft", "--json",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    paths = [Path(each["output"]) for each in (told, *told["renditions"])]
    assert [path.name for path in paths] == ["film.mp4", "film.9x16.mp4", "film.1x1-hevc.mp4"]
    shown = []
    for path in paths:
        with av.open(str(path)) as film:
            shown.append((film.streams.video[0].codec_context.name, film.streams.video[0].width))
    assert shown == [("h264", 854), ("h264", 480), ("hevc", 480)]
    assert all(each["verify"]["ok"] for each in (told, *told["renditions"]))
