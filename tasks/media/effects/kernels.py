"""What is computed for every pixel of an effect, in integers alone.

Conventions
-----------
Pixels are BT.709 limited range, 4:2:0, chroma sited at the centre. Every sum and product is a 32-bit integer and every
division a shift that rounds to the nearest, so that the bytes do not depend on the width of vector registers, on fused
multiply-add or on the number of threads. A share of 1 is written as `ONE`; with all shares at 0 and the curve
``(0, ONE, 0)`` a kernel gives back what it got. Kernels leave the interpreter's lock, take their constants as a tuple
of int32, and slice a row before they index it, which lets the compiler make vector code of the inner loop.

References
----------
.. [1] ITU-R BT.709-6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tasks.media.frames import Plane

I = np.int32  # noqa: E741 - kernels read like the formulas that they are
Constants = tuple[np.int32, ...]
Planes = tuple[Plane, Plane, Plane]
Grain = NDArray[np.int8]

ONE = 1 << 16
BLACK, WHITE, NEUTRAL = 16, 235, 128
_BITS = 0xFFFFFFFF

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that goes over pixels, and keep the machine code between processes."""
    compiled: Callable[P, R] = njit(error_model="numpy", cache=True, nogil=True)(function)
    return compiled


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that kernels call, inlined by force."""
    compiled: Callable[P, R] = njit(error_model="numpy", forceinline=True)(function)
    return compiled


def share(value: float) -> int:
    """Write a share of 0..1 as kernels take it."""
    return round(value * ONE)


def constants(*values: int) -> Constants:
    """Give numbers the type that kernels are compiled for."""
    return tuple(I(value) for value in values)


def scatter(value: int) -> int:
    """Scatter an integer over 32 bits: Knuth's multiplicative hash, mixed twice."""
    mixed = ((value + 1) * 2654435761) & _BITS
    mixed = ((mixed ^ (mixed >> 15)) * 739982445) & _BITS
    return mixed ^ (mixed >> 13)


@helper
def _part(value: I, of: I) -> I:
    """Give the share ``of`` of ``value``."""
    return I(I(I(value * of) + I(1 << 15)) >> I(16))


@helper
def _levels(value: I) -> I:
    """Round 256 parts of a level to levels."""
    return I(I(value + I(128)) >> I(8))


@helper
def _within(value: I, least: I, most: I) -> I:
    return min(max(value, least), most)


@kernel
def develop_luma(plane: Plane, shade: Plane, light: Plane, grain: Grain, c: Constants) -> None:
    """Apply a curve, darken by ``shade``, add ``light`` as a screen does, flash, and add grain; in place.

    Parameters
    ----------
    plane, shade : ndarray, shape (height, width), uint8
    light : ndarray, shape (height, at least from + width), uint8
    grain : ndarray, shape (a power of 2, at least across + width), int8
        Of mean 0; its rows are taken again from the first.
    c : tuple of int32
        The curve's three coefficients, the shares of shade, light, flash and grain, the column that light is taken
        from, and how far across and down grain is.
    """
    bend, slope, lift, shading, lighting, flash, graining, lit_from, across, down = c
    last = grain.shape[0] - 1
    # masks count 256 to the whole, so their shares do too
    shading, lighting, graining = I(shading >> I(8)), I(lighting >> I(8)), I(graining >> I(8))
    for j in range(plane.shape[0]):
        row, dark, bright, noise = plane[j], shade[j], light[j][lit_from:], grain[(j + down) & last][across:]
        for i in range(row.size):
            y = I(row[i])
            y = _part(y, I(I(bend * y) + slope))
            y = I(y + lift - I(16))
            y = I(_part(y, I(I(65536) - I(shading * I(dark[i])))) + I(16))
            y = I(y + _part(I(I(235) - y), I(lighting * I(bright[i]))))
            y = I(y + _part(I(I(235) - y), flash))
            weight = I(I(160) - abs(I(y - I(126))))  # less in shadows and highlights, where it would be cut off
            y = I(y + _part(I(I(noise[i]) * weight), graining))
            row[i] = np.uint8(_within(y, I(16), I(235)))


