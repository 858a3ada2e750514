"""The compiled loops of the loudness meter: weighted squares, and the peak between samples."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Power = NDArray[np.float64]
Samples = NDArray[np.float32]

_TILE = 256
_INAUDIBLE = 1e-20  # a filter that rings below this is set to rest: what follows would be too small for fast arithmetic


@njit(cache=True, nogil=True)
def gather(stream: Samples, filters: Power, rest: Power, gathered: Power) -> None:  # pragma: no cover - compiled
    """Add the weighted squares of each channel to ``gathered``; ``rest`` holds the filters' state."""
    b0, b1, b2, a1, a2 = filters[0]
    c0, c1, c2, d1, d2 = filters[1]
    for channel in range(stream.shape[0]):
        z1, z2, z3, z4 = rest[channel]
        total = gathered[channel]
        for x in stream[channel]:
            y = b0 * x + z1
            z1 = b1 * x - a1 * y + z2
            z2 = b2 * x - a2 * y
            w = c0 * y + z3
            z3 = c1 * y - d1 * w + z4
            z4 = c2 * y - d2 * w
            total += w * w
        gathered[channel] = total
        rest[channel, 0], rest[channel, 1], rest[channel, 2], rest[channel, 3] = z1, z2, z3, z4
        if abs(z1) + abs(z2) + abs(z3) + abs(z4) < _INAUDIBLE:
            rest[channel] = 0.0


@njit(cache=True, nogil=True, fastmath={"nnan"})
def peak_of(stream: Samples, phases: Samples, largest: float) -> np.float32:  # pragma: no cover - compiled
    """Largest magnitude of the samples, those between them, and ``largest``; ``stream`` begins with the filters' past.

    Stretches that cannot hold a larger value are passed over: no filter gives more than its weights' magnitudes sum up
    to, times the largest sample that it reaches.
    """
    taps = phases.shape[1]
    most = np.abs(phases).sum(axis=1).max() if len(phases) else np.float32(1)
    between = np.empty(_TILE, np.float32)
    peak = np.float32(largest)
    for start in range(0, len(stream) - taps + 1, _TILE):
        count = min(_TILE, len(stream) - taps + 1 - start)
        level = np.float32(0)
        for sample in stream[start : start + count + taps - 1]:
            level = max(level, abs(sample))
        peak = max(peak, level)
        if level * most <= peak:
            continue
        for phase in phases:
            between[:] = 0
            for tap in range(taps):
                weight = phase[tap]
                part = stream[start + tap : start + tap + count]
                for index in range(count):
                    between[index] += weight * part[index]
            for index in range(count):
                peak = max(peak, abs(between[index]))
    return peak
