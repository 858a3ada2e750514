"""The song with a click on every beat, for judging a grid by ear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.domain.analysis import Analysis

_BEAT_HZ, _DOWNBEAT_HZ = 1000.0, 1600.0
_LENGTH_S, _DECAY_S = 0.03, 0.006
_LEVEL = 0.6
_LOUDEST = 32767
_BLOCK_S = 10


def write_clicks(sound: Path, analysis: Analysis, out: Path) -> None:
    """Write a WAV of the decoded song with clicks, higher ones on downbeats.

    A click's first sample is its loudest and lies on the sample nearest to the beat. Rate, channels and length are
    those of the song, and samples without a click are unchanged; sums beyond full scale are held there.
    """
    with soundfile.SoundFile(sound) as song:
        rate = song.samplerate
        downbeats = set(analysis.downbeats)
        plain, high = _click(_BEAT_HZ, rate), _click(_DOWNBEAT_HZ, rate)
        clicks = [(round(beat.time_s * rate), high if beat.time_s in downbeats else plain) for beat in analysis.beats]
        with soundfile.SoundFile(out, "w", rate, song.channels, format="WAV", subtype="PCM_16") as mixed:
            start = 0
            for block in song.blocks(_BLOCK_S * rate, dtype="int16", always_2d=True):
                mixed.write(_with_clicks(block, start, clicks))
                start += len(block)


def _click(hertz: float, rate: int) -> NDArray[np.int32]:
    time = np.arange(round(_LENGTH_S * rate)) / rate
    wave = _LEVEL * _LOUDEST * np.cos(2 * np.pi * hertz * time) * np.exp(-time / _DECAY_S)
    return np.rint(wave).astype(np.int32)


def _with_clicks(
    block: NDArray[np.int16], start: int, clicks: list[tuple[int, NDArray[np.int32]]]
) -> NDArray[np.int16]:
    total = block.astype(np.int32)
    for at, click in clicks:
        first, last = max(at, start), min(at + len(click), start + len(block))
        if first < last:
            total[first - start : last - start] += click[first - at : last - at, None]
    return np.clip(total, -_LOUDEST - 1, _LOUDEST).astype(np.int16)
