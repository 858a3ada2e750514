"""The command line as its users meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tasks.audio import analyze
from tasks.domain.document import canonical
from tasks.domain.timeline import Timeline
from tests.support.command import PROGRAM, environment, picture_hashes, vibecraft
from tests.support.songs import write_song

FORMS = [
    ("24", "16:9", "silk", (854, 480)),
    ("25", "9:16", "ink", (480, 854)),
    ("30", "1:1", "swiss", (480, 480)),
    ("60", "16:9", "auto", (854, 480)),
]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_song(tmp_path / "song.wav", 5.2, 126)


def left_in(data_dir: Path) -> list[Path]:
    scratch = data_dir / "scratch"
    return list(scratch.iterdir()) if scratch.exists() else []


@pytest.mark.parametrize(("fps", "aspect", "style", "size"), FORMS)
def test_a_song_becomes_a_film_that_proves_right(  # noqa: PLR0917
    tmp_path: Path, data_dir: Path, song: Path, fps: str, aspect: str, style: str, size: tuple[int, int]
) -> None:
    out = tmp_path / "film.mp4"
    options = ["--fps", fps, "--aspect", aspect, "--style", style, "--resolution", "480p", "--workers", "1", "--json"]
    run = vibecraft(data_dir, "render", song, "-o", out, *options)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["schema"] == 1
    assert (told["fps"], told["frames"]) == (f"{fps}/1", int(Fraction("5.2") * int(fps) + Fraction(1, 2)))
    assert told["verify"]["ok"], told["verify"]["problems"]
    assert told["verify"]["cut_error_max_frames"] <= 0.5
    assert {"analyze", "plan", "render", "assemble", "publish", "verify"} <= set(told["seconds"])
    assert abs(told["tempo_bpm"] - 126) < 1
    assert "listening" in run.stderr
    timeline = Timeline.from_json(json.loads(Path(told["timeline"]).read_bytes()))
    assert (timeline.frames, len(timeline.shots), len(timeline.cuts)) == (told["frames"], told["shots"], told["cuts"])
    with av.open(str(out)) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height) == size
    judged = vibecraft(data_dir, "verify", out, "--song", song, "--plan", told["timeline"], "--json")
    assert judged.returncode == 0, judged.stdout
    assert json.loads(judged.stdout)["ok"]
    assert left_in(data_dir) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "data",
        "film.mp4",
        "film.poster.jpg",
        "film.timeline.json",
        "song.wav",
    ]


@pytest.mark.ray
def test_any_number_of_workers_hears_the_same(tmp_path: Path, song: Path) -> None:
    heard = [
        vibecraft(tmp_path / f"data-{workers}", "analyze", song, "--workers", workers, "--json")
        for workers in ("1", "2", "4")  # one hears without Ray
    ]
    assert [run.returncode for run in heard] == [0, 0, 0], heard
    assert json.loads(heard[0].stdout)["sections"]
    assert heard[0].stdout == heard[1].stdout == heard[2].stdout
    assert json.loads(heard[0].stdout) == json.loads(canonical(analyze(song).to_json()))


@pytest.mark.ray
def test_two_workers_give_the_pictures_of_one(tmp_path: Path, song: Path) -> None:
    films = []
    for workers in ("1", "2"):
        out = tmp_path / f"{workers}.mp4"
        options = ["--workers", workers, "--resolution", "480p", "--style", "ink", "--no-verify"]
        run = vibecraft(tmp_path / f"data-{workers}", "render", song, "-o", out, *options)
        assert run.returncode == 0, run.stderr + run.stdout
        assert "raceback" not in run.stderr + run.stdout
        films.append(picture_hashes(out))
    assert len(films[0]) == 156
    assert films[0] == films[1]


def test_a_second_render_takes_what_is_there(tmp_path: Path, data_dir: Path, song: Path) -> None:
    options = ["--workers", "1", "--resolution", "480p", "--json", "--no-verify"]
    first = json.loads(vibecraft(data_dir, "render", song, "-o", tmp_path / "a.mp4", *options).stdout)
    kept = {path: path.stat().st_mtime_ns for path in (data_dir / "objects").rglob("*") if path.is_file()}
    second = json.loads(vibecraft(data_dir, "render", song, "-o", tmp_path / "b.mp4", *options).stdout)
    assert {path: path.stat().st_mtime_ns for path in (data_dir / "objects").rglob("*") if path.is_file()} == kept
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert first["frames"] == second["frames"]
    assert second["verify"] is None


def test_a_part_of_a_song_becomes_a_film_of_that_part(tmp_path: Path, data_dir: Path, song: Path) -> None:
    out = tmp_path / "part.mp4"
    options = ["--start", "1.25", "--end", "0:04.5", "--workers", "1", "--resolution", "480p", "--json"]
    run = vibecraft(data_dir, "render", song, "-o", out, *options)
    assert run.returncode == 0, run.stderr + run.stdout
    told = json.loads(run.stdout)
    assert told["frames"] == int(Fraction("3.25") * 30 + Fraction(1, 2))
    assert told["verify"]["ok"]


def test_people_get_a_summary(tmp_path: Path, data_dir: Path, song: Path) -> None:
    run = vibecraft(data_dir, "render", song, "-o", tmp_path / "film.mp4", "--workers", "1", "--resolution", "480p")
    assert run.returncode == 0, run.stderr + run.stdout
    for word in ("tempo", "sections", "shots", "cuts on beats", "seconds", "verified", "film.mp4"):
        assert word in run.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["render", "{absent}", "-o", "{out}"], "There is no file"),
        (["render", "{folder}", "-o", "{out}"], "is a directory"),
        (["render", "{empty}", "-o", "{out}"], "is empty"),
        (["render", "{text}", "-o", "{out}"], "is not a song"),
        (["render", "{concat}", "-o", "{out}"], "is a playlist"),
        (["render", "{short}", "-o", "{out}"], "2 s"),
        (["render", "{song}", "-o", "{folder}/no/film.mp4"], "There is no folder"),
        (["render", "{song}", "-o", "{folder}/film.avi"], "end in .mp4"),
        (["render", "{song}", "-o", "{out}", "--style", "oil"], "no style 'oil'"),
        (["render", "{song}", "-o", "{out}", "--start", "soon"], "is no time"),
        (["render", "{song}", "-o", "{out}", "--start", "60"], "choose a start and an end"),
        (["verify", "{text}", "--song", "{song}"], "text.mp3"),
        (["verify", "{song}", "--song", "{song}", "--plan", "{text}"], "no timeline"),
    ],
)
@pytest.mark.usefixtures("song")
def test_what_cannot_be_used_ends_with_a_sentence_and_exit_code_2(
    tmp_path: Path, data_dir: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "text.mp3").write_text("This is a letter, not a song.\n" * 40)
    (tmp_path / "concat.mp3").write_text("ffconcat version 1.0\nfile song.wav\n")
    write_song(tmp_path / "short.wav", 1.0)
    before = set(tmp_path.rglob("*"))
    places = {
        "absent": "absent.mp3",
        "folder": "folder",
        "empty": "empty.mp3",
        "text": "text.mp3",
        "concat": "concat.mp3",
        "short": "short.wav",
        "song": "song.wav",
        "out": "out.mp4",
    }
    paths = {name: str(tmp_path / place) for name, place in places.items()}
    run = vibecraft(data_dir, *[argument.format(**paths) for argument in arguments])
    assert run.returncode == 2, run.stderr
    assert sentence in run.stderr
    assert "raceback" not in run.stderr + run.stdout
    assert run.stderr.strip().splitlines()[-1].startswith("vibecraft: ")
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(data_dir)} == before
    assert left_in(data_dir) == []


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("VC_DATA_DIR", "{file}", "cannot be a folder"),
        ("DATABASE_URL", "sqlite:///{file}", "The database cannot be used"),
        ("DATABASE_URL", "mysql://x/y", "use postgresql:// or sqlite:///"),
        ("FFMPEG_BIN", "no-such-ffmpeg", "FFMPEG_BIN names no-such-ffmpeg"),
        ("PORT", "many", "PORT is not usable"),
    ],
)
def test_an_environment_that_cannot_be_used_ends_with_a_sentence_and_exit_code_3(  # noqa: PLR0917
    tmp_path: Path,
    data_dir: Path,
    song: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    sentence: str,
) -> None:
    (tmp_path / "file").write_text("This is no database and no folder.\n" * 40)
    given = value.format(file=tmp_path / "file")
    monkeypatch.setenv(variable, given)
    folder = Path(given) if variable == "VC_DATA_DIR" else data_dir
    run = vibecraft(folder, "render", song, "-o", tmp_path / "film.mp4", "--workers", "1")
    assert run.returncode == 3, run.stderr
    assert sentence in run.stderr
    assert "raceback" not in run.stderr + run.stdout
    assert not (tmp_path / "film.mp4").exists()


def test_silence_still_gives_a_film_and_says_so(tmp_path: Path, data_dir: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros((44_100 * 15, 2)), 44_100)
    options = ["--workers", "1", "--resolution", "480p", "--fps", "24"]
    run = vibecraft(data_dir, "render", tmp_path / "silence.wav", "-o", tmp_path / "film.mp4", *options)
    assert run.returncode == 0, run.stderr + run.stdout
    assert "no beat was heard" in run.stdout
    shots = json.loads((tmp_path / "film.timeline.json").read_bytes())["shots"]
    assert len(shots) == 2
    assert all(shot["beat_s"] is None for shot in shots)


def test_interrupted_it_leaves_nothing_and_says_so(tmp_path: Path, data_dir: Path) -> None:
    song = write_song(tmp_path / "long.wav", 40)
    out = tmp_path / "film.mp4"
    command = [str(PROGRAM), "render", str(song), "-o", str(out), "--workers", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(data_dir)
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("drawing"):
                break
        os.kill(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == 130
    assert "Interrupted." in rest
    assert "raceback" not in rest
    assert not out.exists()
    assert left_in(data_dir) == []
