"""What is computed for every pixel of a transition, in integers alone, as in `tasks.media.effects.kernels`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.media.effects.kernels import I, helper, kernel
from tasks.media.frames import Plane

ONE = 1 << 16
"""A share of 1."""

Constants = tuple[np.int32, ...]


def share(value: float) -> int:
    """Write a share, 0..1, as these kernels take it."""
    return round(value * ONE)


def constants(*values: int) -> Constants:
    """Give numbers the type that these kernels are compiled for."""
    return tuple(I(value) for value in values)


@kernel
def mix(old: Plane, new: Plane, target: Plane, c: Constants) -> None:
    """Mix two planes, and the mixture with one level.

    Parameters
    ----------
    old, new, target : ndarray of one shape, uint8
    c : tuple of int32
        The share of ``new``, the level, and its share.
    """
    weight, level, covered = c
    for j in range(target.shape[0]):
        before, after, row = old[j], new[j], target[j]
        for i in range(row.size):
            a = I(before[i])
            a = I(a + I(I(I(I(I(after[i]) - a) * weight) + I(1 << 15)) >> I(16)))
            row[i] = np.uint8(I(a + I(I(I(I(level - a) * covered) + I(1 << 15)) >> I(16))))


@kernel
def mix_columns(old: Plane, new: Plane, target: Plane, weights: NDArray[np.int32]) -> None:
    """Mix two planes with a share of ``new`` for each column."""
    for j in range(target.shape[0]):
        before, after, row = old[j], new[j], target[j]
        for i in range(row.size):
            a = I(before[i])
            row[i] = np.uint8(I(a + I(I(I(I(I(after[i]) - a) * weights[i]) + I(1 << 15)) >> I(16))))


@kernel
def pan_across(left: Plane, right: Plane, target: Plane, place: int, length: int) -> None:
    """Show what a frame at column ``place`` of two planes side by side sees, blurred along its way.

    Parameters
    ----------
    left, right, target : ndarray, shape (height, width), uint8
    place : int
        0 shows ``left``, ``width`` shows ``right``.
    length : int
        Columns that are averaged, 1..width.
    """
    height, width = target.shape
    first = max(0, min(place - length // 2, width - length))
    wide = width + length
    strip = np.empty(2 * width, np.uint8)
    sums = np.empty(wide + 1, np.int32)
    scale = I((1 << 20) // length)
    for j in range(height):
        near, far, before, after = left[j], right[j], strip[:width], strip[width:]
        for i in range(width):  # assigning to a slice would take a second more to compile
            before[i] = near[i]
            after[i] = far[i]
        seen = strip[first : first + wide]
        total = I(0)
        for i in range(seen.size):
            sums[i] = total
            total = I(total + I(seen[i]))
        sums[seen.size] = total
        low, high, row = sums[:width], sums[length : length + width], target[j]
        for i in range(width):
            row[i] = _mean(I(high[i] - low[i]), scale)


@kernel
def pan_down(upper: Plane, lower: Plane, target: Plane, place: int, length: int) -> None:
    """Show what a frame at row ``place`` of two planes, one above the other, sees, blurred along its way.

    Parameters
    ----------
    place : int
        0 shows ``upper``, ``height`` shows ``lower``.
    length : int
        Rows that are averaged, 1..height.
    """
    height, width = target.shape
    first = max(0, min(place - length // 2, height - length))
    sums = np.zeros(width, np.int32)
    scale = I((1 << 20) // length)
    for j in range(first, first + length):
        seen = upper[j] if j < height else lower[j - height]
        for i in range(width):
            sums[i] = I(sums[i] + I(seen[i]))
    for k in range(height):
        row = target[k]
        for i in range(width):
            row[i] = _mean(sums[i], scale)
        gone, next_one = first + k, min(first + k + length, 2 * height - 1)
        seen = upper[gone] if gone < height else lower[gone - height]
        for i in range(width):
            sums[i] = I(sums[i] - I(seen[i]))
        seen = upper[next_one] if next_one < height else lower[next_one - height]
        for i in range(width):
            sums[i] = I(sums[i] + I(seen[i]))


@helper
def _mean(total: I, scale: I) -> np.uint8:
    return np.uint8(I(I(I(total * scale) + I(1 << 19)) >> I(20)))
