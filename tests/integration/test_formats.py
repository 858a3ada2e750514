"""Formats of one film: other shapes and codings, its best part, a loop that closes, and a preview."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from cluster.jobs.states import State
from cluster.services import Services
from serve_app.api import create_api
from tasks.domain.analysis import Hook
from tasks.domain.errors import InvalidInput
from tasks.domain.rendition import rendition_name, rendition_of
from tasks.domain.request import Aspect, Resolution, VideoRequest
from tasks.domain.segment import Codec, SegmentPlan, SegmentSpec
from tasks.domain.timeline import Timeline, Window
from tasks.edit.short_form import best_part, canvas_part
from tasks.executors import InlineExecutor
from tasks.media.encode import encode_segment
from tasks.media.frames import I420
from tasks.media.preview import PreviewFormat, write_preview
from tests.support.analyses import steady
from tests.support.songs import write_song
from tests.support.videos import fetched, plan, render, small


def test_a_rendition_differs_in_what_was_named_alone() -> None:
    base = VideoRequest(seed=5)
    wanted = rendition_of(base, "9:16+480p+hevc")
    assert wanted == replace(base, aspect=Aspect.PORTRAIT, resolution=Resolution.P480, codec=Codec.HEVC)
    assert VideoRequest.from_json(wanted.to_json()) == wanted
    assert rendition_name("9:16+hevc") == "9x16-hevc"
    for words in ("16:9", "vertical", ""):
        with pytest.raises(InvalidInput):
            rendition_of(base, words)


def test_the_best_part_begins_with_the_hook_and_ends_inside_the_song() -> None:
    song = replace(steady(20), hooks=(Hook(start_s=1.0, end_s=2.0, score=0.9),))
    length = song.duration_s / 2
    assert best_part(song, length) == Window(start_s=Fraction(1), end_s=1 + length)
    late = replace(song, hooks=(Hook(start_s=float(song.duration_s) - 0.1, end_s=float(song.duration_s), score=1.0),))
    part = best_part(late, length)
    assert part is not None
    assert part.end_s <= song.duration_s
    assert part.duration_s == length
    assert best_part(song, song.duration_s + 1) is None


def test_wishes_for_a_part_exclude_each_other() -> None:
    for wishes in (
        {"short_s": Fraction(15), "start_s": Fraction(3)},
        {"short_s": Fraction(15), "loop_s": Fraction(5)},
        {"short_s": Fraction(2)},
        {"loop_s": Fraction(9)},
    ):
        with pytest.raises(InvalidInput):
            VideoRequest(**wishes)  # type: ignore[arg-type]


def test_a_canvas_is_whole_bars() -> None:
    song = steady(40)
    part = canvas_part(song, Fraction(5))
    assert float(part.start_s) in song.downbeats
    assert min(abs(part.duration_s - bars) for bars in (4, 6)) < Fraction(1, 10**9)
    with pytest.raises(InvalidInput):
        canvas_part(steady(4), Fraction(5))


def test_the_end_of_a_canvas_meets_its_start(services: Services, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", 10.0)
    composition, job = render(services, song, small(loop_s=Fraction(4)))
    assert job.state == State.SUCCEEDED, job.error
    assert composition.video_key is not None
    timeline = Timeline.from_json(composition.timeline or {})
    assert 3 * 24 <= timeline.frames <= 8 * 24
    with av.open(str(fetched(services, composition.video_key, tmp_path))) as film:
        pictures = [frame.to_ndarray(format="gray").astype(int) for frame in film.decode(video=0)]
    steps = [np.abs(after - before).mean() for before, after in pairwise(pictures)]
    cuts = {shot.frames.start - 1 for shot in timeline.cuts}
    inside = [step for place, step in enumerate(steps) if place not in cuts]
    assert np.abs(pictures[0] - pictures[-1]).mean() <= 1.5 * max(inside)


def test_the_best_part_of_a_song_is_as_long_as_was_asked(services: Services, tmp_path: Path) -> None:
    composition = plan(services, write_song(tmp_path / "song.wav", 12.0), small(short_s=Fraction(6)))
    assert (composition.timeline or {})["frames"] == 6 * 24


def test_further_codings_of_a_film_show_the_same_pictures(services: Services, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", 2.5)
    films = []
    for codec in (Codec.H264, Codec.HEVC):
        composition, job = render(services, song, small(codec=codec))
        assert job.state == State.SUCCEEDED, job.error
        assert composition.video_key is not None
        with av.open(str(fetched(services, composition.video_key, tmp_path))) as film:
            assert film.streams.video[0].codec_context.name == codec
            films.append([frame.to_ndarray(format="gray").astype(int) for frame in film.decode(video=0)])
    assert len(films[0]) == len(films[1]) == 60
    assert max(np.abs(one - other).mean() for one, other in zip(*films, strict=True)) < 6


def test_shapes_of_one_film_share_its_cuts(services: Services, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", 6.0)
    base = small(shortest_shot_s=Fraction(1, 2))
    wide, tall = (plan(services, song, each) for each in (base, rendition_of(base, "9:16")))
    assert wide.timeline == tall.timeline
    forms = [SegmentSpec.from_json((each.plan or {})["spec"]) for each in (wide, tall)]
    assert [(form.width, form.height) for form in forms] == [(854, 480), (480, 854)]
    sources = [[SegmentPlan.from_json(p).source for p in (each.plan or {})["segments"]] for each in (wide, tall)]
    assert sources[0] == sources[1]


def stripes(count: int) -> Iterator[I420]:
    for number in range(count):
        picture = I420.empty(320, 180)
        picture.y[:] = 60
        picture.y[:, number : number + 20] = 200
        picture.u[:], picture.v[:] = 90, 170
        yield picture


@pytest.mark.parametrize("form", PreviewFormat)
def test_a_preview_moves_as_the_film_does(tmp_path: Path, form: PreviewFormat) -> None:
    film, out = tmp_path / "film.mp4", tmp_path / f"preview.{form.value}"
    encode_segment(stripes(120), SegmentSpec(width=320, height=180, frame_rate=Fraction(24)), film)
    count = write_preview(film, out, form, start_s=Fraction(1), seconds=Fraction(2))
    assert count == 24
    with Image.open(out) as moving:
        assert (moving.format, moving.size, getattr(moving, "n_frames", 1)) == (form.value.upper(), (320, 180), 24)
        for place in (0, 10, 23):
            moving.seek(place)
            grey = cv2.cvtColor(np.asarray(moving.convert("RGB")), cv2.COLOR_RGB2GRAY)
            middle = np.flatnonzero(grey.mean(axis=0) > 130).mean()
            assert abs(middle - (24 + 2 * place + 9.5)) < 2.5


def test_another_format_and_a_preview_are_asked_for_over_http(services: Services, tmp_path: Path) -> None:
    composition, _ = render(services, write_song(tmp_path / "song.wav", 2.5), small())
    video = f"/api/v1/videos/{composition.id}"
    with TestClient(create_api(services), raise_server_exceptions=False) as client:
        for form in PreviewFormat:
            answer = client.get(f"{video}/preview", params={"format": form.value})
            assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{form.value}")
        job = client.post(f"{video}/renditions", json={"aspect": "1:1"})
        assert job.status_code == 202
        InlineExecutor(services).run(job.json()["id"])
        made = client.get(f"/api/v1/videos/{job.json()['video_id']}").json()
        assert (made["request"]["aspect"], made["request"]["seed"]) == ("1:1", 7)
        assert made["content"] is not None
        assert client.post(f"{video}/renditions", json={}).json()["code"] == "option_invalid"
        assert client.post(f"{video}/renditions", json={"aspect": "16:9"}).status_code == 422
