"""Where pictures move: one direction for a few of them, in integers, so that every machine finds the same.

Method
------
Two pictures are reduced to cells of their mean luma, of which the long side has 96. The shift of the one that is most
like the other, by the mean absolute difference of the cells that both have, is the motion between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tasks.media.frames import I420, Plane

LONG_SIDE = 96
REACH = 10
"""How far a motion is looked for, in cells."""

Cells = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Direction:
    """One of four: along columns or rows, to rising or to falling ones."""

    upright: bool
    forwards: bool


TO_THE_LEFT = Direction(upright=False, forwards=False)


def direction_of(pictures: Sequence[I420]) -> Direction:
    """Give the direction in which what is seen moves from the first picture to the last; to the left if in none."""
    if len(pictures) == 0:
        return TO_THE_LEFT
    across, down = shift_between(_cells(pictures[0].y), _cells(pictures[-1].y))
    if abs(down) > abs(across):
        return Direction(upright=True, forwards=down > 0)
    return Direction(upright=False, forwards=across > 0)


def shift_between(before: Cells, after: Cells) -> tuple[int, int]:
    """Give by how many cells (to the right, down) ``before`` has to be shifted to be most like ``after``.

    Of shifts that are as good the smallest is given.
    """
    rows, columns = before.shape
    reach_x, reach_y = min(REACH, columns // 2), min(REACH, rows // 2)
    steps = product(range(-reach_y, reach_y + 1), range(-reach_x, reach_x + 1))
    best, found = None, (0, 0)
    for down, across in sorted(steps, key=lambda step: (step[0] ** 2 + step[1] ** 2, step)):
        a = before[max(0, -down) : rows - max(0, down), max(0, -across) : columns - max(0, across)]
        b = after[max(0, down) : rows + min(0, down), max(0, across) : columns + min(0, across)]
        unlike = (int(np.abs(a - b).sum()) << 16) // a.size
        if best is None or unlike < best:
            best, found = unlike, (across, down)
    return found


def _cells(luma: Plane) -> Cells:
    height, width = luma.shape
    side = max(1, max(height, width) // LONG_SIDE)
    rows, columns = height // side, width // side
    whole = luma[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return np.asarray(whole.sum(axis=(1, 3), dtype=np.int64) // side, np.int32)
