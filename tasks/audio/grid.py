"""A row of beats."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tasks.audio.tempo import Floats

_RUN = 16
_LONG_GAP = 1.6
_ALIKE = 0.04


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A row of beats with what speaks for it.

    Attributes
    ----------
    times : ndarray, shape (n,), float64
        Seconds, strictly increasing.
    support : ndarray, shape (n,), float64
        The rise at each beat, 1 for the song's usual one, at most 1.
    """

    times: Floats
    support: Floats

    @cached_property
    def interval_s(self) -> float:
        """Usual time between beats: straight lines are laid through runs of beats, and most have about this slope."""
        run = min(_RUN, len(self.times))
        rows = np.lib.stride_tricks.sliding_window_view(self.times, run)
        steps = np.diff(rows, axis=1)
        whole = steps.max(axis=1) < _LONG_GAP * np.median(np.diff(self.times))
        index = np.arange(run) - (run - 1) / 2
        slopes = (rows * index).sum(axis=1) / np.square(index).sum()
        found = np.sort(slopes[whole] if whole.any() else np.diff(self.times))
        # a song that changes its tempo has a median that it never goes at
        alike = np.searchsorted(found, found * (1 + _ALIKE), "right") - np.arange(len(found))
        first = int(alike.argmax())
        return float(np.median(found[first : first + alike[first]]))

    @property
    def tempo_bpm(self) -> float:
        """Beats per minute."""
        return 60.0 / self.interval_s
