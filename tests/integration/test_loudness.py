"""Songs are as loud as ffmpeg says they are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.song import synthesize
from tasks import audio
from tasks.media.ffmpeg import locate
from tests.support.audio import RATE, Sound, clicks, noise, pulse_song, silence, write


def told_by_ffmpeg(path: Path) -> dict[str, float]:
    command = [locate(), "-nostats", "-i", str(path), "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    summary = ended.stderr[ended.stderr.rindex("Summary:") :]
    return {name: float(figure) for name, figure in re.findall(r"(I|LRA|Peak): +(\S+) ", summary)}


def loud_and_soft() -> Sound:
    sound, _ = pulse_song(120, 40)
    return sound * np.interp(np.arange(len(sound)), (0, len(sound)), (0.05, 1.6)).astype(np.float32)[:, None]


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("song.wav", "pcm_f32le", {}),
        ("song.mp3", "libmp3lame", {"bit_rate": 96_000}),
        ("song.m4a", "aac", {}),
        ("song.opus", "libopus", {"coded_rate": 48_000}),
    ],
)
@pytest.mark.parametrize("make", [lambda: pulse_song(96, 20)[0], loud_and_soft, lambda: clicks(120, 12)[0]])
def test_songs_are_as_loud_as_ffmpeg_says(
    tmp_path: Path, name: str, codec: str, options: dict[str, Any], make: Any
) -> None:
    song = write(tmp_path / name, make(), codec, **options)
    truth, loudness = told_by_ffmpeg(song), audio.analyze(song).loudness
    assert loudness is not None
    assert loudness.integrated_lufs == pytest.approx(truth["I"], abs=0.1)
    assert loudness.range_lu == pytest.approx(truth["LRA"], abs=0.5)
    assert loudness.true_peak_dbtp == pytest.approx(truth["Peak"], abs=0.2)


def test_the_demonstration_song_is_as_loud_as_ffmpeg_says(tmp_path: Path) -> None:
    song = write(tmp_path / "demo.flac", synthesize()[0], "flac")
    truth, loudness = told_by_ffmpeg(song), audio.analyze(song).loudness
    assert loudness is not None
    assert loudness.integrated_lufs == pytest.approx(truth["I"], abs=0.1)
    assert loudness.range_lu == pytest.approx(truth["LRA"], abs=0.5)
    assert loudness.true_peak_dbtp == pytest.approx(truth["Peak"], abs=0.2)


def test_silence_has_no_loudness_and_is_told(tmp_path: Path) -> None:
    analysis = audio.analyze(write(tmp_path / "silence.wav", silence(4), "pcm_s16le"))
    assert analysis.loudness is None
    assert analysis.sound is not None
    assert analysis.sound.silences == ((0.0, 4.0),)


def test_what_goes_beyond_full_scale_is_measured_before_it_is_clipped(tmp_path: Path) -> None:
    song = write(tmp_path / "hot.wav", noise(6, level=0.7), "pcm_f32le")
    analysis = audio.analyze(song)
    assert analysis.loudness is not None
    assert analysis.loudness.true_peak_dbtp > 3
    assert analysis.sound is not None
    assert analysis.sound.clipped_runs > 0


def test_numbers_that_are_no_sound_keep_every_figure_finite(tmp_path: Path) -> None:
    sound = noise(4)
    sound[RATE], sound[RATE + 5], sound[RATE + 9] = np.nan, np.inf, 1e38
    loudness = audio.analyze(write(tmp_path / "broken.wav", sound, "pcm_f32le")).loudness
    assert loudness is not None
    assert np.isfinite([loudness.integrated_lufs, loudness.range_lu, loudness.true_peak_dbtp]).all()
