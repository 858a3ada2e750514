"""Clicks lie on their beats to the sample, and the song stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tasks.media.clicks import write_clicks
from tests.support.analyses import SAMPLE_RATE, analysis

BEATS = [0.0, 0.5, 0.987654, 1.5, 9.9999, 10.5, 19.998]
SONG_S = 20


def clicked(tmp_path: Path, song: NDArray[np.int16]) -> NDArray[np.int32]:
    """Write a song with clicks and give what was added to it."""
    sound, out = tmp_path / "song.flac", tmp_path / "out.wav"
    soundfile.write(sound, song, SAMPLE_RATE, subtype="PCM_16")
    write_clicks(sound, analysis(len(song), BEATS), out)
    mixed, rate = soundfile.read(out, dtype="int16", always_2d=True)
    assert rate == SAMPLE_RATE
    assert mixed.shape == song.shape
    difference: NDArray[np.int32] = mixed.astype(np.int32) - song
    return difference


@pytest.mark.parametrize("channels", [1, 2])
def test_a_click_begins_on_the_sample_of_its_beat(tmp_path: Path, channels: int) -> None:
    song = np.random.default_rng(1).integers(-9000, 9000, (SONG_S * SAMPLE_RATE, channels)).astype(np.int16)
    added = clicked(tmp_path, song)
    starts = [round(beat * SAMPLE_RATE) for beat in BEATS]
    click = round(0.03 * SAMPLE_RATE)
    for start in starts:
        assert (added[start] == 19_660).all()
        assert (np.abs(added[start + 1 : start + click]) <= 19_660).all()
        added[start : start + click] = 0
    assert not added.any()


def test_downbeats_are_higher(tmp_path: Path) -> None:
    added = clicked(tmp_path, np.zeros((SONG_S * SAMPLE_RATE, 2), np.int16))
    crossings = [
        int(np.diff(np.signbit(added[round(beat * SAMPLE_RATE) :][:1000, 0])).sum()) for beat in (0.0, 0.5, 9.9999)
    ]
    assert crossings[0] == crossings[2] > crossings[1]


def test_a_loud_song_does_not_wrap(tmp_path: Path) -> None:
    song = np.full((SONG_S * SAMPLE_RATE, 2), 32_000, np.int16)
    added = clicked(tmp_path, song)
    assert added.max() == 32_767 - 32_000
    assert added[round(0.5 * SAMPLE_RATE)].tolist() == [767, 767]
