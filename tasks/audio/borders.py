"""Where one section ends and the next begins.

Method
------
For the start of every unit (a bar) a small network tells the log odds that a section begins there: from novelty in
sound and harmony (a checkerboard along the diagonal of the self-similarity, at three sizes), from stripes beside the
diagonal that begin or end there (something known comes back, or leaves), from what gets louder or busier, and from a
strike on the bar line and a fill before it. A dynamic programme picks the borders; how long sections are in music, in
bars, is its prior.

References
----------
Foote: Automatic audio segmentation using a measure of audio novelty, ICME 2000.
Serrà, Müller, Grosche, Arcos: Unsupervised music structure annotation by time series structure features and segment
similarity, IEEE Transactions on Multimedia 16, 2014.
Sargent, Bimbot, Vincent: A regularity-constrained Viterbi algorithm and its application to the structural segmentation
of songs, ISMIR 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from tasks.audio.judge import Network
from tasks.audio.tempo import Floats
from tasks.audio.units import Units, alikeness, sample

LONGEST_UNITS = 32

_REACHES = (2, 4, 8)
_STRIPE = 4
_AT_ONCE = 512
_CONTEXT = 2
_LIMIT = 4.0
_ODDS_LIMIT = 5.0
_USUAL: Floats = np.array(
    (*(0.1,) * 3, *(0.1,) * 3, *(0.15,) * 4, 0.1, 0.1, *(0.06,) * 4, *(0.06,) * 4, *(0.15,) * 4, *(0.06,) * 4)
)
"""Spread of each figure in music; a song in which one hardly varies says nothing by it."""


def border_figures(units: Units) -> Floats:
    """Describe the start of each unit and of the two before and after it, shape (units, figures)."""
    count = len(units.sound)
    few = units.sound[sample(len(units.sound))]
    usual = float(np.median(cdist(few, few), overwrite_input=True)) or 1.0

    def by_sound(part: slice) -> Floats:
        return np.asarray(np.exp(cdist(units.sound[part], units.sound[part]) / -usual), np.float64)

    columns = np.column_stack(
        (
            *(checkerboard(by_sound, count, reach) for reach in _REACHES),
            *(checkerboard(lambda part: alikeness(units, part, part), count, reach) for reach in _REACHES),
            *stripes(units.harmony),
            _jump(units.loudness[:, None], 1),
            _jump(units.loudness[:, None], _STRIPE),
            _jump(units.busy, 1),
            _jump(units.busy, _STRIPE),
            units.strike,
            np.vstack((units.tail[:1], units.tail[:-1])),
        )
    )
    middle = np.median(columns, axis=0)
    scaled = np.clip((columns - middle) / np.maximum(columns.std(axis=0), _USUAL / 2), -_LIMIT, _LIMIT)
    padded = np.pad(scaled, ((_CONTEXT, _CONTEXT), (0, 0)))
    place = np.arange(count)
    ends = np.column_stack((np.exp(-place / _STRIPE), np.exp(-(count - place) / _STRIPE)))
    return np.hstack((*(padded[shift : shift + count] for shift in range(2 * _CONTEXT + 1)), ends))


def border_odds(units: Units, network: Network) -> Floats:
    """Log odds of each unit to begin a section."""
    return np.asarray(np.clip(network.judge(border_figures(units)), -_ODDS_LIMIT, _ODDS_LIMIT), np.float64)


@dataclass(frozen=True, slots=True)
class Habit:
    """How long sections usually are.

    Attributes
    ----------
    lengths : ndarray, shape (LONGEST_UNITS + 1,), float64
        How usual a section of so many units is (log chance).
    cost : float
        Of every border.
    """

    lengths: Floats
    cost: float

    @property
    def last(self) -> Floats:
        """The same for a song's last section, which ends where the music does."""
        return np.asarray(np.maximum(self.lengths, self.lengths[_STRIPE]), np.float64)

    def worth(self, odds: Floats, borders: Sequence[int]) -> float:
        """Tell how likely ``borders`` are, as log odds: the first is 0, the last the number of units."""
        lengths = [after - before for before, after in pairwise(borders)]
        if max(lengths) > LONGEST_UNITS:
            return -np.inf
        inner = list(borders[1:-1])
        usual = float(self.lengths[lengths[:-1]].sum() + self.last[lengths[-1]])
        return usual + float(odds[inner].sum()) - self.cost * len(inner)


