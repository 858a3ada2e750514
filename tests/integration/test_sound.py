"""Clicks in, clicks out: the film's sound begins on the sample that was analysed, whatever the song came in."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks import audio
from tasks.domain.errors import InvalidInput
from tasks.domain.request import AudioMode
from tasks.domain.segment import SegmentSpec
from tasks.domain.timeline import Window
from tasks.media.copying import is_copied
from tasks.media.encode import encode_segment
from tasks.media.ffmpeg import locate
from tasks.media.frames import I420
from tasks.media.mux import assemble
from tasks.media.probe import sound_header
from tasks.media.sound import Sound
from tests.support.audio import RATE, clicks, write
from tests.support.audio import Sound as Samples

SECONDS = 4
SPEC = SegmentSpec(width=64, height=48, frame_rate=Fraction(25))
_FRAMES = 2 * 1152 + 1152  # the most that a codec's last frames add at the end


@dataclass(frozen=True)
class Heard:
    song: Path
    pcm: Path
    samples: Samples
    rate: int


def stereo_clicks() -> Samples:
    """Make clicks that become faster, the right channel half as loud, over a faint hum."""
    slow, fast = clicks(97, SECONDS / 2)[0], clicks(141, SECONDS / 2)[0]
    track = np.repeat(np.concatenate((slow, fast)), 2, axis=1)
    hum = 0.1 * np.sin(2 * np.pi * 220 * np.arange(len(track)) / RATE).astype(np.float32)
    return np.asarray((track * 0.8 + hum[:, None]) * np.array([1.0, 0.5]), np.float32)


def cut_by_an_edit_list(folder: Path) -> Path:
    whole, part = write(folder / "whole.m4a", stereo_clicks(), "aac"), folder / "part.m4a"
    subprocess.run([locate(), "-v", "error", "-ss", "0.7", "-i", whole, "-c", "copy", part], check=True, timeout=60)
    return part


SONGS: dict[str, Callable[[Path], Path]] = {
    "wav": lambda folder: write(folder / "a.wav", stereo_clicks(), "pcm_s16le"),
    "flac": lambda folder: write(folder / "a.flac", stereo_clicks(), "flac"),
    "mp3": lambda folder: write(folder / "a.mp3", stereo_clicks(), "libmp3lame"),
    "mp3 without a tag": lambda folder: write(
        folder / "a.mp3", stereo_clicks(), "libmp3lame", container={"write_xing": "0"}
    ),
    "m4a": lambda folder: write(folder / "a.m4a", stereo_clicks(), "aac"),
    "m4a that an edit list begins late": cut_by_an_edit_list,
    "adts": lambda folder: write(folder / "a.aac", stereo_clicks(), "aac"),
    "opus": lambda folder: write(folder / "a.opus", stereo_clicks(), "libopus", coded_rate=48_000),
    "ogg": lambda folder: write(folder / "a.ogg", stereo_clicks(), "vorbis"),
    "mp4 with pictures": lambda folder: write(folder / "a.mp4", stereo_clicks(), "aac", video_s=SECONDS),
    "matroska": lambda folder: write(folder / "a.mka", stereo_clicks(), "aac"),
}
KEPT_BY_ITSELF = {"m4a", "m4a that an edit list begins late", "adts", "mp4 with pictures"}
KEPT_WHEN_ASKED = {*KEPT_BY_ITSELF, "flac", "mp3", "mp3 without a tag", "opus"}


def heard_in(song: Path) -> Heard:
    pcm = song.with_name("kept.flac")
    audio.listen(song, ffmpeg=locate(), pcm_to=pcm)
    samples, rate = soundfile.read(pcm, dtype="float32")
    return Heard(song, pcm, samples, rate)


def copied(heard: Heard, mode: AudioMode, window: Window | None = None) -> bool:
    return is_copied(mode, sound_header(heard.song), window, heard.song, heard.pcm)


def film_of(heard: Heard, folder: Path, *, original: bool) -> Path:
    segment, film = folder / "segment.mp4", folder / "film.mp4"
    pictures = (I420(*(np.full(shape, 90, np.uint8) for shape in ((48, 64), (24, 32), (24, 32)))) for _ in range(100))
    encode_segment(pictures, SPEC, segment)
    sound = Sound(pcm=heard.pcm, original=heard.song if original else None, window=None)
    assemble([segment], SPEC, sound, film)
    return film


def played(film: Path) -> tuple[Samples, int]:
    """Decode a film's sound as a player does, by the program and not by our library."""
    out = film.with_suffix(".wav")
    command: list[str | Path] = [locate(), "-v", "error", "-y", "-i", film, "-map", "0:a:0", "-c:a", "pcm_f32le", out]
    subprocess.run(command, check=True, timeout=60)
    samples, rate = soundfile.read(out, dtype="float32")
    return samples, rate


