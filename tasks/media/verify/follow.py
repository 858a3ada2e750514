"""Follow how late a film's sound is, second by second: drift, and jumps.

Method
------
Each second of the film's sound is looked for in the song by cross-correlation, as `compare` does for the whole; of
equally high peaks the one next to the lag before is taken. Where one step between two lags explains them better than
one slope it is a jump, else the median of slopes between seconds is the drift. The lag itself is measured again
over the whole song with the drift taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tasks.media.verify.sound import COMPARED_RATE, REACH_S, Likeness, Samples, compare

_WINDOW = COMPARED_RATE
_REACH = REACH_S * COMPARED_RATE
_FFT = 1 << 15
_AS_HIGH = 0.97
_LEAST_LIKE = 0.3
_LEAST_WINDOWS = 3
_MOST_WINDOWS = 300
_SHORT = 20 * COMPARED_RATE
_LEAST_JUMP_S = 0.003
_LEAST_DRIFT = 2e-5
_REFINED = 2

Lags = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the film's sound runs against its song.

    Attributes
    ----------
    likeness : Likeness
        Lag at the film's start, and how alike the two are.
    drift : float
        Seconds by which the sound grows late in each second; 0 where it cannot be told.
    jump : tuple of float, or None
        Where the lag changes at once, and by how much, in seconds; positive where it grows.
    """

    likeness: Likeness
    drift: float
    jump: tuple[float, float] | None


def follow(song: Samples, film: Samples) -> Course:
    """Compare the whole, and each second by itself."""
    likeness = compare(song, film)
    times, lags = _lags(song.mean(axis=1), film.mean(axis=1))
    if len(times) < _LEAST_WINDOWS:
        return Course(likeness=likeness, drift=0.0, jump=None)
    drift = _slope(times, lags)
    jump = _jump(times, lags, drift)
    if jump is not None:
        before = float(np.median(lags[times < jump[0]]))
        return Course(likeness=Likeness(before, likeness.similarity), drift=0.0, jump=jump)
    if abs(drift) < _LEAST_DRIFT:
        return Course(likeness=likeness, drift=drift, jump=None)
    for _ in range(_REFINED):  # windows that are read at the right speed no longer smear
        left = _slope(*_lags(song.mean(axis=1), _sped(film, 1 + drift).mean(axis=1)))
        drift += left if abs(left) < abs(drift) else 0.0
    return Course(likeness=compare(song, _sped(film, 1 + drift)), drift=drift, jump=None)


def _lags(song: Samples, film: Samples) -> tuple[Lags, Lags]:
    """Give the middle of each second of the film, and its lag, where it is found in the song."""
    step = max(_WINDOW // 2 if len(film) < _SHORT else _WINDOW, len(film) // _MOST_WINDOWS)
    times: list[float] = []
    lags: list[float] = []
    last = 0.0
    for start in range(0, len(film) - _WINDOW + 1, step):
        window = film[start : start + _WINDOW]
        first = start - _REACH
        near = np.pad(song[max(0, first) : start + _WINDOW + _REACH], (max(0, -first), 0))
        found = _lag(near, window, last)
        if found is not None:
            last = found
            times.append((start + _WINDOW / 2) / COMPARED_RATE)
            lags.append(found / COMPARED_RATE)
    return np.array(times), np.array(lags)


def _lag(near: Samples, window: Samples, expected: float) -> float | None:
    """Return by how many samples ``window`` is later than its place in the middle of ``near``; None if not found."""
    product = scipy.fft.rfft(near, _FFT) * np.conj(scipy.fft.rfft(window, _FFT))
    correlation = scipy.fft.irfft(product, _FFT)[: 2 * _REACH + 1]
    squares = np.cumsum(np.square(np.pad(near, (1, max(0, 2 * _REACH + _WINDOW - len(near)))), dtype=np.float64))
    energy = squares[_WINDOW : _WINDOW + len(correlation)] - squares[: len(correlation)]
    own = float(np.square(window, dtype=np.float64).sum())
    if own <= 0 or energy.max() <= 0:
        return None
    likeness = correlation / np.sqrt(np.maximum(energy, 1e-3 * energy.max()) * own)
    if likeness.max() < _LEAST_LIKE:
        return None
    inner = likeness[1:-1]
    tops = (inner >= likeness[:-2]) & (inner >= likeness[2:]) & (inner >= _AS_HIGH * likeness.max())
    peaks = 1 + np.flatnonzero(tops)
    if not len(peaks):
        return None
    at = int(min(peaks, key=lambda n: abs(_REACH - n - expected)))
    left, top, right = likeness[at - 1 : at + 2]
    bend = left - 2 * top + right
    return _REACH - (at + (0.5 * (left - right) / bend if bend < 0 else 0.0))


def _slope(times: Lags, lags: Lags) -> float:
    if len(times) < _LEAST_WINDOWS:
        return 0.0
    first, second = np.triu_indices(len(times), 1)
    return float(np.median((lags[second] - lags[first]) / (times[second] - times[first])))


def _jump(times: Lags, lags: Lags, drift: float) -> tuple[float, float] | None:
    """Find the step between two lags that explains all of them better than a slope does."""
    splits = range(2, len(lags) - 1)
    if not splits:
        return None
    sloped = lags - drift * times
    even = float(np.abs(sloped - np.median(sloped)).mean())

    def left_over(split: int) -> float:
        return float(sum(np.abs(part - np.median(part)).sum() for part in (lags[:split], lags[split:])) / len(lags))

    best = min(splits, key=left_over)
    height = float(np.median(lags[best:]) - np.median(lags[:best]))
    if abs(height) < _LEAST_JUMP_S or left_over(best) > even / 2 or left_over(best) > abs(height) / 4:
        return None
    return float((times[best - 1] + times[best]) / 2), height


def _sped(film: Samples, factor: float) -> Samples:
    """Read the film's sound ``factor`` times as fast."""
    places = np.arange(int(len(film) / factor)) * factor
    return np.column_stack([np.interp(places, np.arange(len(film)), channel) for channel in film.T]).astype(np.float32)
