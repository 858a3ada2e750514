"""A finished film says what it is: names, chapters, a poster, and whether its flashes were limited."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from sqlmodel import col, select

from cluster.db.engine import reading
from cluster.db.tables import Artifact
from cluster.jobs.states import State
from cluster.services import Services
from tasks.domain.analysis import Section
from tasks.domain.film import FLASHES_UNLIMITED, Chapter, chapters_of
from tasks.domain.request import AudioMode
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline, Window
from tasks.media.poster import PosterPicker, poster_key
from tests.support.audio import pulse_song, write
from tests.support.songs import write_song
from tests.support.videos import fetched, render, small


def section(start_s: float, end_s: float, label: str) -> Section:
    return Section(
        start_s=start_s,
        end_s=end_s,
        label=label,
        cluster="A",
        confidence=1.0,
        energy=0.5,
        valence=None,
        arousal=None,
        reason="",
    )


SECTIONS = (section(0, 4, "intro"), section(4, 8, "verse"), section(8, 10, "chorus"), section(10, 14, "verse"))


def timeline(cuts: list[int], frames: int, window: Window | None = None) -> Timeline:
    shots = [
        Shot(index=index, frames=FrameRange(start, end), beat_s=None, section="verse", reason="")
        for index, (start, end) in enumerate(pairwise([0, *cuts, frames]))
    ]
    return Timeline(frame_rate=Fraction(30), shots=tuple(shots), window=window)


def test_chapters_begin_on_the_cuts_of_their_sections_and_cover_the_film() -> None:
    made = chapters_of(SECTIONS, timeline([60, 127, 238, 305], 420))
    assert made == (
        Chapter(title="Intro", frames=FrameRange(0, 127)),
        Chapter(title="Verse 1", frames=FrameRange(127, 238)),
        Chapter(title="Chorus", frames=FrameRange(238, 305)),
        Chapter(title="Verse 2", frames=FrameRange(305, 420)),
    )


def test_a_window_has_the_chapters_that_it_shows() -> None:
    window = Window(start_s=Fraction(6), end_s=Fraction(9))
    made = chapters_of(SECTIONS, timeline([], 90, window))
    assert [(chapter.title, chapter.frames) for chapter in made] == [
        ("Verse 1", FrameRange(0, 60)),
        ("Chorus", FrameRange(60, 90)),
    ]


def test_the_film_carries_the_songs_names_its_chapters_and_a_poster(services: Services, tmp_path: Path) -> None:
    song = write(tmp_path / "song.m4a", pulse_song(120, 5)[0], "aac")
    named = tmp_path / "named.m4a"
    with av.open(str(song)) as source, av.open(str(named), "w") as target:
        target.metadata.update({"title": "Día de luz", "artist": "Ада"})
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    composition, job = render(services, named, small(limit_flashes=False))
    assert job.state == State.SUCCEEDED
    assert composition.video_key is not None
    assert composition.timeline is not None
    with av.open(str(fetched(services, composition.video_key, tmp_path))) as film:
        assert (film.metadata["title"], film.metadata["artist"]) == ("Día de luz", "Ада")
        assert film.metadata["comment"] == FLASHES_UNLIMITED
        chapters = film.chapters()
        assert chapters[0]["start"] == 0
        assert film.streams.video[0].frames == composition.timeline["frames"] == 120
        assert film.streams.audio[0].codec_context.name == "aac"
        pictures = [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
    poster = cv2.imread(str(fetched(services, poster_key(composition.video_key), tmp_path)))
    assert poster is not None
    distances = [float(np.abs(picture.astype(int) - poster).mean()) for picture in pictures]
    assert min(distances) < 6


def test_a_film_whose_flashes_are_limited_has_no_comment(services: Services, tmp_path: Path) -> None:
    composition, _ = render(services, write_song(tmp_path / "song.wav", 2.5), small())
    assert composition.video_key is not None
    with av.open(str(fetched(services, composition.video_key, tmp_path))) as film:
        assert not {"comment", "title", "artist"} & set(film.metadata)


def test_sound_that_cannot_be_copied_is_refused_before_anything_is_encoded(services: Services, tmp_path: Path) -> None:
    _, job = render(services, write_song(tmp_path / "song.wav", 2.5), small(audio=AudioMode.COPY))
    assert job.state == State.FAILED
    assert job.error is not None
    assert job.error["code"] == "audio_not_copied"
    with reading(services.engine) as session:
        assert not session.exec(select(Artifact).where(col(Artifact.kind) == "segment")).all()


def test_the_poster_is_the_sharp_and_colourful_picture() -> None:
    planned = timeline([10, 20, 30, 40], 50)
    rng = np.random.default_rng(2)
    grey = np.full((90, 160, 3), 120, np.uint8)
    grey[30:60, 60:100] = 150
    scene = np.full((90, 160, 3), (120, 90, 60), np.uint8)
    cv2.circle(scene, (80, 45), 20, (30, 60, 230), -1)
    for x in range(60, 100, 6):
        cv2.line(scene, (x, 28), (x + 3, 62), (240, 220, 40), 1)
    blurred = cv2.GaussianBlur(scene, (0, 0), 6)
    white = np.full((90, 160, 3), 250, np.uint8)
    noise_free_dark = rng.integers(0, 12, (90, 160, 3)).astype(np.uint8)
    picker = PosterPicker(planned)
    for shot, picture in enumerate((grey, blurred, scene, white, noise_free_dark)):
        for number in range(shot * 10, shot * 10 + 10):
            picker.look(number, av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24"))
    chosen = cv2.imdecode(np.frombuffer(picker.best(), np.uint8), cv2.IMREAD_COLOR)
    assert chosen is not None
    assert np.abs(chosen.astype(int) - scene).mean() < 8
