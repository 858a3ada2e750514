"""Songs in every container, films of every form: each proves right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

from tests.support.audio import pulse_song, write
from tests.support.command import environment, vibecraft

RATES = ["24", "25", "30", "60"]
ASPECTS = ["16:9", "9:16", "1:1"]
CONTAINERS: list[tuple[str, str, dict[str, Any]]] = [
    ("song.mp3", "libmp3lame", {}),
    ("song.wav", "pcm_s16le", {}),
    ("song.flac", "flac", {}),
    ("song.m4a", "aac", {}),
    ("song.aac", "aac", {}),
    ("song.ogg", "vorbis", {}),
    ("song.opus", "libopus", {"coded_rate": 48_000}),
    ("song.webm", "libopus", {"coded_rate": 48_000}),
    ("song.mp4", "aac", {"video_s": 5.0}),
    ("song.mov", "pcm_s16le", {"video_s": 5.0}),
]
QUICK = {"song.m4a", "song.webm"}


def proves_right(data_dir: Path, song: Path, out: Path, *options: str) -> dict[str, Any]:
    run = vibecraft(data_dir, "render", song, "-o", out, "--resolution", "480p", "--workers", "1", "--json", *options)
    assert run.returncode == 0, run.stderr + run.stdout
    told: dict[str, Any] = json.loads(run.stdout)
    assert told["verify"]["ok"], told["verify"]["problems"]
    assert told["verify"]["frames"] == told["verify"]["expected_frames"]
    assert told["verify"]["cut_error_max_frames"] <= 0.5
    return told


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [pytest.param(*row, marks=[] if row[0] in QUICK else [pytest.mark.full], id=row[0]) for row in CONTAINERS],
)
def test_a_song_in_any_container(
    tmp_path: Path, data_dir: Path, name: str, codec: str, options: dict[str, Any]
) -> None:
    sound, _ = pulse_song(124, 5.3)
    song = write(tmp_path / name, sound, codec, **options)
    told = proves_right(data_dir, song, tmp_path / "film.mp4", "--style", "swiss", "--fps", "60")
    assert told["verify"]["sound"]["channels"] == 2
    assert abs(told["tempo_bpm"] - 124) < 1


@pytest.mark.parametrize("channels", [1, 2])
def test_the_packets_of_an_m4a_are_copied(tmp_path: Path, data_dir: Path, channels: int) -> None:
    sound, _ = pulse_song(124, 4.0, channels=channels)
    song = write(tmp_path / "song.m4a", sound, "aac")
    proves_right(data_dir, song, tmp_path / "film.mp4", "--style", "swiss")
    assert packets(tmp_path / "film.mp4") == packets(song)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


@pytest.mark.full
@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("style", ["silk", "ink", "swiss"])
def test_a_film_of_any_form(tmp_path: Path, data_dir: Path, fps: str, aspect: str, style: str) -> None:
    sound, _ = pulse_song(97, 6.2)
    song = write(tmp_path / "song.mp3", sound, "libmp3lame")
    proves_right(data_dir, song, tmp_path / "film.mp4", "--fps", fps, "--aspect", aspect, "--style", style)


@pytest.mark.full
@pytest.mark.ray
@pytest.mark.timeout(1800)
def test_ten_minutes_need_less_than_two_gigabytes(tmp_path: Path, data_dir: Path) -> None:
    sound, _ = pulse_song(124, 600.0)
    song = write(tmp_path / "long.mp3", sound, "libmp3lame")
    program = [str(Path(sys.executable).with_name("vibecraft")), "render", str(song), "-o", str(tmp_path / "film.mp4")]
    measured = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--json", "--", *program, "--workers", "2"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env=environment(data_dir),
    )
    result = json.loads(measured.stdout)
    assert result["exit_code"] == 0, measured.stderr
    assert result["processes"] > 5
    assert result["peak_pss_mb"] <= 2000
