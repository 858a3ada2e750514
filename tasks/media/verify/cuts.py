"""Find the frame near a planned cut where the pictures really change.

Method
------
A cut at n parts the two frames before it from the two at and after it, so it is scored by the least distance of any
frame before from any frame after, never across a neighbouring planned cut. A flash of one frame parts nothing. The
best frame is taken within `REACH` of the plan and within half the way to the neighbouring cuts; the planned frame
is kept where it is as good. There is no cut where the best is not well above what the pictures change by anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.domain.timebase import FrameRange
from tasks.domain.transition import Transition
from tasks.media.verify.pictures import Pictures
from tasks.media.verify.soft import REACH, find_transition

_AS_GOOD = 0.9
_ABOVE_MOTION = 1.3
_LEAST_CHANGE = 0.01
_BEAT_TIMES = 4
_MOST_BEAT = 0.15
_NEAR = 15


def find_cuts(
    pictures: Pictures, planned: Sequence[int], transitions: Sequence[Transition | None]
) -> tuple[int | None, ...]:
    """Return for each planned cut the frame where the pictures change, or None.

    Parameters
    ----------
    planned : sequence of int
        All cuts of the plan, rising.
    transitions : sequence of Transition or None
        How each of them is made; None is a plain cut.
    """
    bounds = [0, *planned, pictures.frames]
    kinds = [None, *transitions]
    found = []
    for before, last, cut, kind, after in zip(bounds, kinds, planned, transitions, bounds[2:], strict=False):
        if kind is None:
            found.append(_find(pictures, before, cut, after, frozenset(planned)))
        else:
            whole = before + (last.frames if last else 0)
            found.append(find_transition(pictures, min(whole, cut - 1), cut, after, kind))
    return tuple(found)


def found_shots(found: Sequence[int | None], planned: Sequence[int], frames: int) -> tuple[FrameRange, ...]:
    """Return the shots as the film shows them; where a cut was not found the plan's stands in."""
    cuts = (plan if cut is None else cut for cut, plan in zip(found, planned, strict=True))
    bounds = sorted({0, frames, *(cut for cut in cuts if cut < frames)})
    return tuple(FrameRange(start, end) for start, end in pairwise(bounds))


def least_cut(motion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a cut must exceed: where ``motion`` is low, a beat may move pictures to several times of it."""
    return _LEAST_CHANGE + _ABOVE_MOTION * motion + np.minimum(_BEAT_TIMES * motion, _MOST_BEAT)


def _find(pictures: Pictures, before: int, cut: int, after: int, planned: frozenset[int]) -> int | None:
    first = max(cut - REACH, (before + cut) // 2 + 1)
    last = min(cut + REACH, (cut + after) // 2, pictures.frames - 1)
    after = min(after, pictures.frames)
    scores = {n: _score(pictures, before, n, after) for n in range(first, last + 1)}
    if not scores:
        return None
    best = max(scores, key=lambda n: scores[n])
    if scores.get(cut, 0.0) >= _AS_GOOD * scores[best]:
        best = cut
    near = range(max(1, cut - _NEAR), min(pictures.frames, cut + _NEAR + 1))
    usual = [_score(pictures, 0, n, pictures.frames) for n in near if n not in planned and n != best]
    motion = float(np.median(usual)) if usual else 0.0
    return best if scores[best] > float(least_cut(np.array(motion))) else None


def _score(pictures: Pictures, before: int, cut: int, after: int) -> float:
    """Return how far the frames on both sides of ``cut`` are apart, those of one shot only."""
    left = [n for n in (cut - 1, cut - 2) if n >= before]
    right = [n for n in (cut, cut + 1) if n < after]
    return min((float(pictures.changes[b - a - 1][b]) for a in left for b in right), default=0.0)
