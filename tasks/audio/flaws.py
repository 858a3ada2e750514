"""What is wrong with a song's samples: clipping, digital silence, a constant offset.

Conventions
-----------
Samples are float32 and full scale is 1. Anything beyond it counts as clipped, since a player clips it. The result does
not depend on how the song is cut into blocks of whole seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.domain.analysis import Sound

FULL_SCALE = 1 - 1.5 * 2.0**-15
"""A sample from here on is at full scale: it holds the largest value of 16 bits on either side."""

CLIPPED_SAMPLES = 3
"""So many samples of one channel at full scale, one after the other, are clipped; fewer may be a peak."""

SILENT = 2.0**-16
"""Half a step of 16 bits: what is below in all channels is digital silence."""

SILENT_S = 0.5
"""Shorter silence is a pause of the music and is not told."""


class FlawMeter:
    """Look through a song that comes in blocks of whole seconds."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._rate = sample_rate
        self._samples = 0
        self._total = np.zeros(channels)
        self._full = [_Runs() for _ in range(channels)]
        self._silent = _Runs()
        self._clipped_runs = self._clipped_samples = 0
        self._silences: list[tuple[float, float]] = []

    def push(self, block: NDArray[np.float32]) -> None:
        """Take the next samples, shape (n, channels), float32, finite; n is whole seconds except at the end."""
        channels = np.ascontiguousarray(block.T)
        for at in range(0, len(block), self._rate):
            self._total += channels[:, at : at + self._rate].sum(axis=1, dtype=np.float64)
        levels = np.abs(channels)
        for runs, level in zip(self._full, levels, strict=True):
            self._count_clipped(runs.push(level >= FULL_SCALE))
        self._note_silent(self._silent.push(levels.max(axis=0) < SILENT))
        self._samples += len(block)

    def finish(self) -> Sound:
        """Give what was found."""
        for runs in self._full:
            self._count_clipped(runs.push(np.zeros(1, np.bool_)))
        self._note_silent(self._silent.push(np.zeros(1, np.bool_)))
        return Sound(
            clipped_runs=self._clipped_runs,
            clipped_share=round(self._clipped_samples / max(1, self._samples * len(self._full)), 6),
            silences=tuple(self._silences),
            dc=tuple(round(float(total) / max(1, self._samples), 6) + 0.0 for total in self._total),
        )

    def _count_clipped(self, runs: NDArray[np.int64]) -> None:
        lengths = runs[:, 1] - runs[:, 0]
        clipped = lengths[lengths >= CLIPPED_SAMPLES]
        self._clipped_runs += len(clipped)
        self._clipped_samples += int(clipped.sum())

    def _note_silent(self, runs: NDArray[np.int64]) -> None:
        for start, end in runs[runs[:, 1] - runs[:, 0] >= SILENT_S * self._rate].tolist():
            self._silences.append((start / self._rate, end / self._rate))


class _Runs:
    """Find the runs of true values in a stream."""

    def __init__(self) -> None:
        self._at = 0
        self._open: list[int] = []  # where a run began that has not ended

    def push(self, flags: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Give the runs that ended, shape (n, 2): the first of its samples and the one after its last."""
        before = np.concatenate(([bool(self._open)], flags[:-1]))
        edges = np.concatenate((self._open, np.flatnonzero(flags != before) + self._at)).astype(np.int64)
        self._at += len(flags)
        whole = len(edges) // 2 * 2
        self._open = edges[whole:].tolist()
        return edges[:whole].reshape(-1, 2)
