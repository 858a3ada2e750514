"""How fast a song goes: periodicity of its rises over time.

Conventions
-----------
Curves are at `FRAME_RATE`, tempos in beats per minute. Strength of a pulse is the mean normalised autocorrelation at
one to four beats: about 0 for noise, 0.2 to 0.8 for music with a beat.

Method
------
The rises are levelled by their local mean and spread. Windows of 12 s are correlated with themselves; a tempo's score
is the mean correlation at one, two, three and four of its beats. The song's strength is that of the best path through
the tempos, on which changes cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from tasks.audio.features import FRAME_RATE, Rises

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

_RATE = float(FRAME_RATE)
_BAND_WEIGHTS = np.array((1.0, 1.0, 1.0, 0.8), np.float32)
_MEAN_S = 0.8
_SPREAD_S = 6.0
_FAINT = 0.03  # rises (in log magnitude) with a smaller spread than this are no events
_SLOWEST_BPM, _FASTEST_BPM = 45.0, 215.0
_WINDOW_S = 12.0
_STEP_S = 1.5
_WINDOWS_AT_ONCE = 64
_STEPS_PER_OCTAVE = 40
_BEATS_COMPARED = 4
_CHANGE_COST = 8.0  # per octave of tempo change between windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodicity:
    """How periodic a song is at each tempo.

    Attributes
    ----------
    bpm : ndarray, shape (tempos,), float64
        Evenly spaced in octaves.
    scores : ndarray, shape (windows, tempos), float64
        Of each window.
    """

    bpm: Floats
    scores: Floats

    @property
    def strength(self) -> float:
        """Of the pulse: the mean along the best path through the tempos."""
        path = _best_path(self.scores)
        return float(self.scores[np.arange(len(path)), path].mean())

    def at(self, bpm: float) -> float:
        """Mean over the song at one tempo; the nearest known one where it is too fast or too slow."""
        return float(np.interp(np.log2(bpm), np.log2(self.bpm), self.scores.mean(axis=0)))

    def peaks(self, most: int) -> list[float]:
        """Give the tempos at which the song is more periodic than at those beside, up to ``most``, the best first."""
        mean = self.scores.mean(axis=0)
        inner = mean[1:-1]
        found = np.flatnonzero((inner > mean[:-2]) & (inner >= mean[2:])) + 1
        return [float(self.bpm[at]) for at in found[np.argsort(-mean[found], kind="stable")][:most]]

    def along(self, times: Floats, bpm: float) -> Floats:
        """Strength of the pulse around each moment (seconds): the best of a tempo, its half and its double."""
        near = [int(np.abs(self.bpm - bpm * ratio).argmin()) for ratio in (0.5, 1.0, 2.0)]
        best = self.scores[:, near].max(axis=1)
        return np.asarray(np.interp(times, np.arange(len(best)) * _STEP_S, best), np.float64)


def onset_envelope(risen: Rises) -> Array:
    """Level the rises: zero mean of silence, spread about one wherever something happens.

    Returns
    -------
    ndarray, shape (n,), float32
        Not negative.
    """
    raw = risen.bands @ _BAND_WEIGHTS / _BAND_WEIGHTS.sum()
    return level(raw)


def level(raw: Array) -> Array:
    """Subtract the local mean, keep what is above it and divide by its local spread."""
    above = np.maximum(raw - uniform_filter1d(raw, int(_MEAN_S * _RATE), mode="constant"), 0)
    power = uniform_filter1d(np.square(above), int(_SPREAD_S * _RATE), mode="constant")
    spread = np.sqrt(np.maximum(power, 0))
    return np.asarray(above / np.maximum(np.maximum(spread, np.float32(0.25) * spread.max()), _FAINT), np.float32)


def measure(envelope: Array) -> Periodicity:
    """Measure the periodicity of the rises.

    Parameters
    ----------
    envelope : ndarray, shape (n,), float32
        From `onset_envelope`.
    """
    count = int(np.log2(_FASTEST_BPM / _SLOWEST_BPM) * _STEPS_PER_OCTAVE) + 1
    bpm = _SLOWEST_BPM * 2.0 ** (np.arange(count) / _STEPS_PER_OCTAVE)
    return Periodicity(bpm=bpm, scores=np.concatenate([_scores(rows, bpm) for rows in _correlations(envelope)]))


def _correlations(envelope: Array) -> Iterator[Floats]:
    """Autocorrelation of each window, shape (windows, lags), 1 at lag 0 (0 throughout where nothing happens).

    They come some at a time, so that memory does not grow with the song.
    """
    smooth = gaussian_filter1d(envelope.astype(np.float64), 1.5)
    length, step = int(_WINDOW_S * _RATE), _STEP_S * _RATE
    windows = max(1, int(len(smooth) / step))
    padded = np.pad(smooth, (length // 2, length))
    inside = np.pad(np.ones(len(smooth)), (length // 2, length))
    starts = np.round(np.arange(windows) * step).astype(int)
    size = scipy.fft.next_fast_len(2 * length, real=True)
    for first in range(0, windows, _WINDOWS_AT_ONCE):
        some = starts[first : first + _WINDOWS_AT_ONCE]
        cut = np.stack([padded[start : start + length] for start in some])
        held = np.stack([inside[start : start + length] for start in some])
        cut = (cut - cut.sum(axis=1, keepdims=True) / held.sum(axis=1, keepdims=True)) * held
        raw = _power(cut, size)[:, :length]
        overlap = np.maximum(_power(held, size)[:, :length], 0.25 * length)
        normal = raw / overlap
        yield np.asarray(normal / np.maximum(normal[:, :1], 1e-9), np.float64)


def _power(rows: Floats, size: int) -> Floats:
    spectrum = scipy.fft.rfft(rows, size, axis=1)
    return np.asarray(scipy.fft.irfft(np.square(np.abs(spectrum)), size, axis=1), np.float64)


def _scores(correlations: Floats, bpm: Floats) -> Floats:
    """Mean correlation at one to four beats, shape (windows, tempos)."""
    total = np.zeros((len(correlations), len(bpm)))
    for beats in range(1, _BEATS_COMPARED + 1):
        lag = 60.0 * _RATE * beats / bpm
        at = np.minimum(lag.astype(int), correlations.shape[1] - 2)
        share = lag - at
        total += correlations[:, at] * (1 - share) + correlations[:, at + 1] * share
    return total / _BEATS_COMPARED


def _best_path(scores: Floats) -> NDArray[np.int64]:
    """Index of the best tempo in each window, where changes cost."""
    steps = np.arange(scores.shape[1])
    cost = _CHANGE_COST * np.abs(steps[:, None] - steps[None, :]) / _STEPS_PER_OCTAVE
    best = scores[0]
    backward = np.zeros(scores.shape, np.int64)
    for number in range(1, len(scores)):
        reached = best[None, :] - cost
        backward[number] = reached.argmax(axis=1)
        best = reached.max(axis=1) + scores[number]
    path = np.zeros(len(scores), np.int64)
    path[-1] = int(best.argmax())
    for number in range(len(scores) - 1, 0, -1):
        path[number - 1] = backward[number, path[number]]
    return path
