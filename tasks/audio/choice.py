"""Which of several rows of beats a listener would tap.

Method
------
A song has many true periods: half and double the beat, the off-beats. Every hypothesis is described by what rises on
its beats and between them (all, bass drum, snare, high), by whether bass drum and snare take turns, by where the
harmony changes, by its tempo and by how clearly it falls into bars. A linear score of these figures decides. Its
weights were fitted (conditional logistic regression, each held to the sign that sense gives it) to synthetic and
rendered songs with known beats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from tasks.audio.downbeat import bar_cues, bar_gain
from tasks.audio.features import FRAME_RATE, HARMONY_RATE, Rises, Spectra
from tasks.audio.grid import Grid
from tasks.audio.tempo import Array, Floats, level

_RATE = float(FRAME_RATE)
_USUAL_BPM = 100.0
_RUN = 16

WEIGHTS = {
    "octaves above 100 per minute": 2.378,
    "their square": -3.933,
    "rises on the beats": 0.397,
    "rises half-way": -0.048,
    "rises at the quarters": -1.014,
    "rises at the thirds": -0.130,
    "snare on the beats more than half-way": 0.829,
    "high rises on the beats more than half-way": -0.190,
    "bass drum on every second beat": 0.144,
    "bass drum and snare taking turns": 0.406,
    "harmony changing on the beats more than half-way": 0.746,
    "unevenness": -36.172,
    "clearness of the bars": 4.401,
}
"""What speaks for a grid (in the order of the columns of `evidence`) and how much."""


def choose(spectra: Spectra, risen: Rises, envelope: Array, grids: list[Grid]) -> Grid:
    """Return the grid that the evidence favours."""
    return grids[int((evidence(spectra, risen, envelope, grids) @ np.array(list(WEIGHTS.values()))).argmax())]


def evidence(spectra: Spectra, risen: Rises, envelope: Array, grids: list[Grid]) -> Floats:
    """Describe each grid by the figures that `WEIGHTS` names, shape (grids, figures)."""
    bands = risen.bands
    wholes = [envelope, level(bands[:, 0]), level(bands[:, 1:3].mean(axis=1)), level(bands[:, 3])]
    curves = [maximum_filter1d(curve, 5) for curve in wholes]
    change = harmonic_change(spectra)
    cues = bar_cues(spectra, risen)
    return np.array([[*_describe(grid, curves, change), bar_gain(cues, grid)] for grid in grids])


def harmonic_change(spectra: Spectra) -> Floats:
    """How much the harmony differs between the 0.4 s before and after each moment, in 0..1, at `HARMONY_RATE`."""
    energy = np.log1p(spectra.chroma / max(float(spectra.chroma.mean()), 1e-9))
    total = np.cumsum(np.pad(energy, ((5, 4), (0, 0))).astype(np.float64), axis=0)
    before, after = total[4:-4] - np.pad(total, ((1, 0), (0, 0)))[: len(total) - 8], total[8:] - total[4:-4]
    shared = (before * after).sum(axis=1)
    norm = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return np.asarray(np.where(norm > 0, 1 - shared / np.where(norm > 0, norm, 1), 0.0), np.float64)


def _describe(grid: Grid, curves: list[Array], change: Floats) -> list[float]:
    octaves = float(np.log2(grid.tempo_bpm / _USUAL_BPM))
    every, kick, snare, high = curves
    on, half = _mean(every, grid.times, 0), _mean(every, grid.times, 1 / 2)
    kicks, snares = _turns(kick, grid.times), _turns(snare, grid.times)
    moves = _at(change, grid.times, 0, float(HARMONY_RATE))
    between = _at(change, grid.times, 1 / 2, float(HARMONY_RATE))
    steps = np.diff(grid.times)
    return [
        octaves,
        octaves * octaves,
        on,
        half,
        (_mean(every, grid.times, 1 / 4) + _mean(every, grid.times, 3 / 4)) / 2,
        (_mean(every, grid.times, 1 / 3) + _mean(every, grid.times, 2 / 3)) / 2,
        _mean(snare, grid.times, 0) - _mean(snare, grid.times, 1 / 2),
        _mean(high, grid.times, 0) - _mean(high, grid.times, 1 / 2),
        abs(kicks),
        -float(np.sign(kicks * snares)) * float(np.sqrt(abs(kicks * snares))),
        10 * float(moves.mean() - between.mean()),
        float(np.minimum(np.abs(np.diff(steps)) / np.median(steps), 1).mean()),
    ]


def _turns(curve: Array, times: Floats) -> float:
    """How much more happens on even beats than on odd ones, judged in runs of 16 so that a lost beat spoils little."""
    values = _at(curve, times, 0, _RATE)
    values = values[: len(values) // _RUN * _RUN] if len(values) >= _RUN else values[: len(values) // 2 * 2]
    runs = values.reshape(-1, min(_RUN, len(values)))
    differences = runs[:, ::2].mean(axis=1) - runs[:, 1::2].mean(axis=1)
    return float(np.abs(differences).mean() * np.sign(differences.sum()))


def _mean(curve: Array, times: Floats, share: float) -> float:
    return float(_at(curve, times, share, _RATE).mean())


def _at(curve: NDArray[np.floating], times: Floats, share: float, rate: float) -> Floats:
    """Read a curve at ``share`` of the way from each beat to the next."""
    moments = times[:-1] + share * np.diff(times)
    return np.asarray(curve[np.clip(np.round(moments * rate).astype(int), 0, len(curve) - 1)], np.float64)
