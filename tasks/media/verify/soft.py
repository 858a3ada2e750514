"""Prove where a planned transition begins: with its first blended frame.

Method
------
A transition changes every picture, and unlike the motion of the shot before: the differences between neighbours rise
with its first blended frame and stay up while it lasts. They are taken as logarithms, so that none outweighs the rest,
from well before the plan to the transition's middle, and parted in two where that leaves least over, within `REACH`
frames of the plan. How transitions end tells less: some come to rest, others stop at once. The planned frame is kept
where it fits nearly as well as the best. A change that lies in one single frame is no transition but a cut, and found
as such; where both sides look alike there is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.domain.transition import Transition, TransitionKind
from tasks.media.verify.pictures import Pictures

REACH = 3
"""How many frames from its plan a cut or a transition is looked for."""

_BESIDE = 4
_AS_GOOD = 0.9
_LEAST_ABOVE, _LEAST_ABOVE_DISSOLVE = 0.3, 0.19  # of logarithms: differences are so far above those before
_ONE_FRAME = 4.0
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
    first = max(before + 1, cut - REACH - _BESIDE)
    end = min(after, pictures.frames, cut + transition.frames + REACH + _BESIDE)
    if end - first < transition.frames + 2:
        return None
    change = pictures.changes[0][first:end].astype(np.float64)
    single = _in_one_frame(change)
    if single is not None and transition.frames > 1:
        return first + single if abs(first + single - cut) <= REACH else None
    rising = np.log(change[: cut + max(REACH + 1, transition.frames // 2) - first] + _FLOOR)
    starts = range(max(first + 1, cut - REACH), min(cut + REACH, first + len(rising) - 1) + 1)
    least = _LEAST_ABOVE_DISSOLVE if transition.kind is TransitionKind.DISSOLVE else _LEAST_ABOVE
    costs = {start: _left_over(rising, start - first, least) for start in starts}
    if not costs or min(costs.values()) == np.inf or not _apart(pictures, first, end):
        return None
    best = min(costs, key=lambda start: costs[start])
    return cut if costs.get(cut, np.inf) * _AS_GOOD <= costs[best] else best


def _in_one_frame(change: Curve) -> int | None:
    """Give the place of a change that is far larger than all others, or None."""
    order = np.argsort(change)
    return int(order[-1]) if change[order[-1]] > _ONE_FRAME * change[order[-2]] + _FLOOR else None


def _left_over(change: Curve, start: int, least: float) -> float:
    """Return what a step at ``start`` leaves over; infinite where what follows is not ``least`` above."""
    low, high = change[:start], change[start:]
    if high.mean() - low.mean() < least:
        return np.inf
    return float(np.square(low - low.mean()).sum() + np.square(high - high.mean()).sum())


def _apart(pictures: Pictures, first: int, end: int) -> bool:
    """Tell whether the shots on both sides look unlike."""
    old, new = (pictures.sketches[n].astype(np.float64) for n in (first - 1, end - 1))
    return bool(np.abs(new - old).mean() > _LEAST_APART)
