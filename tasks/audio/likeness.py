"""Which sections are alike.

Method
------
Two sections are compared by their harmony bar by bar, where the shorter is laid along the longer wherever it fits
best, by their sound, loudness, rhythm and length. A small network tells the log odds that a listener would give both
one letter, and average linkage joins sections for as long as that is likelier than not.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from tasks.audio.judge import Network
from tasks.audio.tempo import Floats
from tasks.audio.units import Units, alikeness

_FIGURES = 12


def pair_figures(units: Units, borders: NDArray[np.int64]) -> Floats:
    """Describe each pair of sections (the first with the second, the third, ...), shape (pairs, 12)."""
    parts = [slice(int(a), int(b)) for a, b in pairwise(borders)]
    chords = alikeness(units)
    usual = max(float(np.median(chords)), 0.0)
    spread = max(float(np.std(units.loudness)), 0.05)
    busy_spread = np.maximum(units.busy.std(axis=0), 0.02)
    sound_spread = np.maximum(units.sound.std(axis=0), 0.2)
    figures = np.empty((len(parts) * (len(parts) - 1) // 2, _FIGURES))
    for row, (first, second) in zip(figures, combinations(parts, 2), strict=True):
        row[:] = _compare(units, chords, first, second, usual, spread, busy_spread, sound_spread)
    return figures


def _compare(  # noqa: PLR0917
    units: Units, chords: Floats, first: slice, second: slice, usual: float, spread: float, busy: Floats, sound: Floats
) -> list[float]:
    long, short = (first, second) if first.stop - first.start >= second.stop - second.start else (second, first)
    count, room = short.stop - short.start, long.stop - long.start - (short.stop - short.start)
    block = chords[long, short]
    laid = [float(np.diagonal(block, -shift).mean()) for shift in range(room + 1)]
    level = units.loudness[first].mean() - units.loudness[second].mean()
    rhythm = np.abs(units.busy[first].mean(axis=0) - units.busy[second].mean(axis=0)) / busy
    timbre = np.abs(units.sound[first].mean(axis=0) - units.sound[second].mean(axis=0)) / sound
    return [
        max(laid) - usual,
        laid[0] - usual,
        float(np.median(np.diagonal(block, -int(np.argmax(laid))))),
        float(block.mean()) - usual,
        float(np.sqrt(np.square(timbre[:13]).mean())),
        float(np.sqrt(np.square(timbre).mean())),
        float(abs(level)) / spread,
        *np.minimum(rhythm, 4).tolist(),
        float(np.log2((count + room) / count)),
    ]


def cluster(units: Units, borders: NDArray[np.int64], network: Network) -> tuple[NDArray[np.int64], Floats]:
    """Give each section the number of its kind, from 1 on in order of appearance, and how sure that is, in 0..1."""
    count = len(borders) - 1
    if count == 1:
        return np.ones(1, np.int64), np.ones(1)
    apart = 1 / (1 + np.exp(network.judge(pair_figures(units, borders))))
    raw = fcluster(linkage(apart, "average"), 0.5, "distance").tolist()
    order = {kind: number + 1 for number, kind in enumerate(dict.fromkeys(raw))}
    kinds = np.array([order[kind] for kind in raw], np.int64)
    table = np.zeros((count, count))
    table[np.triu_indices(count, 1)] = apart
    table += table.T
    same = kinds[:, None] == kinds[None, :]
    right = np.where(same, 1 - table, table)
    sure = (right.sum(axis=1) - np.diagonal(right)) / (count - 1)
    return kinds, np.asarray(sure, np.float64)
