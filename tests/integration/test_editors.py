"""A film goes to an editor and comes back: its timeline, its files, and what was changed in it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import opentimelineio as otio
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cluster.db.engine import reading
from cluster.db.tables import Composition, Song
from cluster.jobs.states import State
from cluster.services import Services, open_services
from cluster.settings import load_settings
from serve_app.api import create_api
from serve_app.commands import command_line
from serve_app.commands.export import write_export
from tasks.domain.errors import InvalidInput
from tasks.domain.rendition import rendition_of
from tasks.domain.segment import SegmentPlan
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Timeline
from tasks.executors import InlineExecutor
from tasks.export.otio_import import LARGEST_BYTES
from tasks.steps import exporting
from tasks.steps.reworking import request_from_otio, request_with_cuts
from tasks.steps.songs import formats_of
from tests.support.songs import write_song
from tests.support.videos import OWNER, encoded_segments, fetched, plan, render, small


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Open one platform for all films of this module."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VC_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        opened = open_services(load_settings(), migrate=True)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def film(studio: Services, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Composition]:
    """Make a film of several shots."""
    song = write_song(tmp_path_factory.mktemp("song") / "song.wav", 8.0)
    composition, job = render(studio, song, small(shortest_shot_s=Fraction(1, 2)))
    assert job.state == State.SUCCEEDED
    return song, composition


def exported(services: Services, composition: Composition, folder: Path, ending: str = ".otio") -> Path:
    """Export as the command does, for the film's owner."""
    target = folder / f"cut{ending}"
    with reading(services.engine) as session:
        parts = exporting.parts_of(session, composition.id, OWNER)
    write_export(services, parts, folder / "media", [target])
    return target


def back(services: Services, path: Path, composition: Composition) -> Any:
    with reading(services.engine) as session:
        return request_from_otio(session, path, session.get_one(Song, composition.song_id))


def changed(path: Path, change: Callable[[Any], None]) -> Path:
    timeline = otio.adapters.read_from_file(str(path))
    change(timeline)
    otio.adapters.write_to_file(timeline, str(path))
    return path


def test_the_timeline_names_files_that_are_there_and_marks_beats_and_sections(
    studio: Services, film: tuple[Path, Composition], tmp_path: Path
) -> None:
    path = exported(studio, film[1], tmp_path)
    timeline = otio.adapters.read_from_file(str(path))
    assert film[1].timeline is not None
    frames = film[1].timeline["frames"]
    pictures, sound = timeline.video_tracks()[0], timeline.audio_tracks()[0]
    assert timeline.duration() == otio.opentime.RationalTime(frames, 24)
    assert pictures.duration() == sound.duration() == timeline.duration()
    for clip in (*pictures, *sound):
        file = path.parent / clip.media_reference.target_url
        assert file.is_file()
    for clip in pictures:
        with av.open(str(path.parent / clip.media_reference.target_url)) as segment:
            assert segment.streams.video[0].frames == clip.source_range.duration.value
    names = [marker.name for marker in timeline.tracks.markers]
    assert sum(name.startswith("beat ") for name in names) >= 15
    assert any(not name.startswith("beat ") for name in names)


@pytest.mark.parametrize("ending", [".edl", ".fcpxml"])
def test_other_formats_hold_every_cut(
    studio: Services, film: tuple[Path, Composition], tmp_path: Path, ending: str
) -> None:
    path = exported(studio, film[1], tmp_path, ending)
    assert film[1].plan is not None
    count = len(film[1].plan["segments"])
    text = path.read_text()
    assert text.count("* FROM CLIP NAME") == count if ending == ".edl" else text.count("segment-") >= count


def test_what_was_not_changed_is_not_encoded_again_and_what_was_is_found_in_the_pictures(
    studio: Services, film: tuple[Path, Composition], tmp_path: Path
) -> None:
    song, composition = film
    assert composition.plan is not None
    path = exported(studio, composition, tmp_path)
    same = back(studio, path, composition)
    before = encoded_segments(studio)
    again, _ = render(studio, song, same)
    assert (again.plan, again.video_key) == (composition.plan, composition.video_key)

    pieces: list[int] = []

    def swap_the_last_two_and_trim(timeline: Any) -> None:
        track = timeline.video_tracks()[0]
        last = track[-1]
        del track[-1]
        track.insert(len(track) - 1, last)
        spare = last.source_range.duration.value / 3
        last.source_range = otio.opentime.TimeRange(
            otio.opentime.RationalTime(int(spare), 24),
            otio.opentime.RationalTime(last.source_range.duration.value - int(spare), 24),
        )
        piece = max(track, key=lambda clip: clip.source_range.duration.value).clone()
        pieces.append(piece.metadata["vibecraft"]["segment"])
        piece.source_range = otio.opentime.TimeRange(
            otio.opentime.RationalTime(2, 24), otio.opentime.RationalTime(int(spare), 24)
        )
        track.append(piece)

    wanted = back(studio, changed(path, swap_the_last_two_and_trim), composition)
    edited, job = render(studio, song, wanted)
    assert job.state == State.SUCCEEDED, job.error
    assert edited.timeline is not None
    assert edited.plan is not None
    assert composition.timeline is not None
    assert edited.timeline["frames"] == composition.timeline["frames"]
    assert len(encoded_segments(studio) - before) == 3
    shown = [SegmentPlan.from_json(each).source.settings["shot"] for each in edited.plan["segments"]]
    first = [SegmentPlan.from_json(each).source.settings["shot"] for each in composition.plan["segments"]]
    assert shown == [*first[:-2], first[-1], first[-2], first[pieces[0]]]


