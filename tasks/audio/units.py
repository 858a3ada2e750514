"""Bars as the units that sections are made of, and what each is like.

Method
------
Each is described by its sound (cosine transform of log mel bands, rises) and its harmony (chroma of four quarters).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from tasks.audio.downbeat import Bars
from tasks.audio.features import FRAME_RATE, HARMONY_RATE, Rises, Spectra, loud_magnitude, magnitudes
from tasks.audio.grid import Grid
from tasks.audio.tempo import Floats

_EVEN_STEP_S = 2.0
_BEATS_WITHOUT_BARS = 4
_QUARTERS = 4
_STILL = 1e-6
_FAINT = 1e-3  # of the loudest
_STRIKE_FRAMES = 9
_ROWS_AT_ONCE = 4096
_SAMPLED = 512

Which = slice | NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Bars (or what stands for them) of a song.

    Attributes
    ----------
    edges : ndarray, shape (units + 1,), float64
        Seconds, from 0 to the end of the song.
    sound : ndarray, shape (units, d), float64
        What each sounds like, of unit spread.
    harmony : ndarray, shape (units, 48), float64
        Chroma of its four quarters, of length one.
    loudness : ndarray, shape (units,), float64
        Level, as the logarithm to base 10.
    busy, strike, tail : ndarray, shape (units, 4), float64
        Rises of the four bands: their mean, the highest at its very start, the mean of its last quarter.
    """

    edges: Floats
    sound: Floats
    harmony: Floats
    loudness: Floats
    busy: Floats
    strike: Floats
    tail: Floats


def unit_edges(grid: Grid | None, bars: Bars | None, duration_s: float) -> Floats:
    """Borders of the units: the first is 0, the last the song's end; what is too short joins its neighbour."""
    if grid is None:
        inner = np.arange(_EVEN_STEP_S, duration_s, _EVEN_STEP_S)
    elif bars is None:
        inner = grid.times[::_BEATS_WITHOUT_BARS]
    else:
        inner = grid.times[bars.positions == 1]
    usual = float(np.median(np.diff(inner))) if len(inner) > 1 else duration_s
    inner = inner[(inner > 0.5 * usual) & (inner < duration_s - 0.5 * usual)]
    filled: list[float] = [0.0]
    for edge in [*inner.tolist(), duration_s]:
        missing = int((edge - filled[-1]) / usual - 0.5)  # silence inside a song holds no beats, yet lasts
        filled.extend(np.linspace(filled[-1], edge, missing + 2)[1:-1].tolist())
        filled.append(float(edge))
    return np.array(filled, np.float64)


def describe(spectra: Spectra, risen: Rises, edges: Floats) -> Units:
    """Describe the stretches between successive edges (in seconds)."""
    gain = np.float32(100 / loud_magnitude(spectra))
    bands = _means(spectra.mel_roots, edges, float(FRAME_RATE), lambda roots: np.log1p(magnitudes(roots) * gain))
    busy = _means(risen.bands, edges, float(FRAME_RATE))
    timbre = scipy.fft.dct(bands, axis=1, norm="ortho")[:, :13]
    sound = np.hstack((timbre / max(float(timbre.std()), 1e-6), 0.7 * _unit_spread(busy), 0.7 * _unit_spread(timbre)))
    steps = np.arange(_QUARTERS) / _QUARTERS
    quarters = np.append((edges[:-1, None] + np.diff(edges)[:, None] * steps).ravel(), edges[-1])
    chroma = np.log1p(spectra.chroma / max(float(spectra.chroma.mean()), 1e-9))
    harmony = _means(chroma, quarters, float(HARMONY_RATE)).reshape(len(edges) - 1, -1)
    harmony = harmony - harmony.mean(axis=0)
    length = np.linalg.norm(harmony, axis=1, keepdims=True)
    level = _means(spectra.rms[:, None], edges, float(FRAME_RATE))[:, 0]
    starts = np.clip(np.round(edges[:-1] * float(FRAME_RATE)).astype(int), 0, len(risen.bands) - 1)
    last = np.column_stack((edges[1:] - np.diff(edges) / _QUARTERS, edges[1:])).ravel()
    return Units(
        edges=edges,
        sound=sound,
        harmony=harmony / np.where(length > 0, length, 1),
        loudness=np.log10(np.maximum(level, _FAINT * max(float(level.max()), _STILL))),
        busy=busy,
        strike=np.asarray(maximum_filter1d(risen.bands, _STRIKE_FRAMES, axis=0)[starts], np.float64),
        tail=_means(risen.bands, last, float(FRAME_RATE))[::2],
    )


def sample(count: int) -> NDArray[np.int64]:
    """Choose up to 512 of ``count`` units, evenly: an hour has thousands, whose pairs take much memory."""
    return np.arange(count) if count <= _SAMPLED else np.linspace(0, count - 1, _SAMPLED).astype(np.int64)


def alikeness(units: Units, some: Which, others: Which) -> Floats:
    """Cosine between the harmonies of some units and of others, shape (some, others)."""
    # einsum, because a product by BLAS may round differently with another number of threads
    return np.asarray(np.einsum("af,bf->ab", units.harmony[some], units.harmony[others], optimize=False), np.float64)


def _means(
    rows: NDArray[np.floating],
    edges: Floats,
    rate: float,
    scaled: Callable[[NDArray[np.floating]], NDArray[np.floating]] = lambda some: some,
) -> Floats:
    """Mean of the rows, each ``scaled``, between successive edges (in seconds)."""
    at = np.clip(np.round(edges * rate).astype(int), 0, len(rows))
    start = np.minimum(at[:-1], len(rows) - 1)
    end = np.maximum(at[1:], start + 1)
    before = _sums_before(rows, np.concatenate((start, end)), scaled)
    return np.asarray((before[len(start) :] - before[: len(start)]) / (end - start)[:, None], np.float64)


def _sums_before(
    rows: NDArray[np.floating],
    wanted: NDArray[np.int64],
    scaled: Callable[[NDArray[np.floating]], NDArray[np.floating]],
) -> Floats:
    """Sum of all rows before each of the wanted ones; some rows at a time, since all would take much memory."""
    sums = np.zeros((len(wanted), rows.shape[1]))
    carried = np.zeros(rows.shape[1])
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        some = np.array(scaled(rows[first : first + _ROWS_AT_ONCE]), np.float64)
        some[0] += carried
        total = np.cumsum(some, axis=0)
        here = (wanted > first) & (wanted <= first + len(some))
        sums[here] = total[wanted[here] - first - 1]
        carried = total[-1]
    return sums


def _unit_spread(rows: Floats) -> Floats:
    spread = rows.std(axis=0)
    return np.asarray((rows - rows.mean(axis=0)) / np.where(spread > _STILL, spread, 1), np.float64)
