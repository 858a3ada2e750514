"""Time 0 is the first sample that a player plays, to the sample, in every container and codec.

Where a file does not say what its encoder put before the sound, a player plays that too; those files are late by the
encoder's delay, and the tests say by how many samples.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import soxr

from tasks import audio
from tasks.media.ffmpeg import locate
from tests.support.audio import RATE, Sound, clicks, silence, write

SECONDS = 6
_MP3_DELAY = 1105  # of LAME and of every decoder
_AAC_DELAY = 1024
_FRAMES = 2 * 1152  # the most that a codec's last frame and its delay may add at the end


def click_track() -> Sound:
    """Make clicks that become faster, so that no shift looks like another."""
    slow, fast = clicks(97, SECONDS / 2)[0], clicks(141, SECONDS / 2)[0]
    return np.repeat(np.concatenate((slow, fast)), 2, axis=1)


def decoded(song: Path) -> tuple[Sound, int]:
    """Give the samples that are kept of a song, and their rate."""
    kept = song.with_name("kept.flac")
    heard = audio.listen(song, ffmpeg=locate(), pcm_to=kept)
    samples, rate = soundfile.read(kept, dtype="float32")
    assert (heard.analysis.samples, heard.analysis.sample_rate) == (len(samples), rate)
    return samples, rate


def lateness(samples: Sound, truth: Sound) -> int:
    """By how many samples the first lies behind the second, where they agree most."""
    size = 2 * max(len(samples), len(truth))
    spectrum = np.fft.rfft(samples[:, 0], size) * np.conj(np.fft.rfft(truth[:, 0], size))
    best = int(np.argmax(np.fft.irfft(spectrum, size)))
    return best if best < size // 2 else best - size


def shifted(song: Path, name: str, seconds: float) -> Path:
    """Write the packets of a song again with other time stamps."""
    moved = song.with_name(name)
    with av.open(str(song)) as source, av.open(str(moved), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            shift = round(seconds / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = stream
            target.mux(packet)
    return moved


@pytest.mark.parametrize(
    ("name", "codec", "options", "late"),
    [
        ("cbr.mp3", "libmp3lame", {"bit_rate": 128_000}, 0),
        ("vbr.mp3", "libmp3lame", {"options": {"q": "4"}}, 0),
        ("untagged cbr.mp3", "libmp3lame", {"bit_rate": 128_000, "container": {"write_xing": "0"}}, _MP3_DELAY),
        ("untagged vbr.mp3", "libmp3lame", {"options": {"q": "4"}, "container": {"write_xing": "0"}}, _MP3_DELAY),
        ("mp3.mp4", "libmp3lame", {}, 0),
        ("mp3.mkv", "libmp3lame", {}, 0),
        ("aac.m4a", "aac", {}, 0),
        ("aac and pictures.mp4", "aac", {"video_s": SECONDS}, 0),
        ("aac.aac", "aac", {}, _AAC_DELAY),
        ("aac.mkv", "aac", {}, 0),
        ("opus.opus", "libopus", {"coded_rate": 48_000}, 0),
        ("opus.webm", "libopus", {"coded_rate": 48_000}, 0),
        ("opus and pictures.mkv", "libopus", {"coded_rate": 48_000, "video_s": SECONDS}, 0),
        ("vorbis.ogg", "vorbis", {}, 0),
        ("flac.flac", "flac", {}, 0),
        ("flac.mkv", "flac", {}, 0),
        ("pcm.wav", "pcm_s16le", {}, 0),
        ("alac.m4a", "alac", {}, 0),
    ],
)
def test_the_first_sample_is_exact(tmp_path: Path, name: str, codec: str, options: dict[str, Any], late: int) -> None:
    truth = click_track()
    samples, rate = decoded(write(tmp_path / name, truth, codec, **options))
    if rate != RATE:
        truth = soxr.resample(truth, RATE, rate)
    assert lateness(samples, truth) == late
    assert 0 <= len(samples) - len(truth) <= _FRAMES


@pytest.mark.parametrize(
    ("name", "codec"), [("late.mkv", "flac"), ("late.mkv", "libmp3lame"), ("late.mp4", "alac"), ("late.mov", "alac")]
)
def test_sound_that_starts_late_starts_at_zero(tmp_path: Path, name: str, codec: str) -> None:
    truth = click_track()
    song = write(tmp_path / f"song{name[4:]}", truth, codec)
    samples, _ = decoded(shifted(song, name, 1.5))
    assert lateness(samples, truth) == 0
    assert 0 <= len(samples) - len(truth) <= _FRAMES


def test_what_an_edit_list_cuts_off_is_not_heard(tmp_path: Path) -> None:
    truth = click_track()
    song = write(tmp_path / "song.m4a", truth, "aac")
    samples, _ = decoded(shifted(song, "cut.m4a", -0.5))
    assert lateness(samples, truth) == -RATE // 2
    assert 0 <= len(samples) - (len(truth) - RATE // 2) <= _FRAMES


def test_surround_goes_through_the_downmix_matrix(tmp_path: Path) -> None:
    # left, right, centre, bass, left and right behind; a mean of all would have a sixth of the level
    for channel, both_sides in ((0, (0.4, 0.0)), (2, (0.4 / np.sqrt(2), 0.4 / np.sqrt(2)))):
        sound = silence(3, channels=6)
        sound[RATE : RATE + RATE // 2, channel] = 0.4
        samples, _ = decoded(write(tmp_path / "surround.flac", sound, "flac"))
        middle = samples[RATE + RATE // 4]
        assert middle == pytest.approx(both_sides, abs=0.01)
