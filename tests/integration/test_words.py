"""A song's words over HTTP and on the command line, in a film's pictures, as its track and beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from cluster.db.engine import reading, writing
from cluster.db.tables import Composition, Job, Song
from cluster.services import Services
from serve_app import output
from serve_app.api import create_api
from tasks import workflow
from tasks.domain.caption import Caption, CaptionStyle
from tasks.domain.lyrics import LyricLine, Lyrics
from tasks.domain.request import VideoRequest
from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.timebase import FrameRange
from tasks.executors import InlineExecutor
from tasks.media.encode import encode_segment
from tasks.media.ffmpeg import locate
from tasks.media.fonts import choose_font
from tasks.media.frames import I420
from tasks.media.mux import assemble
from tasks.media.sound import Sound
from tasks.notation.lyrics import LARGEST_BYTES, read
from tasks.steps.render import composed
from tests.support.analyses import section, steady
from tests.support.command import vibecraft
from tests.support.hearing import hear_by_hand
from tests.support.songs import write_song

SONG_S = 6
LRC = "[la:de]\n[00:01.00]<00:01.00>Eins <00:01.50>zwei<00:02.00>\n[00:02.50]Drei vier\n[00:03.999]\n"
PLAIN = "[Verse]\nOne two\n\n[Chorus]\nLa la\n"


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_api(services), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def song(client: TestClient, tmp_path: Path) -> str:
    path = write_song(tmp_path / "song.wav", SONG_S)
    with path.open("rb") as file:
        song_id: str = client.post("/api/v1/songs", files={"file": (path.name, file)}).json()["id"]
    return song_id


@pytest.fixture
def heard(services: Services, song: str, tmp_path: Path) -> str:
    with reading(services.engine) as session:
        row = session.get_one(Song, song)
    parts = (section(0, 1, "intro"), section(1, 3, "verse"), section(3, SONG_S, "chorus"))
    hear_by_hand(services, row, steady(SONG_S, sections=parts), tmp_path)
    return song


def put(client: TestClient, song: str, name: str, text: str, **headers: str) -> tuple[int, dict[str, object], str]:
    files = {"file": (name, text.encode())}
    answer = client.put(f"/api/v1/songs/{song}/lyrics", files=files, headers=headers)
    return answer.status_code, answer.json(), answer.headers.get("ETag", "")


def test_words_are_kept_with_the_song_and_guarded(client: TestClient, song: str) -> None:
    place = f"/api/v1/songs/{song}/lyrics"
    assert client.get(place).status_code == 404
    status, shown, tag = put(client, song, "song.lrc", LRC)
    assert (status, shown["revision"], tag) == (200, 1, '"1"')
    assert (shown["language"], shown["encoding"], shown["is_timed"]) == ("de", "utf-8", True)
    read_back = client.get(place)
    assert read_back.json() == shown
    assert read_back.headers["ETag"] == tag
    assert put(client, song, "song.lrc", LRC)[2] == '"1"'  # the same again is no change
    assert put(client, song, "song.txt", PLAIN, **{"If-Match": tag})[2] == '"2"'
    status, problem, _ = put(client, song, "song.lrc", LRC, **{"If-Match": tag})
    assert (status, problem["code"]) == (412, "changed_meanwhile")
    assert client.delete(place, headers={"If-Match": tag}).status_code == 412
    assert client.delete(place, headers={"If-Match": '"2"'}).status_code == 204
    assert client.get(place).status_code == 404
    assert client.delete(place).status_code == 404


def test_words_come_back_in_every_format(client: TestClient, song: str) -> None:
    put(client, song, "song.lrc", LRC)
    for form, kind in (("lrc", "application/x-lrc"), ("srt", "application/x-subrip"), ("vtt", "text/vtt")):
        answer = client.get(f"/api/v1/songs/{song}/lyrics", params={"format": form})
        assert answer.headers["Content-Type"].startswith(kind)
        assert f".{form}" in answer.headers["Content-Disposition"]
        found = read(answer.content, f"song.{form}")
        assert [(line.start_s, line.end_s) for line in found.lines] == [(1.0, 2.0), (2.5, 3.999)]


def test_lines_without_times_are_placed_once_the_song_is_heard(
    client: TestClient, services: Services, song: str, tmp_path: Path
) -> None:
    put(client, song, "song.txt", PLAIN)
    place = f"/api/v1/songs/{song}/lyrics"
    assert client.get(place, params={"format": "srt"}).status_code == 409
    assert client.get(place, params={"format": "txt"}).text == PLAIN
    with reading(services.engine) as session:
        row = session.get_one(Song, song)
    parts = (section(0, 1, "intro"), section(1, 3, "verse"), section(3, SONG_S, "chorus"))
    hear_by_hand(services, row, steady(SONG_S, sections=parts), tmp_path)
    found = read(client.get(place, params={"format": "srt"}).content, "song.srt")
    assert [line.text for line in found.lines] == ["One two", "La la"]
    assert [line.start_s for line in found.lines] == pytest.approx([2.05, 4.05])  # the only bars in their sections


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("song.srt", "1\n00:00:05,000 --> x\n", (422, "lyrics_invalid")),
        ("song.pdf", "x", (415, "format_unknown")),
        ("song.txt", " ", (422, "lyrics_empty")),
        ("song.txt", "a\n" * LARGEST_BYTES, (413, "lyrics_too_large")),
    ],
)
def test_what_is_no_lyrics_is_a_problem(
    client: TestClient, song: str, name: str, text: str, expected: tuple[int, str]
) -> None:
    answered, problem, _ = put(client, song, name, text)
    assert (answered, problem["code"]) == expected


def test_words_without_lyrics_are_refused_when_the_video_is_asked_for(client: TestClient, song: str) -> None:
    answer = client.post(f"/api/v1/songs/{song}/compositions", json={"words": "karaoke"})
    assert (answer.status_code, answer.json()["code"]) == (422, "lyrics_absent")


def ask(client: TestClient, song: str, **wanted: object) -> tuple[str, str]:
    answer = client.post(f"/api/v1/songs/{song}/compositions", json={"resolution": "480p", **wanted})
    assert answer.status_code == 202
    return answer.json()["id"], answer.json()["video_id"]


def test_a_script_without_a_font_ends_the_job_before_any_picture(
    client: TestClient, services: Services, heard: str
) -> None:
    put(client, heard, "song.lrc", "[00:01.00]\N{CUNEIFORM SIGN A}\n")
    job, _ = ask(client, heard, words="line")
    InlineExecutor(services).run(job)
    shown = client.get(f"/api/v1/jobs/{job}").json()
    assert (shown["state"], shown["error"]["code"]) == ("failed", "font_missing")
    assert "Cuneiform" in shown["error"]["message"]
    assert "render" not in shown["steps"]


def test_a_plan_holds_the_captions_of_each_segment(client: TestClient, services: Services, heard: str) -> None:
    put(client, heard, "song.lrc", LRC)
    job, video = ask(client, heard, words="karaoke", title="Name")
    InlineExecutor(services).run(job, kinds={"analyze", "plan"})
    with reading(services.engine) as session:
        plan = session.get_one(Composition, video).plan
    assert plan is not None
    for segment in map(SegmentPlan.from_json, plan["segments"]):
        for caption in segment.captions:
            assert caption.start_frame < segment.frames.end
            assert caption.end_frame > segment.frames.start
    shown = {(one["text"], one["style"]) for segment in plan["segments"] for one in segment["captions"]}
    assert shown == {("Eins zwei", "karaoke"), ("Drei vier", "karaoke"), ("Name", "title")}
    beside = client.get(f"/api/v1/videos/{video}/lyrics", params={"format": "vtt"})
    assert "<00:00:01.500>zwei" in beside.text


def test_a_render_that_was_broken_off_is_not_taken_up_with_other_words(
    client: TestClient, services: Services, heard: str
) -> None:
    put(client, heard, "song.lrc", LRC)
    job, video = ask(client, heard, words="line")
    InlineExecutor(services).run(job, kinds={"analyze", "plan"})
    with reading(services.engine) as session:
        row = session.get_one(Composition, video)
        found = workflow.abandoned(session, heard, row.owner_id, VideoRequest.from_json(row.request))
        assert found is not None
        assert found.id == job
    put(client, heard, "song.txt", PLAIN)
    with reading(services.engine) as session:
        assert workflow.abandoned(session, heard, row.owner_id, VideoRequest.from_json(row.request)) is None


def subtitles_in(film: Path) -> str:
    command = [locate(), "-v", "error", "-i", str(film), "-map", "0:s:0", "-f", "srt", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_film_with_soft_words_has_them_as_a_track(
    client: TestClient, services: Services, heard: str, tmp_path: Path
) -> None:
    put(client, heard, "song.lrc", LRC)
    job, video = ask(client, heard, words="soft", start_s=1.5, end_s=4, preset="draft", style="swiss")
    InlineExecutor(services).run(job)
    with reading(services.engine) as session:
        assert session.get_one(Job, job).error is None
    film = tmp_path / "film.mp4"
    film.write_bytes(client.get(f"/api/v1/videos/{video}/content").content)
    expected = "1\n00:00:00,000 --> 00:00:00,500\nEins zwei\n\n2\n00:00:01,000 --> 00:00:02,499\nDrei vier\n"
    assert subtitles_in(film).strip() == expected.strip()
    beside = client.get(f"/api/v1/videos/{video}/lyrics", params={"format": "srt"})
    assert beside.text == expected
    with av.open(str(film)) as opened:
        track = opened.streams.subtitles[0]
        assert (track.codec_context.name, track.metadata["language"]) == ("mov_text", "deu")
    with writing(services.engine) as session:
        assert all(not one["captions"] for one in (session.get_one(Composition, video).plan or {})["segments"])


SPEC = SegmentSpec(width=160, height=90, frame_rate=Fraction(30), preset="ultrafast")


class Grey:
    """A source of one grey."""

    def frames(self, start: int, end: int) -> Iterator[I420]:
        for _ in range(start, end):
            picture = I420.empty(SPEC.width, SPEC.height)
            picture.y[:] = 90
            picture.u[:] = picture.v[:] = 128
            yield picture


def segment(index: int, frames: tuple[int, int], *captions: Caption) -> SegmentPlan:
    return SegmentPlan(
        index=index,
        shot=index,
        frames=FrameRange(*frames),
        source=Source(kind=SourceKind.STYLE, settings={}, frames=FrameRange(0, frames[1] - frames[0])),
        captions=captions,
    )


def encoded(plan: SegmentPlan, path: Path) -> Path:
    encode_segment(composed(plan, lambda _: Grey()), SPEC, path)
    return path


def test_words_are_in_the_pictures_of_a_joined_film_on_exactly_their_frames(tmp_path: Path) -> None:
    line = Caption(text="HELLO", start_frame=25, end_frame=37, style=CaptionStyle.LINE, font=choose_font("HELLO"))
    plans = [segment(0, (0, 30), line), segment(1, (30, 60), line)]
    parts = [encoded(plan, tmp_path / f"{plan.index}.mp4") for plan in plans]
    again = encoded(plans[0], tmp_path / "again.mp4")
    assert parts[0].read_bytes() == again.read_bytes()
    soundfile.write(tmp_path / "sound.wav", np.zeros((88_200, 2)), 44_100)
    sung = Lyrics(
        lines=(
            LyricLine(text="Über uns", start_s=0.833, end_s=1.234),
            LyricLine(text="zwei\N{NO-BREAK SPACE}Stimmen", start_s=1.0, end_s=1.5),
            LyricLine(text="Ende", start_s=1.6, end_s=2.0),
        ),
        language="de-AT",
    )
    film = tmp_path / "film.mp4"
    sound = Sound(pcm=tmp_path / "sound.wav", original=None, window=None)
    assert assemble(parts, SPEC, sound, film, subtitles=sung) == 60
    with av.open(str(film)) as opened:
        bright = [int(frame.to_ndarray(format="gray").max()) > 180 for frame in opened.decode(video=0)]
    assert bright == [25 <= place < 37 for place in range(60)]
    told = [block.splitlines()[1:] for block in subtitles_in(film).strip().split("\n\n")]
    assert told == [
        ["00:00:00,833 --> 00:00:01,000", "Über uns"],
        ["00:00:01,000 --> 00:00:01,234", "Über uns", "zwei\N{NO-BREAK SPACE}Stimmen"],
        ["00:00:01,234 --> 00:00:01,500", "zwei\N{NO-BREAK SPACE}Stimmen"],
        ["00:00:01,600 --> 00:00:02,000", "Ende"],
    ]
    bytes_of_it = film.read_bytes()
    assemble(parts, SPEC, sound, film, subtitles=sung)
    assert film.read_bytes() == bytes_of_it


def test_a_changed_word_changes_exactly_its_own_segments() -> None:
    font = choose_font("a")
    before = Caption(text="before", start_frame=20, end_frame=28, style=CaptionStyle.LINE, font=font)
    after = Caption(text="after", start_frame=20, end_frame=28, style=CaptionStyle.LINE, font=font)
    later = Caption(text="later", start_frame=40, end_frame=50, style=CaptionStyle.LINE, font=font)
    assert segment(0, (0, 30), before).content_key(SPEC) != segment(0, (0, 30), after).content_key(SPEC)
    assert segment(1, (30, 60), later).content_key(SPEC) == segment(1, (30, 60), later).content_key(SPEC)


def test_files_of_somebody_else_beside_a_film_are_left_alone(tmp_path: Path) -> None:
    film, theirs = tmp_path / "song.mp4", tmp_path / "song.lrc"
    theirs.write_text(LRC)
    lyrics = read(LRC.encode(), "song.lrc")
    written, left = output.write_words(lyrics, film)
    assert (written, left) == (["song.srt", "song.vtt"], ["song.lrc"])
    assert theirs.read_text() == LRC
    output.timeline_path(film).write_text(json.dumps({"words": written}))
    (tmp_path / "song.srt").write_text("old")
    assert output.write_words(lyrics, film) == (written, left)
    assert (tmp_path / "song.srt").read_text().startswith("1\n00:00:01,000 --> 00:00:02,000\nEins zwei\n")


def test_the_command_keeps_and_writes_words(tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", 3.0)
    words = tmp_path / "words.txt"
    words.write_bytes("[00:01.00]Première\n[00:02.00]Zweite [sic]\n".encode("latin-1"))
    data, out = tmp_path / "data", tmp_path / "out.srt"
    refused = vibecraft(data, "render", song, "-o", tmp_path / "film.mp4", "--words", "line")
    assert refused.returncode == 2
    assert "the song has no lyrics" in refused.stderr
    ended = vibecraft(data, "lyrics", song, "--import", words, "--export", out)
    assert ended.returncode == 0, ended.stderr
    assert "Zweite [sic]" in ended.stdout
    assert "cp1252" in ended.stdout
    assert out.read_text() == (
        "1\n00:00:01,000 --> 00:00:02,000\nPremière\n\n2\n00:00:02,000 --> 00:00:09,000\nZweite [sic]\n"
    )
