"""Find where a picture was left out: motion jumps by about twice its usual step.

The distance of a frame from the one before is then as large as that over two frames usually is, well above those
right before and after. Motion that fades and gathers again does not do that within two frames; jerky motion may, so
that this only names the place where the count of frames or a cut says that some are missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.domain.timebase import FrameRange
from tasks.media.verify.pictures import Distances, Pictures

_ABOVE = 1.2
_BESIDE = 2
_NEAR = 12
_SHARE_OF_TWO = 0.7


def dropped_before(pictures: Pictures, stretches: Sequence[FrameRange], count: int) -> tuple[int, ...]:
    """Return up to ``count`` frames right before which pictures are missing, the clearest, in order.

    Parameters
    ----------
    stretches : sequence of FrameRange
        Shots in which frames are missing.
    """
    clearest: list[tuple[float, int]] = []
    for stretch in stretches:
        start, end = stretch.start + 1, min(stretch.end, pictures.frames)
        motion, change, over_two = (
            values[start:end] for values in (pictures.motion, pictures.changes[0], pictures.changes[1])
        )
        for n in range(1, len(change) - 1):
            above = min(_above(change, n), _above(motion, n))
            near = over_two[max(1, n - _NEAR) : n + _NEAR]
            if above >= _ABOVE and change[n] >= _SHARE_OF_TWO * np.median(near):
                clearest.append((above, start + n))
    return tuple(sorted(frame for _, frame in sorted(clearest, reverse=True)[:count]))


def _above(values: Distances, place: int) -> float:
    """Return how many times a value is as large as the largest right before and after it."""
    beside = max(*values[max(0, place - _BESIDE) : place], *values[place + 1 : place + 1 + _BESIDE])
    return float(values[place] / beside) if beside > 0 else 0.0
