"""How a song is put together: sections, which of them are alike, and what they are called.

Conventions
-----------
Sections leave no gap: the first starts at exactly 0, the last ends with the song, and every border between lies on a
downbeat (on every fourth beat where bars are not known, on even steps where there is no beat). Energy is 0..1 of the
song's own loud parts.

Method
------
A checkerboard slides along the diagonal of the bars' self-similarity; a dynamic programme then picks the borders, with
music's habit of four and eight bars as a prior. Sections are joined by average linkage and named by energy,
repetition and place.

References
----------
Foote: Automatic audio segmentation using a measure of audio novelty, ICME 2000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist

from tasks.audio.downbeat import Bars
from tasks.audio.features import FRAME_RATE, Rises, Spectra
from tasks.audio.grid import Grid
from tasks.audio.naming import Portrait, named
from tasks.audio.tempo import Floats
from tasks.audio.units import Units, describe, unit_edges
from tasks.domain.analysis import Section

_LEAST_UNITS = 4
_LONGEST_UNITS = 24
_KERNELS = (4, 8)
_ALIKE = 0.45
_BORDER_COST = 0.5
_HABIT = {0: 0.35, 4: 0.2, 2: -0.1, 6: -0.1}  # by bars over a multiple of eight; odd lengths below
_ODD_HABIT = -0.45


def find_sections(
    spectra: Spectra,
    risen: Rises,
    grid: Grid | None,
    bars: Bars | None,
    duration_s: float,
    *,
    each: Callable[..., Iterable[Any]] = map,
) -> tuple[Section, ...]:
    """Divide the song into named sections.

    Parameters
    ----------
    each : callable
        Like `map`; describes the sections, wherever the caller lets them be described.
    """
    units = describe(spectra, risen, unit_edges(grid, bars, duration_s))
    borders = _borders(units)
    times = units.edges[borders]
    rate = float(FRAME_RATE)
    frames = np.clip(np.round(times * rate).astype(int), 0, len(spectra.rms))
    loud = _loud(spectra, risen)
    rises_all = risen.bands.mean(axis=1)
    cut = [
        (spectra.rms[a:b], rises_all[a:b], loud)
        for a, b in zip(frames[:-1], np.maximum(frames[1:], frames[:-1] + 1), strict=True)
    ]
    energies = [float(energy) for energy in each(section_energy, cut)]
    clusters = _clusters(units, borders)
    portraits = [
        Portrait(start_s=float(start), end_s=float(end), cluster=int(cluster), energy=energy)
        for start, end, cluster, energy in zip(times[:-1], times[1:], clusters, energies, strict=True)
    ]
    return named(portraits)


def section_energy(part: tuple[NDArray[np.float32], NDArray[np.float32], tuple[float, float]]) -> float:
    """Energy of a section in 0..1 from its levels, its rises and the song's loud values of both."""
    level, risen, (loud_level, loud_rise) = part
    if loud_level <= 0 or not len(level):
        return 0.0
    strong = float(np.sqrt(np.square(level, dtype=np.float64).mean())) / loud_level
    busy = float(risen.mean(dtype=np.float64)) / loud_rise if loud_rise > 0 else 0.0
    return min(1.0, 0.7 * min(1.0, strong) + 0.3 * min(1.0, busy))


def _loud(spectra: Spectra, risen: Rises) -> tuple[float, float]:
    """Level and rise of the song's loud parts: the 90th percentile of stretches of four seconds."""
    length = max(1, min(len(spectra.rms), int(4 * float(FRAME_RATE))))
    count = len(spectra.rms) // length
    level = np.sqrt(np.square(spectra.rms[: count * length], dtype=np.float64).reshape(count, length).mean(axis=1))
    busy = risen.bands[: count * length].mean(axis=1, dtype=np.float64).reshape(count, length).mean(axis=1)
    return float(np.quantile(level, 0.9)), float(np.quantile(busy, 0.9))


