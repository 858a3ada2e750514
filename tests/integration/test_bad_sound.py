"""Sound that is no ordinary song gets an honest analysis: no beat where there is none, figures in their range."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from tasks import audio
from tasks.domain.analysis import Analysis
from tasks.domain.errors import InvalidInput
from tasks.media.ffmpeg import locate
from tests.support.audio import RATE, Sound, noise, pulse_song, silence, tone, write


def speech(seconds: float) -> Sound:
    """Synthesize babble: a voice of wavering pitch through the formants of vowels, in syllables of uneven length."""
    random = np.random.default_rng(21)
    vowels = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
    syllables: list[np.ndarray[Any, np.dtype[np.float64]]] = []
    length = 0
    while length < seconds * RATE:
        count = int(RATE * random.uniform(0.09, 0.34))
        pitch = random.uniform(90, 150) * (1 + 0.1 * np.sin(np.linspace(0, random.uniform(1, 5), count)))
        phase = np.cumsum(pitch) / RATE
        voice = np.diff(np.floor(phase), prepend=0.0) + 0.02 * random.standard_normal(count)
        for hz in vowels[random.integers(len(vowels))]:
            radius, angle = math.exp(-math.pi * 90 / RATE), 2 * math.pi * hz / RATE
            voice = lfilter([1 - radius], [1, -2 * radius * math.cos(angle), radius**2], voice)
        syllables.append(voice * np.hanning(count) ** 0.5)
        if random.random() < 0.2:
            syllables.append(np.zeros(int(RATE * random.uniform(0.1, 0.7))))
        length = sum(map(len, syllables))
    whole = np.concatenate(syllables)[: round(seconds * RATE)]
    return np.asarray(0.5 * whole / np.abs(whole).max(), np.float32)[:, None]


def one_click() -> Sound:
    sound = silence(10)
    sound[RATE * 4 : RATE * 4 + 40] = 0.9
    return sound


def figures_of(value: Any) -> Iterator[float]:
    """Give every number of a document."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from figures_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from figures_of(inner)
    elif isinstance(value, int | float):
        yield value


def expect_honest(analysis: Analysis) -> None:
    """Check what holds of every analysis; its record has checked the order of beats and the row of sections."""
    document = analysis.to_json()
    assert all(math.isfinite(figure) for figure in figures_of(document))
    assert Analysis.from_json(json.loads(json.dumps(document, allow_nan=False))) == analysis
    times = [beat.time_s for beat in analysis.beats]
    assert all(before < after for before, after in pairwise(times))
    assert all(0 <= time < analysis.duration_s for time in times)
    assert set(analysis.downbeats) <= set(times)
    assert analysis.sections[0].start_s == 0.0
    assert analysis.sections[-1].end_s == pytest.approx(float(analysis.duration_s), abs=1e-6)
    assert (analysis.tempo_bpm is None) == (not analysis.beats)
    shares = [section.energy for section in analysis.sections] + [section.confidence for section in analysis.sections]
    assert all(0 <= share <= 1 for share in [*shares, analysis.tempo_confidence])
    assert analysis.sound is not None
    assert 0 <= analysis.sound.clipped_share <= 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: silence(6),
        lambda: noise(12),
        lambda: speech(20),
        one_click,
        lambda: silence(6) + np.float32(0.3),
        lambda: tone(220, 10),
        lambda: np.sign(tone(110, 10)),
        lambda: silence(2),
        lambda: noise(2),
    ],
    ids=["silence", "noise", "speech", "one click", "dc", "tone", "square wave", "2 s of silence", "2 s of noise"],
)
def test_sound_without_a_beat_has_none(tmp_path: Path, make: Callable[[], Sound]) -> None:
    analysis = audio.analyze(write(tmp_path / "sound.wav", make(), "pcm_s16le"))
    assert (analysis.beats, analysis.downbeats, analysis.tempo_bpm, analysis.meter) == ((), (), None, None)
    expect_honest(analysis)


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda sound: np.clip(9 * sound, -1, 1), {}),
        (lambda sound: 0.5 * sound + np.float32(0.4), {}),
        (lambda sound: 1e-3 * sound, {}),
        (lambda sound: np.where(np.arange(len(sound))[:, None] % 9973 == 0, np.nan, sound), {"codec": "pcm_f32le"}),
        (lambda sound: np.where(np.arange(len(sound))[:, None] % 99_991 == 7, -np.inf, sound), {"codec": "pcm_f64le"}),
    ],
    ids=["clipped to a square wave", "with an offset", "very quiet", "with NaN", "with Inf"],
)
def test_a_beat_is_found_in_spite_of_bad_samples(
    tmp_path: Path, change: Callable[[Sound], Sound], options: dict[str, Any]
) -> None:
    sound, beats = pulse_song(120, 16)
    codec = options.get("codec", "pcm_s16le")
    analysis = audio.analyze(write(tmp_path / "song.wav", change(sound).astype(np.float32), codec))
    expect_honest(analysis)
    assert analysis.tempo_bpm == pytest.approx(120, rel=0.01)
    assert len(analysis.beats) == pytest.approx(len(beats), abs=3)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (192_000, 2), (48_000, 6)])
