"""What tells a beat from what lies between, and a downbeat from other beats.

Conventions
-----------
A figure of a beat is about 0 where nothing is special and about 1 to 3 where something clearly is. Positions between
beats are shares of the way to the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from tasks.audio.features import FRAME_RATE, HARMONY_HOP, HARMONY_RATE, HOP, Rises, Spectra, loud_magnitude
from tasks.audio.tempo import Array, Floats, level

SHARES = (0.0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4)

_RATE = float(FRAME_RATE)
_STEP = HARMONY_HOP // HOP
_WIDTH = 5
_BEATS_AT_ONCE = 1024
_MOMENTS_AT_ONCE = 512
_TIMBRES = 12
_AROUND_BEATS = 16
_CONTEXT = 4
_LIMIT = 3.0
_USUAL_SPREAD: Floats = np.array((
    *(1.0, 0.8, 0.8, 0.8, 0.8), *(0.8, 0.6, 0.6, 0.6, 0.6), *(0.6, 0.6),
    *(0.2, 0.2, 0.2, 0.3, 0.3), *(0.8, 0.8, 0.25, 0.25),
))  # fmt: skip
"""Of each figure of a beat in music; a song in which one hardly varies says nothing by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """Curves of a song from which beats are described.

    Attributes
    ----------
    rises : ndarray, shape (n, 5), float32
        Levelled rises of the whole and of the four bands, widened by two frames each way.
    chroma, bass, timbre : ndarray, shape (m + 1, d), float64
        Running sums (from 0) of log chroma, log bass chroma and of the cosine transform of log mel bands, at
        `HARMONY_RATE`.
    loudness : ndarray, shape (m + 1, 1), float64
        Running sum of the log level.
    """

    rises: Array
    chroma: Floats
    bass: Floats
    timbre: Floats
    loudness: Floats


def prepare(spectra: Spectra, risen: Rises, envelope: Array) -> Cues:
    """Prepare what beats are described by."""
    widened = np.empty((len(envelope), 1 + risen.bands.shape[1]), np.float32)
    widened[:, 0] = maximum_filter1d(envelope, _WIDTH)
    for number, band in enumerate(risen.bands.T, start=1):
        widened[:, number] = maximum_filter1d(level(band), _WIDTH)
    loud = loud_magnitude(spectra)
    timbre, levels = [], []
    for coarse in _around_moments(spectra):
        logs = np.log1p(coarse * np.float32(1000 / loud))
        timbre.append(scipy.fft.dct(logs, axis=1, norm="ortho")[:, 1 : _TIMBRES + 1].copy())
        levels.append(np.log10(np.maximum(coarse.mean(axis=1), loud * np.float32(1e-4)) / np.float32(loud)))
    return Cues(
        rises=widened,
        chroma=_running(np.log1p(spectra.chroma / max(float(spectra.chroma.mean()), 1e-9))),
        bass=_running(np.log1p(spectra.bass_chroma / max(float(spectra.bass_chroma.mean()), 1e-9))),
        timbre=_running(np.concatenate(timbre)),
        loudness=_running(np.concatenate(levels)[:, None]),
    )


def rises_at(cues: Cues, times: Floats, share: float) -> Floats:
    """Read the rises at ``share`` of the way from each beat to the next (the last too), shape (beats, 5)."""
    steps = np.append(np.diff(times), times[-1] - times[-2])
    frames = np.round((times + share * steps) * _RATE).astype(int)
    return np.asarray(cues.rises[np.clip(frames, 0, len(cues.rises) - 1)], np.float64)


def change_at(running: Floats, moments: Floats, reach_s: float | Floats) -> Floats:
    """How differently it sounds before and after each moment: 1 - the cosine of the means, in 0..2."""
    middle = _sum_to(running, moments)
    before = middle - _sum_to(running, moments - reach_s)
    after = _sum_to(running, moments + reach_s) - middle
    shared = (before * after).sum(axis=1)
    norm = np.sqrt(np.square(before).sum(axis=1) * np.square(after).sum(axis=1))
    return np.asarray(np.where(norm > 0, 1 - shared / np.where(norm > 0, norm, 1), 0.0), np.float64)