def _borders(units: Units) -> NDArray[np.int64]:
    """Choose the units that begin a section; the first is 0, the last the number of units."""
    count = len(units.sound)
    longest = min(count, _LONGEST_UNITS)
    novelty = _novelty(units)
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    came = np.zeros(count + 1, np.int64)
    for end in range(1, count + 1):
        gain = 0.0 if end == count else float(novelty[end]) - _BORDER_COST
        for length in range(1, min(end, longest) + 1):
            value = best[end - length] + gain + _habit(length, end, count)
            if value > best[end]:
                best[end], came[end] = value, end - length
    chosen = [count]
    while chosen[-1] > 0:
        chosen.append(int(came[chosen[-1]]))
    return np.array(chosen[::-1])


def _habit(length: int, end: int, count: int) -> float:
    """How usual a section of ``length`` units is that ends at ``end``; minus infinity for what is too short."""
    is_first, is_last = length == end, end == count
    if is_first and is_last:
        return 0.0
    least = _LEAST_UNITS - 2 if (is_first or is_last) and count > 2 * _LEAST_UNITS else _LEAST_UNITS
    if length < least:
        return -np.inf
    if is_first or is_last:
        return 0.0
    return _ODD_HABIT if length % 2 else _HABIT[length % 8]


def _novelty(units: Units) -> Floats:
    """How much the song changes at the start of each unit; about 1 for a clear change."""
    distance = cdist(units.sound, units.sound)
    usual = float(np.median(distance)) or 1.0
    near = np.exp(-distance / usual)
    total = np.zeros(len(units.sound))
    for reach in _KERNELS:
        total += _checkerboard(near, reach) / len(_KERNELS)
    peak = float(np.quantile(total, 0.95)) if len(total) else 0.0
    scaled = np.minimum(np.maximum(total, 0) / max(peak, 0.04), 1.2) ** 0.7
    around = np.pad(scaled, 1)
    is_peak = (scaled >= around[:-2]) & (scaled >= around[2:])
    return np.asarray(np.where(is_peak, scaled, 0.6 * scaled), np.float64)


def _checkerboard(near: Floats, reach: int) -> Floats:
    count = len(near)
    result = np.zeros(count)
    for at in range(1, count):
        left, right = min(reach, at), min(reach, count - at)
        if min(left, right) < 1:
            continue
        before, after = slice(at - left, at), slice(at, at + right)
        inside = (near[before, before].mean() + near[after, after].mean()) / 2
        fullness = min(left, right) / reach
        result[at] = (inside - near[before, after].mean()) * min(1.0, 0.5 + fullness / 2)
        # small blocks are similar to themselves by their diagonal alone
        result[at] -= (1 / left + 1 / right) / 2 * (1 - near[before, after].mean()) * 0.5
    return result


def _clusters(units: Units, borders: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each section the number of its kind, from 1 on in order of appearance."""
    count = len(borders) - 1
    if count == 1:
        return np.ones(1, np.int64)
    means = np.stack([units.sound[a:b].mean(axis=0) for a, b in pairwise(borders)])
    apart = cdist(means, means)
    apart = apart / max(float(np.median(apart[np.triu_indices(count, 1)])), 1e-6)
    condensed = []
    for one in range(count):
        for other in range(one + 1, count):
            first, second = (
                units.harmony[borders[one] : borders[one + 1]],
                units.harmony[borders[other] : borders[other + 1]],
            )
            shared = min(len(first), len(second), 8)
            chords = 1 - float((first[:shared] * second[:shared]).sum(axis=1).mean())
            condensed.append(0.5 * min(1.0, apart[one, other]) + 0.5 * chords)
    raw = fcluster(linkage(condensed, "average"), _ALIKE, "distance")
    order = {kind: number + 1 for number, kind in enumerate(dict.fromkeys(raw.tolist()))}
    return np.array([order[kind] for kind in raw.tolist()], np.int64)