def test_unusual_rates_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    sound, beats = pulse_song(112, 12, rate=rate, channels=channels)
    song = write(tmp_path / "song.flac", sound * np.float32(0.4), "flac", rate=rate)
    analysis = audio.analyze(song)
    expect_honest(analysis)
    assert analysis.tempo_bpm == pytest.approx(112, rel=0.01)
    assert len(analysis.beats) == pytest.approx(len(beats), abs=3)
    assert (analysis.sample_rate, analysis.channels, analysis.samples) == (rate, min(channels, 2), len(sound))


def test_flaws_are_told(tmp_path: Path) -> None:
    sound = np.concatenate((np.clip(9 * pulse_song(120, 8)[0], -1, 1), silence(1, channels=2)))
    found = audio.analyze(write(tmp_path / "song.wav", sound, "pcm_s16le")).sound
    assert found is not None
    assert found.clipped_share > 0.05
    assert found.silences[-1][1] == 9.0


def test_two_seconds_are_enough(tmp_path: Path) -> None:
    expect_honest(audio.analyze(write(tmp_path / "short.wav", pulse_song(128, 2)[0], "pcm_s16le")))


@pytest.mark.full
def test_an_hour_is_heard(tmp_path: Path) -> None:
    path, (minute, _) = tmp_path / "hour.flac", pulse_song(120, 60, rate=22_050, channels=1, first_s=0.0)
    with soundfile.SoundFile(path, "w", 22_050, 1) as file:
        for _ in range(60):
            file.write(minute)
    analysis = audio.listen(path, ffmpeg=locate(), max_s=3600).analysis
    expect_honest(analysis)
    assert analysis.duration_s == 3600
    assert analysis.tempo_bpm == pytest.approx(120, rel=0.005)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_an_hour_takes_little_more_memory_than_ten_minutes() -> None:
    command = [sys.executable, "-m", "benchmarks.memory", "--limit-ratio", "1.3", "--analyze", "10", "60"]
    ended = subprocess.run(command, cwd=Path(audio.__file__).parents[2], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.splitlines()[-1].endswith("ratio")


def rewritten(path: Path, at: int, value: bytes) -> Path:
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF], ids=["none", "unknown"])
def test_a_wav_that_does_not_say_how_long_it_is_is_heard_whole(tmp_path: Path, size: int) -> None:
    song = write(tmp_path / "song.wav", pulse_song(120, 8)[0], "pcm_s16le")
    place = song.read_bytes().index(b"data") + 4
    rewritten(rewritten(song, 4, size.to_bytes(4, "little")), place, size.to_bytes(4, "little"))
    assert audio.analyze(song).duration_s == 8


def test_a_wav_that_says_it_is_longer_is_broken(tmp_path: Path) -> None:
    song = write(tmp_path / "song.wav", pulse_song(120, 8)[0], "pcm_s16le")
    place, size = song.read_bytes().index(b"data") + 4, (16 * RATE * 4).to_bytes(4, "little")
    with pytest.raises(InvalidInput, match=r"breaks off after 8\.0 of 16\.0 s") as refusal:
        audio.analyze(rewritten(rewritten(song, 4, size), place, size))
    assert refusal.value.code == "song_truncated"


def test_a_flac_that_says_it_is_longer_is_broken(tmp_path: Path) -> None:
    song = write(tmp_path / "song.flac", pulse_song(120, 8)[0], "flac")
    with pytest.raises(InvalidInput) as refusal:
        audio.analyze(rewritten(song, 22, (16 * RATE).to_bytes(4, "big")))
    assert refusal.value.code == "song_truncated"


def test_a_flac_that_does_not_say_how_long_it_is_is_heard_whole(tmp_path: Path) -> None:
    song = write(tmp_path / "song.flac", pulse_song(120, 8)[0], "flac")
    assert audio.analyze(rewritten(song, 22, bytes(4))).duration_s == 8


parts = st.lists(
    st.sampled_from(("song", "noise", "silence", "tone", "click", "square", "nan")), min_size=1, max_size=5
)


@settings(max_examples=25)
@given(kinds=parts, bpm=st.floats(50, 200), seconds=st.floats(2, 6), channels=st.sampled_from((1, 2)))
def test_whatever_is_put_together_is_heard_honestly(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str], bpm: float, seconds: float, channels: int
) -> None:
    made: dict[str, Callable[[], Sound]] = {
        "song": lambda: pulse_song(bpm, seconds, channels=channels)[0],
        "noise": lambda: np.repeat(noise(seconds), channels, axis=1),
        "silence": lambda: silence(seconds, channels=channels),
        "tone": lambda: np.repeat(tone(bpm * 3, seconds), channels, axis=1),
        "click": lambda: np.repeat(one_click()[4 * RATE - 100 :], channels, axis=1),
        "square": lambda: np.repeat(np.sign(tone(bpm, seconds)), channels, axis=1),
        "nan": lambda: silence(seconds, channels=channels) + np.float32(np.nan),
    }
    song = tmp_path_factory.mktemp("made") / "made.wav"
    soundfile.write(song, np.concatenate([made[kind]() for kind in kinds]), RATE, subtype="FLOAT")
    expect_honest(audio.analyze(song))
