"""The compiled loops of the loudness meter: weighted squares, and the peak between samples.

Written without whole-array expressions, which take ten times as long to compile.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Power = NDArray[np.float64]
Samples = NDArray[np.float32]

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
def peak_of(  # pragma: no cover - compiled
    stream: Samples, phases: Samples, most: np.float32, between: Samples, largest: float
) -> np.float32:
    """Largest magnitude of the samples, those between them, and ``largest``; ``stream`` begins with the filters' past.

    ``most`` is the largest sum of a filter's weights' magnitudes, and ``between`` room for a stretch of samples.
    Stretches that cannot hold a larger value are passed over: no filter gives more than ``most`` times the largest
    sample that it reaches.
    """
    taps = phases.shape[1]
    tile = len(between)
    peak = np.float32(largest)
    for start in range(0, len(stream) - taps + 1, tile):
        count = min(tile, len(stream) - taps + 1 - start)
        level = np.float32(0)
        for sample in stream[start : start + count + taps - 1]:
            level = max(level, abs(sample))
        peak = max(peak, level)
        if level * most <= peak:
            continue
        for phase in range(len(phases)):
            for index in range(count):
                between[index] = 0
            for tap in range(taps):
                weight = phases[phase, tap]
                part = stream[start + tap : start + tap + count]
                for index in range(count):
                    between[index] += weight * part[index]
            for index in range(count):
                peak = max(peak, abs(between[index]))
    return peak