def beat_figures(cues: Cues, times: Floats) -> Floats:
    """Describe each beat, shape (beats, 21), against the beats around it."""
    step = float(np.median(np.diff(times)))
    quarters = (rises_at(cues, times, 1 / 4) + rises_at(cues, times, 3 / 4)) / 2
    columns = np.column_stack(
        (
            rises_at(cues, times, 0),
            rises_at(cues, times, 1 / 2),
            quarters[:, (0, 4)],
            change_at(cues.chroma, times, step),
            change_at(cues.chroma, times, 2 * step),
            change_at(cues.chroma, times, 4 * step),
            change_at(cues.bass, times, step),
            change_at(cues.bass, times, 2 * step),
            _distance_at(cues.timbre, times, step),
            _distance_at(cues.timbre, times, 4 * step),
            _jump_at(cues.loudness, times, step),
            _jump_at(cues.loudness, times, 4 * step),
        )
    )
    around = uniform_filter1d(columns, _AROUND_BEATS + 1, axis=0, mode="nearest")
    spread = np.maximum((columns - around).std(axis=0), _USUAL_SPREAD / 2)
    return np.asarray(np.clip((columns - around) / spread, -_LIMIT, _LIMIT), np.float64)


def in_context(figures: Floats) -> Iterator[Floats]:
    """Put the figures of the four beats before and after beside those of each beat, some beats at a time."""
    padded = np.pad(figures, ((_CONTEXT, _CONTEXT), (0, 0)))
    for first in range(0, len(figures), _BEATS_AT_ONCE):
        count = min(_BEATS_AT_ONCE, len(figures) - first)
        yield np.hstack([padded[first + shift : first + shift + count] for shift in range(2 * _CONTEXT + 1)])


def _around_moments(spectra: Spectra) -> Iterator[Array]:
    """Mean of the eight frames around each chroma vector's moment; what is missing at the ends is silence.

    Some moments at a time: those of an hour take much memory.
    """
    count = len(spectra.chroma)
    for first in range(0, count, _MOMENTS_AT_ONCE):
        moments = min(_MOMENTS_AT_ONCE, count - first)
        start = first * _STEP - _STEP // 2
        some = spectra.mel(max(0, start), max(0, start + moments * _STEP))
        lead = max(0, -start)
        padded = np.pad(some, ((lead, moments * _STEP - lead - len(some)), (0, 0)))
        yield padded.reshape(moments, _STEP, -1).mean(axis=1)


def _running(rows: NDArray[np.floating]) -> Floats:
    total = np.zeros((len(rows) + 1, rows.shape[1]))
    np.cumsum(rows, axis=0, out=total[1:])
    return total


def _sum_to(running: Floats, moments: Floats) -> Floats:
    """Sum of all rows up to each moment, between rows in proportion."""
    # row k is centred on k / rate, so it is what sounds from half a row before to half a row after
    at = np.clip(moments * float(HARMONY_RATE) + 0.5, 0, len(running) - 1)
    low = np.minimum(at.astype(int), len(running) - 2)
    share = (at - low)[:, None]
    return np.asarray(running[low] * (1 - share) + running[low + 1] * share, np.float64)


def _means(running: Floats, moments: Floats, reach_s: float) -> tuple[Floats, Floats]:
    rows = reach_s * float(HARMONY_RATE)
    middle = _sum_to(running, moments)
    return (middle - _sum_to(running, moments - reach_s)) / rows, (_sum_to(running, moments + reach_s) - middle) / rows


def _distance_at(running: Floats, moments: Floats, reach_s: float) -> Floats:
    before, after = _means(running, moments, reach_s)
    return np.asarray(np.sqrt(np.square(after - before).sum(axis=1)), np.float64)


def _jump_at(running: Floats, moments: Floats, reach_s: float) -> Floats:
    before, after = _means(running, moments, reach_s)
    return np.asarray((after - before)[:, 0], np.float64)