@kernel
def develop_chroma(chroma: Plane, luma: Plane, shade: Plane, light: Plane, c: Constants) -> None:
    """Tint by luma, saturate, darken, light and flash a chroma plane; in place.

    Parameters
    ----------
    chroma, luma, shade : ndarray, shape (height // 2, width // 2), uint8
    light : ndarray, shape (height // 2, at least from + width // 2), uint8
    c : tuple of int32
        Saturation as a share, the tint of shadows and its rise up to white (256 to a level), the colour of the light,
        the shares of shade, light and flash, and the column that light is taken from.
    """
    saturation, shadow, rise, colour, shading, lighting, flash, lit_from = c
    shading, lighting = I(shading >> I(8)), I(lighting >> I(8))
    for j in range(chroma.shape[0]):
        row, row_y, dark, bright = chroma[j], luma[j], shade[j], light[j][lit_from:]
        for i in range(row.size):
            tint = I(shadow + I(I(rise * I(row_y[i])) >> I(8)))
            a = I(_part(I(I(row[i]) - I(128)), saturation) + _levels(tint))
            a = _part(a, I(I(65536) - I(shading * I(dark[i]))))
            a = I(a + _part(I(colour - a), I(lighting * I(bright[i]))))
            a = I(a - _part(a, flash))
            row[i] = np.uint8(_within(I(a + I(128)), I(16), I(240)))


@kernel
def split_luma(wide: Planes, target: Plane, apart: int) -> None:
    """Give luma after red has gone ``2 * apart`` pixels to the right and blue as many to the left [1]_.

    Parameters
    ----------
    wide : tuple of ndarray
        Luma and both chroma planes, repeated beyond their left and right edges: luma by ``2 * apart`` pixels, chroma
        by ``apart``.
    target : ndarray, shape (height, width), uint8
    """
    wide_y, wide_u, wide_v = wide
    height, width = target.shape
    half = width // 2
    change = np.empty(width, np.int16)
    for j in range(height):
        if j % 2 == 0:
            row_u, row_v = wide_u[j >> 1], wide_v[j >> 1]
            own_u, blue_u, own_v = row_u[apart : apart + half], row_u[2 * apart :], row_v[apart : apart + half]
            for i in range(half):
                gain = np.int16(_colour_gain(I(row_v[i]), I(own_v[i]), I(blue_u[i]), I(own_u[i])))
                change[2 * i] = gain
                change[2 * i + 1] = gain
        red = wide_y[j]
        own, blue = red[2 * apart : 2 * apart + width], red[4 * apart :]
        row = target[j]
        for i in range(width):
            y = I(own[i])
            mixed = I(_light_gain(I(red[i]), y, I(blue[i])) + I(change[i]))
            row[i] = np.uint8(_within(I(y + _levels(mixed)), I(16), I(235)))


@kernel
def split_chroma(wide: Planes, target: tuple[Plane, Plane], apart: int) -> None:
    """Give chroma after red has gone ``apart`` of its pixels to the right and blue as many to the left [1]_.

    Parameters
    ----------
    wide : tuple of ndarray
        Luma at half its size and both chroma planes, each repeated by ``apart`` pixels beyond both edges.
    target : tuple of ndarray, each of shape (height // 2, width // 2), uint8
    """
    wide_y, wide_u, wide_v = wide
    height, half = target[0].shape
    new = np.empty(half, np.int16)
    for j in range(height):
        red, row_u, row_v = wide_y[j], wide_u[j], wide_v[j]
        own, blue = red[apart : apart + half], red[2 * apart :]
        own_u, blue_u, own_v = row_u[apart : apart + half], row_u[2 * apart :], row_v[apart : apart + half]
        for i in range(half):
            y = I(own[i])
            colour = _colour_gain(I(row_v[i]), I(own_v[i]), I(blue_u[i]), I(own_u[i]))
            new[i] = np.int16(I(y + _levels(I(_light_gain(I(red[i]), y, I(blue[i])) + colour))))
        to_u, to_v = target[0][j], target[1][j]
        for i in range(half):
            to_u[i] = np.uint8(_moved(I(blue_u[i]), I(I(blue[i]) - I(new[i])), I(141)))
        for i in range(half):
            to_v[i] = np.uint8(_moved(I(row_v[i]), I(I(red[i]) - I(new[i])), I(166)))


@helper
def _light_gain(red: I, own: I, blue: I) -> I:
    """Give what luma gains by the luma of the places that red and blue come from, 256 to a level."""
    return I(I(I(54) * I(red - own)) + I(I(18) * I(blue - own)))


@helper
def _colour_gain(red_v: I, own_v: I, blue_u: I, own_u: I) -> I:
    """Give what luma gains by the chroma of those places, 256 to a level."""
    return I(I(I(84) * I(red_v - own_v)) + I(I(34) * I(blue_u - own_u)))


@helper
def _moved(chroma: I, lighter: I, scale: I) -> I:
    """Give the chroma of a moved colour: its own, and what its place is lighter than where it has come to."""
    return _within(I(chroma + _levels(I(scale * lighter))), I(16), I(240))
