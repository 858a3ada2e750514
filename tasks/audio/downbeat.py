"""Which beats begin a bar, for every number of beats that a bar may have.

Conventions
-----------
Positions count from 1 within the bar.

Method
------
A small network tells for each beat the log odds that it is the first of a bar, from what happens on it, half-way to
the next and around it: drums, changes of harmony, bass and sound, loudness. A dynamic programme walks through the
song's beats in bars of 2, 3, 4 and 5 and may leave the count at a cost. Which number is right is decided together with
the grid, in `tasks.audio.choice`.

References
----------
Durand, Bello, David, Richard: Downbeat tracking with multiple features and deep neural networks, ICASSP 2015.
Böck, Krebs, Widmer: Joint beat and downbeat tracking with recurrent neural networks, ISMIR 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.audio.cues import Cues, beat_figures, in_context
from tasks.audio.grid import Grid
from tasks.audio.judge import Network
from tasks.audio.tempo import Floats

METERS = (2, 3, 4, 5)

_SLIP_COST = 12.0
_LIMIT = 6.0
_CLEAR = 0.6  # 0.2 for equal clicks, 1 to 9 for music


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """One way to count the bars of a grid.

    Attributes
    ----------
    beats_a_bar : int
    positions : ndarray, shape (beats,), int64
        1 for downbeats.
    gain : float
        What the downbeats gain a beat, in log odds.
    slips : float
        How often the count is left, a beat.
    lead : float
        The gain less that of the best other number of beats.
    apart : float
        Mean log odds of the downbeats less that of the other beats.
    """

    beats_a_bar: int
    positions: NDArray[np.int64]
    gain: float
    slips: float
    lead: float
    apart: float

    @property
    def is_clear(self) -> bool:
        """Whether anything tells the downbeats from other beats."""
        return self.apart >= _CLEAR


def downbeat_odds(cues: Cues, grid: Grid, network: Network) -> Floats:
    """Log odds of each beat to be the first of a bar."""
    odds = [network.judge(some) for some in in_context(beat_figures(cues, grid.times))]
    return np.asarray(np.clip(np.concatenate(odds), -_LIMIT, _LIMIT), np.float64)


def count_bars(odds: Floats) -> list[Bars]:
    """Count the beats in bars of each length."""
    from tasks.audio.pointer import walk  # noqa: PLC0415 - compiled code, whose place must be known before its import

    walks = [walk(odds, beats, _SLIP_COST) for beats in METERS]
    gains = [gain / len(odds) for gain, _, _ in walks]
    return [
        Bars(
            beats_a_bar=beats,
            positions=places + 1,
            gain=gains[number],
            slips=slips / len(odds),
            lead=gains[number] - max(gains[:number] + gains[number + 1 :]),
            apart=_apart(odds, places == 0),
        )
        for number, (beats, (_, slips, places)) in enumerate(zip(METERS, walks, strict=True))
    ]


def _apart(odds: Floats, first: NDArray[np.bool_]) -> float:
    return float(odds[first].mean() - odds[~first].mean()) if first.any() and not first.all() else 0.0
