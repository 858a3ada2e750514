"""``vibecraft analyze`` as its users meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import soundfile
from PIL import Image

from tasks import workflow
from tasks.domain.analysis import Analysis
from tasks.media.analysis_picture import SIZE, draw_analysis
from tasks.media.waveform import Peaks
from tests.support.analyses import SAMPLE_RATE, analysis, features, section
from tests.support.command import environment, vibecraft
from tests.support.songs import write_song

SONG_S = 12.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., CompletedProcess[str]]:
    """Give the command on one song and one data folder, so that the song is heard once."""
    folder = tmp_path_factory.mktemp("analyze")
    song = write_song(folder / "My Song.wav", SONG_S)

    def analyze(*options: str | Path) -> CompletedProcess[str]:
        return vibecraft(folder / "data", "analyze", song, *options)

    return analyze


Run = Callable[..., CompletedProcess[str]]


def record(ended: CompletedProcess[str]) -> Analysis:
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("\n") == 1
    return Analysis.from_json(json.loads(ended.stdout))


def test_a_table_for_people(run: Run) -> None:
    ended = run("--workers", "1")
    assert ended.returncode == 0, ended.stderr
    for word in ("My Song.wav, 0:12.0", "tempo", "BPM", "key", "beats", "LUFS", "dBTP", "energy", "0:00.0", "█"):
        assert word in ended.stdout
    assert "set by you" not in ended.stdout
    assert "listening" in ended.stderr


def test_everything_at_once(run: Run, tmp_path: Path) -> None:
    plot, clicks, beats = tmp_path / "out.png", tmp_path / "out.wav", tmp_path / "beats.csv"
    found = record(run("--json", "--plot", plot, "--clicks", clicks, "--export", beats))
    assert float(found.duration_s) == SONG_S
    with Image.open(plot) as picture:
        assert (picture.format, picture.size) == ("PNG", SIZE)
        assert len(picture.getcolors(1 << 24) or []) > 500
    info = soundfile.info(clicks)
    assert (info.frames, info.channels, info.samplerate) == (found.samples, 2, found.sample_rate)
    rows = beats.read_text().splitlines()
    assert rows[0] == "time_s,position"
    assert [float(row.split(",")[0]) for row in rows[1:]] == pytest.approx(
        [one.time_s for one in found.beats], abs=1e-6
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beats.csv", "out.png", "out.wav"]


def test_what_is_set_right_is_kept(run: Run, tmp_path: Path) -> None:
    machine = record(run("--json"))
    fix, taps, none = tmp_path / "fix.yaml", tmp_path / "taps.txt", tmp_path / "none.yaml"
    fix.write_text(
        "corrections:\n - {kind: tempo, bpm: 100, offset_s: 0.25}\n - {kind: section_relabel, at_s: 1, label: hers}\n"
    )
    taps.write_text("0.5\n1.1\n1.7\n")
    none.write_text("corrections: []\n")
    kept = record(run("--json", "--corrections", fix))
    assert (kept.tempo_bpm, kept.sections[0].label) == (100, "hers")
    assert "set by you" in run().stdout
    tapped = record(run("--json", "--import", taps))
    assert [beat.time_s for beat in tapped.beats] == [0.5, 1.1, 1.7]
    assert tapped.sections[0].label == "hers"
    assert record(run("--json", "--corrections", none)) == machine


@pytest.mark.parametrize(
    ("options", "files", "sentence"),
    [
        (["--plot", "x.jpg"], {}, "does not end in .png"),
        (["--export", "x.pdf"], {}, ".jams"),
        (["--import", "x.csv"], {"x.csv": "0.5\n0.4\n"}, "0.4 s comes after 0.5 s"),
        (
            ["--corrections", "x.yaml"],
            {"x.yaml": "corrections: [{kind: section_split, at_s: 50}]"},
            "the song ends at 12.00",
        ),
    ],
)
def test_what_cannot_be_meant_is_said(  # noqa: PLR0917
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    files: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    ended = run(*options)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "raceback" not in ended.stderr
    assert ended.stdout == ""
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_what_is_no_song_is_said(tmp_path: Path) -> None:
    text = tmp_path / "song.mp3"
    text.write_text("no song")
    ended = vibecraft(tmp_path / "data", "analyze", text)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "song.mp3" in ended.stderr


@pytest.mark.parametrize("seconds", [2, 3600])
def test_a_picture_of_any_song(tmp_path: Path, seconds: int) -> None:
    peaks = Peaks(sample_rate=SAMPLE_RATE, samples_per_pixel=16384, values=np.zeros((seconds * 3, 1, 2), np.int8))
    parts = [section(0, 1, "a label that has no room in its section" * 2), section(1, seconds, "\u6b4c")]
    beats = [] if seconds == 2 else [0.5 * beat for beat in range(2 * seconds)]
    song = analysis(seconds * SAMPLE_RATE, beats, parts, 120)
    draw_analysis("A title that is far too long for one line " * 9, song, features(seconds), peaks, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == SIZE


def test_what_one_process_does_loads_no_ray() -> None:
    code = "import sys, serve_app.hearing, serve_app.film; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_process_that_runs_many_steps_loads_all_of_them_at_once() -> None:
    wanted = {"numba", "tasks.audio.beat", "tasks.wakeup", *(f"tasks.steps.{kind}" for kind in workflow.STEPS)}
    code = (
        f"import sys; from tasks.workflow import load_steps; load_steps(); sys.exit(not {wanted!r} <= set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_song_that_was_heard_before_loads_nothing_that_hears(tmp_path: Path) -> None:
    """What is loaded takes most of such a command's time."""
    song, data = write_song(tmp_path / "song.wav", 3.0), tmp_path / "data"
    assert vibecraft(data, "analyze", song, "--json").returncode == 0
    command = [sys.executable, "-X", "importtime", "-m", "serve_app", "analyze", str(song), "--json"]
    again = subprocess.run(command, capture_output=True, text=True, check=True, env=environment(data))
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in again.stderr.splitlines() if "|" in line}
    assert "sqlalchemy" in loaded
    assert not loaded & {"alembic", "numba", "ray", "scipy", "fontTools", "PIL"}
