"""What is computed for every pixel of an effect, in integers alone.

Conventions
-----------
Pixels are BT.709 limited range, 4:2:0, chroma sited at the centre. Every number is a 16- or 32-bit integer, so that the
bytes do not depend on the width of vector registers, on fused multiply-add or on the number of threads. In 16 bits a
level of luma has 64 parts and one of chroma, whose neutral is 0, has 128; a share of 1 is `FULL`, and a product keeps
its upper half. With shares of 0 a kernel gives back what it got. Kernels leave the interpreter's lock, take their
constants as a tuple, and slice a row before they index it, which lets the compiler make vector code of the inner loop.

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
S = np.int16
Constants = tuple[np.int16, ...]
Planes = tuple[Plane, Plane, Plane]
Grain = NDArray[np.int8]

FULL = 1 << 15
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
    """Write a share, -1..1, as kernels take it."""
    return round(value * FULL)


def constants(*values: int) -> Constants:
    """Give numbers the type that kernels are compiled for; those beyond it are its largest."""
    return tuple(S(min(max(value, 1 - FULL), FULL - 1)) for value in values)


def scatter(value: int) -> int:
    """Scatter an integer over 32 bits: Knuth's multiplicative hash, mixed twice."""
    mixed = ((value + 1) * 2654435761) & _BITS
    mixed = ((mixed ^ (mixed >> 15)) * 739982445) & _BITS
    return mixed ^ (mixed >> 13)


@helper
def _upper(a: S, b: S) -> S:
    """Give the upper half of a product: one instruction for many pixels."""
    return S(I(I(a) * I(b)) >> I(16))


@helper
def _double(a: S) -> S:
    return S(a << S(1))


@helper
def _held(value: S, least: S, most: S) -> S:
    return min(max(value, least), most)


@helper
def _within(value: I, least: I, most: I) -> I:
    return min(max(value, least), most)


@helper
def _levels(value: I) -> I:
    """Round 256 parts of a level to levels."""
    return I(I(value + I(128)) >> I(8))


@kernel
def develop_luma(plane: Plane, shade: Plane, grain: Grain, c: Constants) -> None:
    """Apply a curve, darken by ``shade``, flash, and add grain; in place.

    Parameters
    ----------
    plane, shade : ndarray, shape (height, width), uint8
    grain : ndarray, shape (a power of 2, at least across + width), int8
        Of mean 0; its rows are taken again from the first.
    c : tuple of int16
        The curve: what is added for the square of luma (`FULL` for a level to 256), for luma (a share) and to all (in
        parts); the shares of shade (128 to the whole), flash, and grain (128 to the whole); how far across and down
        grain is.
    """
    bend, slope, lift, shading, flash, graining, across, down = c
    last = grain.shape[0] - 1
    for j in range(plane.shape[0]):
        row, dark, noise = plane[j], shade[j], grain[(j + down) & last][across:]
        for i in range(row.size):
            y = S(S(row[i]) << S(6))
            square = _upper(_double(y), _double(y))
            y = S(S(S(y + lift) + _upper(_double(y), slope)) + _upper(_double(square), bend))
            y = _held(y, S(0), S(15040))
            y = S(y - _upper(_double(S(y - S(1024))), S(S(dark[i]) * shading)))
            y = S(y + _upper(_double(S(S(15040) - y)), flash))
            # less grain in shadows and highlights, where it would be cut off
            weight = S(S(10240) - max(S(y - S(8064)), S(S(8064) - y)))
            y = S(y + _upper(_double(weight), S(S(noise[i]) * graining)))
            row[i] = np.uint8(_held(S(S(y + S(32)) >> S(6)), S(16), S(235)))


@kernel
def develop_chroma(chroma: Plane, luma: Plane, shade: Plane, c: Constants) -> None:
    """Tint by luma, saturate, darken and flash a chroma plane; in place.

    Parameters
    ----------
    chroma, luma, shade : ndarray, shape (height // 2, width // 2), uint8
    c : tuple of int16
        What saturation adds (a share), the tint of black (in parts) and its rise up to white (256 to a level), and the
        shares of shade (128 to the whole) and flash.
    """
    saturation, shadow, rise, shading, flash = c
    for j in range(chroma.shape[0]):
        row, row_y, dark = chroma[j], luma[j], shade[j]
        for i in range(row.size):
            a = S(S(S(row[i]) - S(128)) << S(7))
            a = _held(S(S(a >> S(1)) + _upper(a, saturation)), S(-7168), S(7168))
            a = S(S(_double(a) + shadow) + _upper(S(S(row_y[i]) << S(7)), rise))
            a = _held(a, S(-14336), S(14336))
            a = S(a - _upper(_double(a), S(S(dark[i]) * shading)))
            a = S(a - _upper(_double(a), flash))
            row[i] = np.uint8(S(S(S(a + S(64)) >> S(7)) + S(128)))


@kernel
def add_light(plane: Plane, light: Plane, c: Constants) -> None:
    """Bring a plane nearer to one level where ``light`` is; in place.

    Parameters
    ----------
    plane : ndarray, shape (height, width), uint8
    light : ndarray, shape (height, at least from + width), uint8
    c : tuple of int16
        The level, the share of light (128 to the whole), and the column that light is taken from.
    """
    level, lighting, lit_from = c
    for j in range(plane.shape[0]):
        row, bright = plane[j], light[j][lit_from:]
        for i in range(row.size):
            old = S(row[i])
            nearer = _upper(S(S(level - old) << S(7)), S(S(bright[i]) * lighting))
            row[i] = np.uint8(S(old + S(S(nearer + S(32)) >> S(6))))


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