def lateness(samples: Samples, truth: Samples) -> int:
    """By how many samples the first lies behind the second, where they agree most."""
    size = 2 * max(len(samples), len(truth))
    spectrum = np.fft.rfft(samples[:, 0], size) * np.conj(np.fft.rfft(truth[:, 0], size))
    best = int(np.argmax(np.fft.irfft(spectrum, size)))
    return best if best < size // 2 else best - size


def expect_same(film: Path, heard: Heard) -> None:
    samples, rate = played(film)
    assert rate == heard.rate
    assert lateness(samples, heard.samples) == 0
    assert -RATE // 1000 <= len(samples) - len(heard.samples) <= _FRAMES  # the edit list counts milliseconds
    shared = min(len(samples), len(heard.samples))
    for channel in range(2):
        levels = [np.sqrt(np.square(each[:shared, channel]).mean()) for each in (samples, heard.samples)]
        assert abs(20 * np.log10(levels[0] / levels[1])) < 0.1


@pytest.mark.parametrize("name", SONGS)
def test_clicks_come_out_on_the_sample_that_was_analysed(tmp_path: Path, name: str) -> None:
    heard = heard_in(SONGS[name](tmp_path))
    kept = copied(heard, AudioMode.AUTO)
    assert kept is (name in KEPT_BY_ITSELF)
    expect_same(film_of(heard, tmp_path, original=kept), heard)


@pytest.mark.parametrize("name", SONGS)
def test_sound_is_copied_when_asked_or_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    heard = heard_in(SONGS[name](tmp_path))
    if name not in KEPT_WHEN_ASKED:
        with pytest.raises(InvalidInput, match=r"cannot be copied.*--audio") as refused:
            copied(heard, AudioMode.COPY)
        assert refused.value.code == "audio_not_copied"
        return
    assert copied(heard, AudioMode.COPY)
    expect_same(film_of(heard, tmp_path, original=True), heard)
    assert not copied(heard, AudioMode.AAC)


def test_a_part_of_a_song_is_encoded_and_cannot_be_copied(tmp_path: Path) -> None:
    heard = heard_in(SONGS["m4a"](tmp_path))
    window = Window(start_s=Fraction(1), end_s=Fraction(3))
    assert not copied(heard, AudioMode.AUTO, window)
    with pytest.raises(InvalidInput, match="whole song"):
        copied(heard, AudioMode.COPY, window)


def test_damaged_packets_are_never_copied(tmp_path: Path) -> None:
    song = SONGS["m4a"](tmp_path)
    data = bytearray(song.read_bytes())
    middle = data.index(b"mdat") + 20_000
    data[middle : middle + 3_000] = np.random.default_rng(1).bytes(3_000)
    song.write_bytes(data)
    heard = heard_in(song)
    assert not copied(heard, AudioMode.AUTO)
    with pytest.raises(InvalidInput, match="damaged"):
        copied(heard, AudioMode.COPY)
    expect_same(film_of(heard, tmp_path, original=False), heard)
