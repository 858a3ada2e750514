"""Which sections are alike.

Method
------
Two sections are compared by their harmony bar by bar, where the shorter is laid along the longer wherever it fits
best, by their sound, loudness, rhythm and length. A small network tells the log odds that a listener would give both
one letter, and average linkage joins sections for as long as that is likelier than not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from tasks.audio.judge import Network
from tasks.audio.tempo import Floats
from tasks.audio.units import Units, alikeness, sample

_FIGURES = 12
_AT_ONCE = 4096

_Part = tuple[int, int]
"""A section's first unit, and the one after its last."""


@dataclass(frozen=True, slots=True)
class _Mean:
    """A part on average."""

    loudness: float
    busy: Floats
    sound: Floats


class Likeness:
    """Compares parts of one song; what was compared once is remembered.

    Parameters
    ----------
    units : Units
        The song's bars.
    network : Network, optional
        Tells the log odds of two parts to be alike; only `kinds` asks for them.
    """

    def __init__(self, units: Units, network: Network | None = None) -> None:
        self._units = units
        self._network = network
        few = sample(len(units.harmony))
        self._usual = max(float(np.median(alikeness(units, few, few), overwrite_input=True)), 0.0)
        self._spread = max(float(np.std(units.loudness)), 0.05)
        self._busy_spread = np.maximum(units.busy.std(axis=0), 0.02)
        self._sound_spread = np.maximum(units.sound.std(axis=0), 0.2)
        self._means: dict[_Part, _Mean] = {}
        self._apart: dict[tuple[_Part, _Part], float] = {}

    def figures(self, pairs: Sequence[tuple[_Part, _Part]]) -> Floats:
        """Describe pairs of parts, shape (pairs, 12)."""
        rows = np.empty((len(pairs), _FIGURES))
        for row, (first, second) in zip(rows, pairs, strict=True):
            row[:] = self._compare(first, second)
        return rows

    def kinds(self, borders: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
        """Give each section the number of its kind, from 1 on in order of appearance, and how sure that is, in 0..1."""
        count = len(borders) - 1
        if count == 1:
            return np.ones(1, np.int64), np.ones(1)
        apart = self._odds_apart(pairs_of(borders))
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

    def _odds_apart(self, pairs: Sequence[tuple[_Part, _Part]]) -> Floats:
        """Give the chance of each pair not to be alike."""
        assert self._network is not None
        new = [pair for pair in pairs if pair not in self._apart]
        for first in range(0, len(new), _AT_ONCE):  # an hour of song has a hundred thousand pairs
            some = new[first : first + _AT_ONCE]
            apart = 1 / (1 + np.exp(self._network.judge(self.figures(some))))
            self._apart.update(zip(some, apart.tolist(), strict=True))
        return np.array([self._apart[pair] for pair in pairs])

    def _mean(self, part: _Part) -> _Mean:
        if part not in self._means:
            units, here = self._units, slice(*part)
            self._means[part] = _Mean(
                float(units.loudness[here].mean()), units.busy[here].mean(axis=0), units.sound[here].mean(axis=0)
            )
        return self._means[part]

    def _compare(self, first: _Part, second: _Part) -> list[float]:
        one, other = self._mean(first), self._mean(second)
        sizes = [end - start for start, end in (first, second)]
        long, short = (first, second) if sizes[0] >= sizes[1] else (second, first)
        count, room = min(sizes), abs(sizes[0] - sizes[1])
        block = alikeness(self._units, slice(*long), slice(*short))
        laid = [float(np.diagonal(block, -shift).mean()) for shift in range(room + 1)]
        rhythm = np.abs(one.busy - other.busy) / self._busy_spread
        timbre = np.abs(one.sound - other.sound) / self._sound_spread
        return [
            max(laid) - self._usual,
            laid[0] - self._usual,
            float(np.median(np.diagonal(block, -int(np.argmax(laid))))),
            float(block.mean()) - self._usual,
            float(np.sqrt(np.square(timbre[:13]).mean())),
            float(np.sqrt(np.square(timbre).mean())),
            abs(one.loudness - other.loudness) / self._spread,
            *np.minimum(rhythm, 4).tolist(),
            float(np.log2((count + room) / count)),
        ]


def pairs_of(borders: NDArray[np.int64]) -> list[tuple[_Part, _Part]]:
    """Give the pairs of sections: the first with the second, the third, ..."""
    return list(combinations(pairwise(borders.tolist()), 2))