def pick(odds: Floats, habit: Habit) -> NDArray[np.int64]:
    """Choose the units that begin a section; the first is 0, the last the number of units.

    Parameters
    ----------
    odds : ndarray, shape (units,), float64
        From `border_odds`.
    """
    count, last = len(odds), habit.last
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    came = np.zeros(count + 1, np.int64)
    for end in range(1, count + 1):
        lengths = np.arange(1, min(end, LONGEST_UNITS) + 1)
        values = best[end - lengths] + (last if end == count else habit.lengths)[lengths]
        at = int(values.argmax())
        best[end] = values[at] + (0.0 if end == count else odds[end] - habit.cost)
        came[end] = end - lengths[at]
    chosen = [count]
    while chosen[-1] > 0:
        chosen.append(int(came[chosen[-1]]))
    return np.array(chosen[::-1])


def checkerboard(near: Callable[[slice], Floats], count: int, reach: int) -> Floats:
    """How much more alike the units on either side are than those across, ``reach`` units each way.

    ``near`` tells how alike the units of a part are; it is asked for parts, since a song of an hour has thousands of
    units and a table of all would take much memory.
    """
    parts = []
    for first in range(0, count, _AT_ONCE):
        last = min(first + _AT_ONCE, count)
        begin, end = max(0, first - reach), min(count, last + reach)
        parts.append(_checkerboard(near(slice(begin, end)), np.arange(first - begin, last - begin), reach))
    parts[0][0] = 0.0
    return np.concatenate(parts)


def _checkerboard(near: Floats, at: NDArray[np.int64], reach: int) -> Floats:
    count = len(near)
    total = np.zeros((count + 1, count + 1))
    np.cumsum(near, axis=0, out=total[1:, 1:])
    np.cumsum(total[1:, 1:], axis=1, out=total[1:, 1:])
    low, high = np.maximum(at - reach, 0), np.minimum(at + reach, count)
    left, right = np.maximum(at - low, 1), high - at

    def block(a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64], d: NDArray[np.int64]) -> Floats:
        return np.asarray(total[b, d] - total[a, d] - total[b, c] + total[a, c], np.float64)

    before = block(low, at, low, at) / left**2
    after = block(at, high, at, high) / right**2
    across = block(low, at, at, high) / (left * right)
    # small blocks are similar to themselves by their diagonal alone
    own = (1 / left + 1 / right) / 2 * (1 - across) * 0.5
    fullness = np.minimum(0.5 + np.minimum(left, right) / reach / 2, 1.0)
    return np.asarray(((before + after) / 2 - across) * fullness - own, np.float64)


def stripes(harmony: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Where known harmony begins and ends to come back: the best stripe's rise and fall, later and earlier copies."""
    count = len(harmony)
    beginning, ending = np.zeros((2, count)), np.zeros((2, count))
    for lag in range(_STRIPE, count - 1):
        row = np.einsum("af,af->a", harmony[:-lag], harmony[lag:], optimize=False)
        total = np.concatenate(([0.0], np.cumsum(row)))
        at = np.arange(len(row) + 1)
        ahead, behind = np.minimum(at + _STRIPE, len(row)), np.maximum(at - _STRIPE, 0)
        rise = ((total[ahead] - total[at]) - (total[at] - total[behind])) / _STRIPE
        for side, start in ((0, 0), (1, lag)):
            here = slice(start, min(start + len(rise), count))
            part = rise[: here.stop - start]
            np.maximum(beginning[side, here], part, out=beginning[side, here])
            np.maximum(ending[side, here], -part, out=ending[side, here])
    return beginning[0], beginning[1], ending[0], ending[1]


def _jump(rows: Floats, reach: int) -> Floats:
    """Mean of ``reach`` units from each on less the mean of as many before it."""
    count = len(rows)
    total = np.vstack((np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)))
    at = np.arange(count)
    low, high = np.maximum(at - reach, 0), np.minimum(at + reach, count)
    after = (total[high] - total[at]) / (high - at)[:, None]
    before = (total[at] - total[low]) / np.maximum(at - low, 1)[:, None]
    return np.asarray(np.where((at == 0)[:, None], 0.0, after - before), np.float64)