def test_a_film_that_came_back_is_made_in_another_shape(
    studio: Services, film: tuple[Path, Composition], tmp_path: Path
) -> None:
    song, composition = film
    edited = back(studio, exported(studio, composition, tmp_path), composition)
    wide, job = render(studio, song, edited, [rendition_of(edited, "9:16")])
    assert job.state == State.SUCCEEDED, job.error
    with reading(studio.engine) as session:
        (tall,) = formats_of(session, wide)
    assert tall.video_key is not None
    assert wide.video_key == composition.video_key
    with av.open(str(fetched(studio, tall.video_key, tmp_path))) as made:
        assert (made.streams.video[0].width, made.streams.video[0].height) == (480, 854)
        assert made.streams.video[0].frames == (composition.timeline or {})["frames"]


def test_a_film_goes_to_an_editor_and_back_over_http(
    studio: Services, film: tuple[Path, Composition], tmp_path: Path
) -> None:
    song, composition = film
    assert composition.plan is not None
    video = f"/api/v1/videos/{composition.id}"
    with TestClient(create_api(studio), raise_server_exceptions=False) as client:
        for ending in ("edl", "fcpxml", "otio"):
            answer = client.get(f"{video}/export", params={"format": ending})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
            folder = tmp_path / ending
            with zipfile.ZipFile(io.BytesIO(answer.content)) as files:
                assert files.testzip() is None
                files.extractall(folder)
            assert (folder / "media" / song.name).read_bytes() == song.read_bytes()
            assert len(list((folder / "media").glob("segment-*.mp4"))) == len(composition.plan["segments"])
        path = tmp_path / "otio" / f"{composition.id}.otio"
        timeline = otio.adapters.read_from_file(str(path))
        for clip in (*timeline.video_tracks()[0], *timeline.audio_tracks()[0]):
            assert (path.parent / clip.media_reference.target_url).is_file()

        def swap_the_first_two(timeline: Any) -> None:
            track = timeline.video_tracks()[0]
            first = track[0]
            del track[0]
            track.insert(1, first)

        edit = changed(path, swap_the_first_two).read_bytes()
        job = client.post(f"{video}/edits", files={"file": ("mine.otio", edit)})
        assert job.status_code == 202, job.text
        assert client.get(job.headers["Location"]).json()["id"] == job.json()["id"]
        InlineExecutor(studio).run(job.json()["id"])
        made = client.get(f"/api/v1/videos/{job.json()['video_id']}").json()
        assert (made["content"] is None, made["timeline"]["frames"]) == (False, (composition.timeline or {})["frames"])
        assert made["timeline"] != composition.timeline

        elsewhere = f"/api/v1/videos/{job.json()['video_id']}/edits"
        for place, data, sentence in (
            (elsewhere, edit, "mine.otio was exported from another video"),
            (f"{video}/edits", b"cut", "mine.otio is no OTIO timeline"),
            (f"{video}/edits", changed(path, shorter).read_bytes(), "the song's part"),
        ):
            refused = client.post(place, files={"file": ("mine.otio", data)})
            assert (refused.status_code, refused.json()["code"]) == (422, "timeline_invalid")
            assert sentence in refused.json()["detail"]
        large = client.post(f"{video}/edits", files={"file": ("mine.otio", bytes(LARGEST_BYTES + (1 << 20)))})
        assert (large.status_code, large.json()["code"]) == (413, "timeline_too_large")
        unfinished = plan(studio, song, small(seed=99))
        early = client.get(f"/api/v1/videos/{unfinished.id}/export")
        assert (early.status_code, early.json()["code"]) == (409, "not_ready")
        for absent in (
            client.get("/api/v1/videos/video_1/export"),
            client.post("/api/v1/videos/video_1/edits", files={"file": ("a.otio", edit)}),
        ):
            assert (absent.status_code, absent.json()["code"]) == (404, "not_found")


