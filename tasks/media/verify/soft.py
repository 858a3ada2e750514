"""Prove where a planned transition begins: with its first blended frame.

Method
------
A transition of K frames changes every picture from its first to the first whole one of the new shot: K + 1
differences between neighbours, which are unlike those of the motion before and after. They are taken as logarithms, so
that none outweighs the rest, and told apart by the box of that length that leaves least over, within `REACH` frames
of the plan. A dissolve and a wipe mix both shots in known shares as well: each picture's place between the last of
the old shot and the first of the new one must climb by 1 / (K + 1) a frame. The planned frame is kept where it fits
nearly as well as the best; a change that lies in one single frame is no transition but a cut, and found as such.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.domain.transition import Transition, TransitionKind
from tasks.media.verify.pictures import Pictures

REACH = 3
"""How many frames from its plan a cut or a transition is looked for."""

_BESIDE = 4
_MIXED = frozenset({TransitionKind.DISSOLVE, TransitionKind.WIPE})
_AS_GOOD, _AS_GOOD_MIXED = 0.9, 0.8
_LEAST_ABOVE = 0.07  # of logarithms: the differences of a transition are so far above those around it
_ONE_FRAME = 4.0
_CLEAR_CLIMB = 0.05
_FLOOR = 1e-3
_LEAST_APART = 1.5  # levels between the shots' sketches

Curve = NDArray[np.float64]


def find_transition(pictures: Pictures, before: int, cut: int, after: int, transition: Transition) -> int | None:
    """Return the frame where a planned transition begins, or None where there is none.

    Parameters
    ----------
    before, after : int
        Where the whole pictures of the shot before begin, and where the shot after the cut ends.
    cut : int
        The planned first frame.
    """
    first, end = (
        max(before + 1, cut - REACH - _BESIDE),
        min(after, pictures.frames, cut + transition.frames + REACH + 5),
    )
    if end - first < transition.frames + 2:
        return None
    places = np.arange(first, end)
    change = pictures.changes[0][first:end].astype(np.float64)
    single = _in_one_frame(change)
    if single is not None and transition.frames > 1:
        found = first + single
        return found if abs(found - cut) <= REACH else None
    shifts = [shift for shift in range(-REACH, REACH + 1) if _has_both_sides(places, cut + shift, transition.frames)]
    costs = {shift: _box(places, np.log(change + _FLOOR), cut + shift, transition.frames) for shift in shifts}
    if not costs or min(costs.values()) == np.inf or not _apart(pictures, first, end):
        return None
    as_good = _AS_GOOD
    if transition.kind in _MIXED:
        as_good = _AS_GOOD_MIXED
        climb = _climb(pictures, first, end)
        left = {shift: _ramp(places, climb, cut + shift, transition) for shift in costs}
        if min(left.values()) < _CLEAR_CLIMB:  # effects that begin with the shot make it climb in another way
            costs = {shift: cost * left[shift] for shift, cost in costs.items()}
    best = min(costs, key=lambda shift: costs[shift])
    return cut if costs.get(0, np.inf) * as_good <= costs[best] else cut + best


def _has_both_sides(places: NDArray[np.int64], start: int, length: int) -> bool:
    return bool(places[0] < start and start + length < places[-1])


def _in_one_frame(change: Curve) -> int | None:
    """Give the place of a change that is far larger than all others, or None."""
    order = np.argsort(change)
    return int(order[-1]) if change[order[-1]] > _ONE_FRAME * change[order[-2]] + _FLOOR else None


def _box(places: NDArray[np.int64], change: Curve, start: int, length: int) -> float:
    """Return what a box from ``start`` leaves over; infinite where what lies in it is not above the rest."""
    inside = (places >= start) & (places <= start + length)
    above = float(change[inside].mean() - change[~inside].mean())
    if above < _LEAST_ABOVE:
        return np.inf
    return float(sum(np.square(part - part.mean()).sum() for part in (change[inside], change[~inside])))


def _apart(pictures: Pictures, first: int, end: int) -> bool:
    """Tell whether the shots on both sides look unlike."""
    old, new = (pictures.sketches[n].astype(np.float64) for n in (first - 1, end - 1))
    return bool(np.abs(new - old).mean() > _LEAST_APART)


def _climb(pictures: Pictures, first: int, end: int) -> Curve:
    """Return how far each picture is from the old shot (0) to the new one (1)."""
    sketches = pictures.sketches[first:end].astype(np.float64)
    way = sketches[-1] - sketches[0]
    way -= way.mean()
    return np.asarray((sketches - sketches[0]) @ way / max(float(way @ way), 1.0))


def _ramp(places: NDArray[np.int64], climb: Curve, start: int, transition: Transition) -> float:
    """Return what the climb of a mixture that begins at ``start`` leaves over."""
    share = np.clip((places - start + 1) / (transition.frames + 1), 0, 1)
    left = climb - np.polyval(np.polyfit(share, climb, 1), share)
    return float(left @ left) + _FLOOR
