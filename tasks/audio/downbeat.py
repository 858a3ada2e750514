"""Which beats begin a bar.

Conventions
-----------
Positions count from 1 within the bar; they are None where bars are not clear. Bars of 3 and 4 beats are told apart.

Method
------
Every beat gets a figure of how much it sounds like the first of a bar: the bass drum, the change of harmony (over a
short and a long stretch) and a change of sound, against the beats around it. A dynamic programme walks through the
song's beats and may slip out of the bar only at a cost. The better of the two bar lengths wins, if it wins at all.

References
----------
Goto: An audio-based real-time beat tracking system, Journal of New Music Research 30, 2001.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from tasks.audio.features import FRAME_RATE, HARMONY_RATE, Rises, Spectra
from tasks.audio.grid import Grid
from tasks.audio.tempo import Array, Floats, level

_METERS = (4, 3)
_SLIP_COST = 6.0
_FLAT = 0.8  # a smaller spread of the whole is no sign of bars
_CLEAR = 0.3
_TRIPLE_LEAD = 0.1
_USUAL_SPREAD = (3.0, 0.3, 0.3, 0.3, 2.5)  # of each figure, in music
_WEIGHTS: Floats = np.array((0.5, 1.0, 1.0, 0.5, -0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars of a song.

    Attributes
    ----------
    beats_a_bar : int or None
        None where no bar is clear.
    positions : ndarray, shape (beats,), int64
        1 for downbeats; all 0 where no bar is clear.
    """

    beats_a_bar: int | None
    positions: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarCues:
    """What downbeats are told by: drums at `FRAME_RATE`, (n,) float32; log chroma at `HARMONY_RATE`, (m, 12)."""

    kick: Array
    snare: Array
    chroma: Array
    bass: Array


def find_bars(spectra: Spectra, risen: Rises, grid: Grid) -> Bars:
    """Find the bars of a song with beats."""
    likeness = downbeat_likeness(bar_cues(spectra, risen), grid)
    found = [(*_walk(likeness, beats), beats) for beats in _METERS if len(likeness) >= 2 * beats]
    unclear = Bars(beats_a_bar=None, positions=np.zeros(len(likeness), np.int64))
    if not found:
        return unclear
    gain, positions, beats = max(found, key=lambda one: one[0] - (_TRIPLE_LEAD if one[2] != _METERS[0] else 0))
    return Bars(beats_a_bar=beats, positions=positions) if gain >= _CLEAR else unclear


def bar_gain(cues: BarCues, grid: Grid) -> float:
    """How clearly the beats of a grid fall into bars; 0 for not at all, about 0.4 for very clearly."""
    likeness = downbeat_likeness(cues, grid)
    return max((_walk(likeness, beats)[0] for beats in _METERS if len(likeness) >= 2 * beats), default=0.0)


def bar_cues(spectra: Spectra, risen: Rises) -> BarCues:
    """Prepare what downbeats are told by."""
    return BarCues(
        kick=maximum_filter1d(level(risen.bands[:, 0]), 5),
        snare=maximum_filter1d(level(risen.bands[:, 1:3].mean(axis=1)), 5),
        chroma=np.log1p(spectra.chroma / max(float(spectra.chroma.mean()), 1e-9)),
        bass=np.log1p(spectra.bass_chroma / max(float(spectra.bass_chroma.mean()), 1e-9)),
    )


def downbeat_likeness(cues: BarCues, grid: Grid) -> Floats:
    """How much each beat sounds like the first of a bar: about zero mean, unit spread."""
    harmony = _per_beat(cues.chroma, grid)
    columns = [
        _at_beats(cues.kick, grid),
        _change(harmony, 1),
        _change(_per_beat(cues.bass, grid), 1),
        _change(harmony, 2),
        _at_beats(cues.snare, grid),
    ]
    total = np.stack(list(map(_standing_out, columns, _USUAL_SPREAD)), axis=1) @ _WEIGHTS
    return np.asarray(total / max(float(total.std()), _FLAT), np.float64)


def _walk(likeness: Floats, beats: int) -> tuple[float, NDArray[np.int64]]:
    """Best positions for bars of ``beats``, and how much more likely their downbeats are than their other beats."""
    other = -1.0 / (beats - 1)
    gains = np.stack([likeness if place == 0 else other * likeness for place in range(beats)], axis=1)
    best = gains[0].copy()
    came = np.zeros(gains.shape, np.int64)
    origin = (np.arange(beats) - 1) % beats
    for number in range(1, len(gains)):
        onward = best[origin]
        jump = int(best.argmax())
        slips = best[jump] - _SLIP_COST > onward
        came[number] = np.where(slips, jump, origin)
        best = np.where(slips, best[jump] - _SLIP_COST, onward) + gains[number]
    places = np.zeros(len(gains), np.int64)
    places[-1] = int(best.argmax())
    for number in range(len(gains) - 1, 0, -1):
        places[number - 1] = came[number, places[number]]
    first = places == 0
    gain = float(likeness[first].mean() - likeness[~first].mean()) if first.any() and not first.all() else 0.0
    return gain * float(np.sqrt(first.mean() * (1 - first.mean()))), places + 1


def _at_beats(curve: NDArray[np.floating], grid: Grid) -> Floats:
    frames = np.clip(np.round(grid.times * float(FRAME_RATE)).astype(int), 0, len(curve) - 1)
    return np.asarray(curve[frames], np.float64)


def _per_beat(rows: NDArray[np.floating], grid: Grid) -> Floats:
    """Mean of the chroma vectors within each beat, scaled to length one; shape (beats, 12)."""
    rate = float(HARMONY_RATE)
    edges = np.append(grid.times, grid.times[-1] + grid.interval_s)
    start = np.clip(np.round(edges[:-1] * rate + 0.3).astype(int), 0, len(rows) - 1)
    end = np.clip(np.round(np.minimum(edges[1:], grid.times + 1.5 * grid.interval_s) * rate).astype(int), 1, len(rows))
    total = np.vstack((np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)))
    end = np.maximum(end, start + 1)
    mean = (total[end] - total[start]) / (end - start)[:, None]
    return np.asarray(mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9), np.float64)


def _change(rows: Floats, reach: int) -> Floats:
    """Distance between the ``reach`` beats before each beat and those from it on."""
    padded = np.pad(rows, ((reach, reach - 1), (0, 0)), mode="edge")
    before = sum(padded[reach - k : reach - k + len(rows)] for k in range(1, reach + 1))
    after = sum(padded[reach + k : reach + k + len(rows)] for k in range(reach))
    return np.asarray(np.linalg.norm(np.asarray(after) - np.asarray(before), axis=1), np.float64)


def _standing_out(values: Floats, usual: float) -> Floats:
    """Subtract the mean of the beats around and divide by the song's spread, or by half the usual one if larger."""
    apart = values - uniform_filter1d(values, 12, mode="nearest")
    return np.asarray(np.clip(apart / max(float(apart.std()), usual / 2), -2.5, 2.5), np.float64)
