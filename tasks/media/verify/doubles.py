"""Find pictures that are shown again where they should have moved on.

Method
------
An encoder makes a repeated picture nearly, not exactly, equal to the one before, so equality is judged against
the motion around it, by the full-size difference and by the small-picture distance alike. A frame may repeat its
predecessor if both are below `_EQUAL` of their medians over the frames near it in its shot. A run of such
frames is doubled if motion stops abruptly before it and goes on abruptly after it: the whole run stays below
`_EQUAL` of the frame and of the median of the three frames on either side, and these show real motion; and no place
changes much, which tells a repeat from a moment in which little moves but fast. At an end of the shot the other side
decides, more strictly.

What this leaves to the plan: a still shot, motion that fades to rest, and rests that last longer than the motion
around them. A picture doubled in motion of less than about a pixel a frame may be missed: the encoder blends it
with its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.domain.timebase import FrameRange
from tasks.media.verify.pictures import Distances, Pictures

_EQUAL = 0.4
_EQUAL_AT_END = 0.15
_EQUAL_PEAK = 0.6
_NEAR = (4, 30)  # frames on either side that tell what motion is usual: for one burst, and at all
_BESIDE = 3  # frames on either side of a run that must move
_LEAST_MOTION = 0.6  # luma levels; below it the encoder's own noise decides
_LEAST_CHANGE = 0.02


def doubled_frames(pictures: Pictures, shots: Sequence[FrameRange]) -> tuple[int, ...]:
    """Return the frames that repeat their predecessor, in order.

    Parameters
    ----------
    shots : sequence of FrameRange
        Where each shot really lies; the first frame of a shot is never compared.
    """
    found: list[int] = []
    for shot in shots:
        start, end = shot.start + 1, min(shot.end, pictures.frames)
        motion, peak, change = (values[start:end] for values in (pictures.motion, pictures.peak, pictures.changes[0]))
        for run in _runs(_below_usual(motion) & _below_usual(change)):
            abrupt = _is_abrupt(motion, run, _LEAST_MOTION) and _is_abrupt(change, run, _LEAST_CHANGE)
            if abrupt and _nothing_moves(peak, run):
                found += range(start + run.start, start + run.end)
    return tuple(found)


def _below_usual(values: Distances) -> NDArray[np.bool_]:
    """Mark the values that are small against most of those near them."""
    usual = [max(_lower_median(values[max(0, n - near) : n + 1 + near]) for near in _NEAR) for n in range(len(values))]
    return np.asarray(values < _EQUAL * np.array(usual))


def _lower_median(values: Distances) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2])


def _nothing_moves(peak: Distances, run: FrameRange) -> bool:
    """Tell whether no place changes in ``run`` as places do beside it: where little moves, the mean alone is small."""
    sides = [peak[max(0, run.start - _BESIDE) : run.start], peak[run.end : run.end + _BESIDE]]
    usual = min(float(np.median(side)) for side in sides if len(side))
    return bool(peak[run.start : run.end].max() < _EQUAL_PEAK * usual)


def _runs(marks: NDArray[np.bool_]) -> list[FrameRange]:
    """Return where ``marks`` are set without a gap."""
    edges = np.flatnonzero(np.diff(marks.astype(np.int8), prepend=0, append=0))
    return [FrameRange(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _is_abrupt(values: Distances, run: FrameRange, least: float) -> bool:
    """Tell whether there is motion right before and right after ``run``, and next to none inside."""
    before, after = values[max(0, run.start - _BESIDE) : run.start], values[run.end : run.end + _BESIDE]
    if len(before) and len(after):
        # motion that swings back passes through rest as well, but slows down before it and gathers speed after
        moving, equal = float(min(np.median(before), before[-1], after[0], np.median(after))), _EQUAL
    else:
        moving, equal = min(map(float, [*before, *after]), default=0.0), _EQUAL_AT_END
        least *= 2
    return bool(moving >= least and values[run.start : run.end].max() < equal * moving)
