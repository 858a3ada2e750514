"""The most likely row of beats under a curve: a bar pointer, compiled.

Method
------
In the bar pointer model of Krebs, Böck and Widmer a hidden pointer walks through each beat at a whole number of frames
per beat, changes its pace only from one beat to the next, and explains frames in the first sixteenth of the beat by
the chance of a beat and all others by its opposite. Every path pays the second for every frame, so only what the first
sixteenths gain is left to add up; the walk from one beat to the next then is one step, and the exact best path costs
frames times paces times the paces within reach instead of frames times states.

References
----------
Krebs, Böck, Widmer: An efficient state-space model for joint tempo and meter tracking, ISMIR 2015.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Steps = NDArray[np.int8]

_REACH = 5
"""From one beat to the next the pace changes by up to a fifth."""


def follow(gain: Floats, shortest: int, longest: int, *, region: int, steadiness: float, prior: Floats) -> Integers:
    """Find the best row of beats.

    Parameters
    ----------
    gain : ndarray, shape (n,), float64
        Of each frame, by how much a beat explains it better than none (log odds).
    shortest, longest : int
        Beats last this many frames; 600 at most.
    region : int
        The first of that many parts of a beat is where its rise is expected.
    steadiness : float
        A change of pace by a share of ``x`` costs ``steadiness * x``.
    prior : ndarray, shape (longest - shortest + 1,), float64
        Log chance that the song begins at each pace.

    Returns
    -------
    ndarray, shape (beats,), int64
        The frames at which beats begin.
    """
    frames, paces = len(gain), longest - shortest + 1
    total = np.zeros(frames + 1)
    np.cumsum(gain, out=total[1:])
    entered = np.full((longest + 1, paces), -np.inf)  # no beat looks further back
    came = np.empty((frames, paces), np.int8)  # steps instead of paces: this is what an hour's memory goes to
    row = np.empty(frames // shortest + 2, np.int64)
    change, leaving = np.empty((paces, paces)), np.empty(paces)
    count = _follow(total, shortest, region, steadiness, prior, entered, came, change, leaving, row)
    return row[:count][::-1].copy()


@njit(error_model="numpy", cache=True)
def _follow(  # noqa: C901, PLR0912, PLR0917 - one compiled loop, and compiled functions take no keywords
    total: Floats,
    shortest: int,
    region: int,
    steadiness: float,
    prior: Floats,
    entered: Floats,
    came: Steps,
    change: Floats,
    leaving: Floats,
    row: Integers,
) -> int:
    """Write the beats into ``row``, the last first, and count them; all else is room to work in.

    Written without whole-array expressions, which take long to compile.
    """
    frames, paces = came.shape
    kept = len(entered)
    for old in range(paces):
        summed = 0.0
        for new in range(paces):
            change[old, new] = np.exp(-steadiness * abs((new - old) / (shortest + old)))
            summed += change[old, new]
        for new in range(paces):
            change[old, new] = np.log(change[old, new] / summed + 1e-300)
    for frame in range(frames):
        for pace in range(paces):
            length = shortest + pace
            start = frame - length
            if start >= 0:
                end = start + max(1, length // region)
                leaving[pace] = entered[start % kept, pace] + total[end] - total[start]
            else:
                # the song may begin anywhere within a beat
                end = min(frame, max(0, start + max(1, length // region)))
                leaving[pace] = prior[pace] - np.log(length) + total[end] - total[0]
        for new in range(paces):
            reach = max(2, (shortest + new) // _REACH)
            best, origin = -np.inf, new
            for old in range(max(0, new - reach), min(paces, new + reach + 1)):
                value = leaving[old] + change[old, new]
                if value > best:
                    best, origin = value, old
            entered[frame % kept, new] = best
            came[frame, new] = origin - new
    best, at, pace = -np.inf, 0, 0
    for ending in range(paces):
        length = shortest + ending
        for start in range(max(0, frames - length), frames):
            end = min(frames, start + max(1, length // region))
            value = entered[start % kept, ending] + total[end] - total[start]
            if value > best:
                best, at, pace = value, start, ending
    count = 0
    while at >= 0:
        row[count] = at
        count += 1
        pace += came[at, pace]
        at -= shortest + pace
    return count


def walk(odds: Floats, beats: int, slip: float) -> tuple[float, int, Integers]:
    """Count bars of a fixed number of beats through a song.

    Parameters
    ----------
    odds : ndarray, shape (n,), float64
        Log odds that each beat is the first of a bar.
    beats : int
        In a bar.
    slip : float
        Cost of leaving the count.

    Returns
    -------
    gain : float
        Sum of the odds at the downbeats less the slips' cost.
    slips : int
    places : ndarray, shape (n,), int64
        From 0, the downbeat, to ``beats - 1``.
    """
    best, places = np.zeros(beats), np.empty(len(odds), np.int64)
    slips = _walk(odds, slip, best, np.empty(beats), np.empty((len(odds), beats), np.int64), places)
    return float(best.max()), slips, places


@njit(error_model="numpy", cache=True)
def _walk(  # noqa: C901, PLR0917 - one compiled loop, and compiled functions take no keywords
    odds: Floats, slip: float, best: Floats, reached: Floats, came: Integers, places: Integers
) -> int:
    """Fill ``best`` and ``places``; written without whole-array expressions, which take long to compile."""
    count, beats = came.shape
    for number in range(count):
        jump = 0
        for place in range(1, beats):
            if best[place] > best[jump]:
                jump = place
        for place in range(beats):
            before = place - 1 if place else beats - 1
            if number and best[jump] - slip > best[before]:
                reached[place] = best[jump] - slip
                came[number, place] = jump
            else:
                reached[place] = best[before]
                came[number, place] = before
        reached[0] += odds[number]
        for place in range(beats):
            best[place] = reached[place]
    place = 0
    for other in range(1, beats):
        if best[other] > best[place]:
            place = other
    slips = 0
    for number in range(count - 1, -1, -1):
        places[number] = place
        before = came[number, place]
        if number and before != (place - 1) % beats:
            slips += 1
        place = before
    return slips
