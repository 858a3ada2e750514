"""The filter banks that turn spectra into mel bands and pitch classes.

They are written out here because librosa, which has the same, compiles for ten seconds of CPU where nothing is cached.

References
----------
M. Slaney: Auditory Toolbox, Interval Research 1998-010 (the mel scale: linear below 1 kHz, logarithmic above).
D. Ellis: Chroma feature analysis and synthesis, 2007 (bumps around the bins of each pitch class).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bank = NDArray[np.float32]

_HZ_A_MEL = 200.0 / 3
_BEND_HZ = 1000.0
_BEND_MEL = _BEND_HZ / _HZ_A_MEL
_LOG_STEP = np.log(6.4) / 27.0
_A0_HZ = 440.0 / 16
_CLASSES = 12
_C_AFTER_A = 3
_LEAKING = 0.05  # of a bin in a pitch class: less is left out


def mel_hz(bands: int, lowest_hz: float, highest_hz: float) -> NDArray[np.float64]:
    """Give the edges of so many mel bands, each of which reaches from its neighbour's centre to the other's.

    Returns
    -------
    ndarray, shape (bands + 2,), float64
        In Hz, rising; all but the first and the last are centres.
    """
    mels = np.linspace(_mel(lowest_hz), _mel(highest_hz), bands + 2)
    return np.where(mels < _BEND_MEL, _HZ_A_MEL * mels, _BEND_HZ * np.exp(_LOG_STEP * (mels - _BEND_MEL)))


def mel_bank(rate: int, window: int, edges_hz: NDArray[np.float64]) -> Bank:
    """Give triangles of height 1 over the bins of a spectrum, shape (bands, window / 2 + 1).

    Parameters
    ----------
    rate : int
        Of the sound, in Hz.
    window : int
        Samples of each transform.
    edges_hz : ndarray, shape (bands + 2,), float64
        From `mel_hz`.
    """
    hz = np.fft.rfftfreq(window, 1 / rate)
    steps = np.diff(edges_hz)[:, None]
    rising = (hz - edges_hz[:-2, None]) / steps[:-1]
    falling = (edges_hz[2:, None] - hz) / steps[1:]
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float32)


def chroma_bank(rate: int, window: int, lowest_hz: float, highest_hz: float) -> Bank:
    """Give how much each bin of a power spectrum belongs to each pitch class from C on, shape (12, window / 2 + 1).

    Bins outside ``lowest_hz`` to ``highest_hz`` belong to none.
    """
    hz = np.fft.rfftfreq(window, 1 / rate)
    pitch = _CLASSES * np.log2(hz[1:] / _A0_HZ)
    width = np.maximum(np.diff(pitch, append=pitch[-1]), 1.0)
    half = _CLASSES // 2
    away = np.remainder(pitch - np.arange(_CLASSES)[:, None] + half, _CLASSES) - half
    bumps = np.exp(-0.5 * np.square(2 * away / width))
    bumps /= np.sqrt(np.square(bumps).sum(axis=0))
    bank = np.zeros((_CLASSES, len(hz)))
    bank[:, 1:] = np.roll(bumps, -_C_AFTER_A, axis=0)
    return np.where((bank > _LEAKING) & (hz > lowest_hz) & (hz < highest_hz), bank, 0).astype(np.float32)


def _mel(hz: float) -> float:
    return hz / _HZ_A_MEL if hz < _BEND_HZ else float(_BEND_MEL + np.log(hz / _BEND_HZ) / _LOG_STEP)
