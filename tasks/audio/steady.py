"""Rows of beats in songs whose tempo is steady.

Method
------
In a break a row of beats slips to what is still struck there, often half a beat away, and slips back after it. In a
song that was made to a clock most of the row still lies on one line. The line's pace is the one, of many near the
row's usual pace, at which most beats fall on one place of the period; least squares through those beats make it exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.audio.tempo import Floats

Row = NDArray[np.floating] | NDArray[np.integer]

_FEWEST_BEATS = 32
_FEWEST_TO_TELL = 8
_OFF = 0.015  # of the pace
_PLACES = 24
_SAMPLED = 512  # beats of a long row that are enough to tell
_ON_LINE = 0.1  # of a beat
_MOSTLY = 0.5
_ALREADY = 0.97
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """The line that most beats of a row lie on.

    Attributes
    ----------
    pace, start : float
        In the row's unit of time; beat ``k`` is at ``start + k * pace``.
    share : float
        How many beats of the row are within a tenth of a beat of it, in 0..1.
    """

    pace: float
    start: float
    share: float


def straightened(row: NDArray[np.int64]) -> Floats | None:
    """Lay a line through a row where most of its beats lie on one; None where they do not, or nearly all do.

    Parameters
    ----------
    row : ndarray, shape (beats,), int64
        Frames.

    Returns
    -------
    ndarray, shape (n,), float64, or None
        Frames from near the first beat to near the last, evenly spaced.
    """
    if len(row) < _FEWEST_BEATS:
        return None
    line = line_of(row)
    if not _MOSTLY <= line.share <= _ALREADY:
        return None
    first, last = np.round((row[[0, -1]] - line.start) / line.pace)
    return np.asarray(line.start + line.pace * np.arange(first, last + 1), np.float64)


def off_line(times: Floats) -> float:
    """Share of a row's beats that are off its line, in 0..1; 0 for a few, which tell nothing."""
    return 1.0 - line_of(times).share if len(times) >= _FEWEST_TO_TELL else 0.0


def line_of(row: Row) -> Line:
    """Find the line that most beats of a row, in whatever unit of time, lie on."""
    pace, start = _commonest(row)
    for _ in range(_ROUNDS):
        number, on = _on(row, pace, start)
        if np.ptp(number[on]) == 0:
            break
        pace, start = _nearest(number[on], row[on])
    return Line(pace, start, float(_on(row, pace, start)[1].mean()))


def _on(row: Row, pace: float, start: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Give the number of each beat along a line, and whether it is near it."""
    number = np.round((row - start) / pace)
    return number, np.abs(row - start - number * pace) < _ON_LINE * pace


def _commonest(row: Row) -> tuple[float, float]:
    """Find the pace at which most beats fall on one place of the period, and that place."""
    usual = float(np.median(np.diff(row)))
    tries = int(np.ceil(4 * _OFF * len(row)))  # neighbours are a quarter of a beat apart at the end of the row
    some = row[:: len(row) // _SAMPLED + 1]
    paces = usual * (1 + np.linspace(-_OFF, _OFF, 2 * tries + 1))
    places = (some / paces[:, None] % 1 * _PLACES).astype(np.int64) % _PLACES
    places += _PLACES * np.arange(len(paces))[:, None]
    count = np.bincount(places.ravel(), minlength=len(paces) * _PLACES).reshape(len(paces), _PLACES)
    around = np.roll(count, -1, axis=1) + count + np.roll(count, 1, axis=1)
    best, place = np.unravel_index(int(around.argmax()), around.shape)
    pace = float(paces[best])
    return pace, (float(place) + 0.5) / _PLACES * pace


def _nearest(x: Floats, y: Row) -> tuple[float, float]:
    """Slope and height of the line that is nearest in the squares."""
    middle, height = float(x.mean()), float(y.mean())
    slope = float(((x - middle) * (y - height)).sum() / np.square(x - middle).sum())
    return slope, height - slope * middle
