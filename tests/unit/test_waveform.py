"""Peaks are the extremes of their samples, at every zoom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.errors import InvalidRecord
from tasks.media.waveform import Peaks, find_peaks


@settings(max_examples=20)
@given(st.integers(1, 5000), st.integers(1, 2), st.integers(1, 4))
def test_coarser_peaks_are_those_of_the_samples(samples: int, channels: int, factor: int) -> None:
    sound = np.random.default_rng(samples).integers(-128, 128, (samples, channels)).astype(np.int8)
    finest = Peaks(sample_rate=8000, samples_per_pixel=1, values=np.stack([sound, sound], axis=2))
    coarse = finest.zoomed(factor)
    assert len(coarse.values) == -(-samples // factor)
    for pixel, peaks in enumerate(coarse.values):
        block = sound[pixel * factor : (pixel + 1) * factor]
        assert (peaks[:, 0] == block.min(axis=0)).all()
        assert (peaks[:, 1] == block.max(axis=0)).all()
    assert Peaks.from_bytes(coarse.to_bytes()).to_json() == coarse.to_json()


def test_blocks_leave_no_seam(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).integers(-32768, 32768, (16 * 4096 * 2 + 7, 1)).astype(np.int16)
    path = tmp_path / "sound.flac"
    soundfile.write(path, sound, 8000, subtype="PCM_16")
    assert (find_peaks(path, 16).zoomed(4096 * 64).values == find_peaks(path, 4096 * 64).values).all()


def test_peaks_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidRecord):
        Peaks(sample_rate=1, samples_per_pixel=1, values=np.zeros((1, 1), np.int8))
    peaks = Peaks(sample_rate=1, samples_per_pixel=4, values=np.zeros((1, 1, 2), np.int8))
    for zoom in (2, 6):
        with pytest.raises(InvalidRecord):
            peaks.zoomed(zoom)
    with pytest.raises(InvalidRecord):
        Peaks.from_bytes(b"\1" + peaks.to_bytes()[1:])
