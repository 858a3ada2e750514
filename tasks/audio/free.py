"""Where a song with a beat goes in free time for a while.

Method
------
Every decoder places beats everywhere. Where the rises of the twelve seconds around are not periodic at the grid's
tempo, its half or its double, and few beats have a rise of their own, over eight beats and more, there is no beat to be
followed. Before the first and after the last steady part such beats are left out. Between two steady parts they are
left out too, unless the count goes on: a break of drums and pads keeps its grid, because the beat that comes back
falls where the beat that left would have fallen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from tasks.audio.choice import Reading
from tasks.audio.grid import Grid
from tasks.audio.tempo import Floats, Periodicity

_PERIODIC = 0.15  # in songs 1 beat of 30 is below, in free time 9 of 10
_SUPPORTED = 0.65
_AROUND_BEATS = 9
_LEAST_BEATS = 8
_STEADY_RUN = 16
_OFF = 0.15  # of a beat


def without_free_time(reading: Reading, periodicity: Periodicity) -> Reading:
    """Leave out the beats of a reading that no music supports."""
    kept = in_time(reading.grid, periodicity)
    grid, bars = reading.grid, reading.bars
    return replace(
        reading,
        grid=Grid(times=grid.times[kept], support=grid.support[kept]),
        bars=replace(bars, positions=bars.positions[kept]),
    )


def in_time(grid: Grid, periodicity: Periodicity) -> NDArray[np.bool_]:
    """Tell which beats are in steady time, shape (beats,)."""
    around = uniform_filter1d(grid.support, _AROUND_BEATS, mode="nearest")
    free = (periodicity.along(grid.times, grid.tempo_bpm) < _PERIODIC) & (around < _SUPPORTED)
    kept = np.ones(len(free), bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], free, [False])).astype(int)))
    for first, end in edges.reshape(-1, 2):
        if end - first >= _LEAST_BEATS and not _goes_on(grid.times, int(first), int(end)):
            kept[first:end] = False
    return kept


def _goes_on(times: Floats, first: int, end: int) -> bool:
    """Tell whether the beats after a stretch fall where those before it lead."""
    before, after = times[max(0, first - _STEADY_RUN) : first], times[end : end + _STEADY_RUN]
    if min(len(before), len(after)) < _LEAST_BEATS:
        return False
    step = (before[-1] - before[0] + after[-1] - after[0]) / (len(before) + len(after) - 2)
    gap = (after[0] - before[-1]) / step
    return bool(abs(gap - round(gap)) < _OFF)