def gap(timeline: Any) -> None:
    track = timeline.video_tracks()[0]
    length = track[1].source_range
    track[1] = otio.schema.Gap(source_range=length)


def other_media(timeline: Any) -> None:
    clip = timeline.video_tracks()[0][0]
    clip.metadata.clear()
    clip.media_reference = otio.schema.ExternalReference(target_url="holiday.mov")


def slower(timeline: Any) -> None:
    timeline.video_tracks()[0][0].effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))


def shorter(timeline: Any) -> None:
    del timeline.video_tracks()[0][-1]


def other_rate(timeline: Any) -> None:
    clip = timeline.video_tracks()[0][0]
    clip.source_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(clip.source_range.duration.value, 25)
    )


def beyond(timeline: Any) -> None:
    clip = timeline.video_tracks()[0][0]
    clip.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(1, 24), clip.source_range.duration)


def transition(timeline: Any) -> None:
    timeline.video_tracks()[0].insert(1, otio.schema.Transition(transition_type="SMPTE_Dissolve"))


def second_track(timeline: Any) -> None:
    timeline.tracks.append(timeline.video_tracks()[0].clone())


def stranger(timeline: Any) -> None:
    timeline.metadata.clear()


WRONG = {
    gap: "gap at frame",
    other_media: "none of the film's segments",
    slower: "another speed",
    shorter: "the song's part",
    other_rate: "between frames",
    beyond: "trim it",
    transition: "make it a cut",
    second_track: "2 video tracks",
    stranger: "not exported by VibeCraft",
}


def test_what_cannot_be_made_is_refused_in_a_sentence(
    studio: Services, film: tuple[Path, Composition], tmp_path: Path
) -> None:
    for change, sentence in WRONG.items():
        path = changed(exported(studio, film[1], tmp_path), change)
        with pytest.raises(InvalidInput, match=sentence) as refused:
            back(studio, path, film[1])
        assert refused.value.code == "timeline_invalid", change.__name__
    (tmp_path / "not.otio").write_text("{}")
    for name in ("not.otio", "absent.otio"):
        with pytest.raises(InvalidInput):
            back(studio, tmp_path / name, film[1])


def test_names_of_files_stand_in_for_lost_metadata(
    studio: Services, film: tuple[Path, Composition], tmp_path: Path
) -> None:
    def forget(timeline: Any) -> None:
        for clip in timeline.video_tracks()[0]:
            clip.metadata.clear()
            clip.media_reference.target_url = f"file:///other%20place/{Path(clip.media_reference.target_url).name}"

    path = exported(studio, film[1], tmp_path)
    assert back(studio, changed(path, forget), film[1]) == back(studio, exported(studio, film[1], tmp_path), film[1])


def test_cuts_of_a_changed_timeline_file_are_the_films(studio: Services, film: tuple[Path, Composition]) -> None:
    song, composition = film
    timeline = Timeline.from_json(composition.timeline or {})
    first, second, *others = timeline.shots
    moved = replace(
        timeline,
        shots=(
            replace(first, frames=FrameRange(0, first.frames.end - 3)),
            replace(second, frames=FrameRange(first.frames.end - 3, second.frames.end)),
            *others,
        ),
    )
    made, job = render(studio, song, request_with_cuts(small(transitions=()), moved))
    assert job.state == State.SUCCEEDED, job.error
    plain = replace(moved, shots=tuple(replace(shot, transition=None) for shot in moved.shots))
    assert Timeline.from_json(made.timeline or {}) == plain
    short = replace(moved, shots=moved.shots[:-1])
    _, job = render(studio, song, request_with_cuts(small(), short))
    assert job.error is not None
    assert job.error["code"] == "timeline_invalid"


def test_the_command_writes_every_format_with_its_files(film: tuple[Path, Composition], tmp_path: Path) -> None:
    words = ["export", film[1].id, "--media", str(tmp_path / "files")]
    for ending in ("otio", "fcpxml", "edl"):
        words += [f"--{ending}", str(tmp_path / f"cut.{ending}")]
    for _ in range(2):  # what is there is replaced
        ended = CliRunner().invoke(command_line(words), words)
        assert ended.exit_code == 0, ended.output
    assert {path.name for path in tmp_path.glob("cut.*")} == {"cut.otio", "cut.fcpxml", "cut.edl"}
    assert film[1].plan is not None
    assert len(list((tmp_path / "files").glob("segment-*.mp4"))) == len(film[1].plan["segments"])
    assert (tmp_path / "files" / "song.wav").read_bytes() == film[0].read_bytes()


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize("words", [["export", "video_1"], ["export", "video_1", "--otio", "cut.txt"]])
def test_a_target_is_asked_for_before_anything_is_read(words: list[str]) -> None:
    ended = CliRunner().invoke(command_line(words), words)
    assert isinstance(ended.exception, InvalidInput)
