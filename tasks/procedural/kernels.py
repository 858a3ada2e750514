"""The mathematics of the pictures, written so that a compiler makes vector code of it.

Conventions
-----------
Everything is 32-bit: a bare Python number would widen a whole loop to 64 bits. Helpers are inlined by force, because
one remaining call keeps its loop scalar. Kernels take their constants as tuples of float32 and read no array but
rows of pixels inside the innermost loop, which is the only one that becomes vector code. No ``fastmath`` and no
threads: the same input gives the same bits wherever fused multiply-add exists.

References
----------
.. [1] Inigo Quilez, "Domain warping" and "Value noise derivatives", iquilezles.org.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import llvmlite.binding
import numpy as np
from numba import njit
from numpy.typing import NDArray

F = np.float32
I = np.int32
Pixels = NDArray[np.float32]
Constants = tuple[np.float32, ...]
Channel = tuple[np.float32, ...]
Ramp = tuple[Channel, Channel, Channel]

P = ParamSpec("P")
R = TypeVar("R")

# LLVM checks eight pairs of arrays for overlap before it gives a loop up; a picture's rows need more. The option
# belongs to the process and may be set once, before the first compilation.
llvmlite.binding.set_option("", "--runtime-memory-check-threshold=256")


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that kernels call, inlined by force."""
    compiled: Callable[P, R] = njit(error_model="numpy", forceinline=True)(function)
    return compiled


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that goes over pixels, and keep the machine code between processes."""
    compiled: Callable[P, R] = njit(error_model="numpy", cache=True)(function)
    return compiled


def constants(*values: float) -> Constants:
    """Round numbers to float32 once, as a kernel takes them."""
    return tuple(F(value) for value in values)


def weyl(value: int) -> int:
    """Scatter an integer over 32 bits (Knuth's multiplicative hash)."""
    mixed = (value * 2654435761) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 15)) * 739982445 & 0xFFFFFFFF


@helper
def floor(x: F) -> I:
    """Round down without a branch."""
    i = I(x)
    return I(i - I(1)) if x < F(i) else i


@helper
def hash2(x: I, y: I) -> F:
    """Give a lattice point a number in 0..1."""
    h = I(x * I(0x1E3779B1)) ^ I(y * I(0x05EBCA77))
    h = I(I(h ^ (h >> I(15))) * I(0x2C1B3C6D))
    h = I(h ^ (h >> I(12)))
    return F(I(h & I(0xFFFFFF))) * F(1 / 16777216)


@helper
def noise(x: F, y: F) -> F:
    """Value noise in 0..1 with cubic fades [1]_."""
    ix = floor(x)
    iy = floor(y)
    u = x - F(ix)
    v = y - F(iy)
    u = u * u * (F(3) - F(2) * u)
    v = v * v * (F(3) - F(2) * v)
    jx = I(ix + I(1))
    jy = I(iy + I(1))
    a = hash2(ix, iy)
    c = hash2(ix, jy)
    a = a + (hash2(jx, iy) - a) * u
    c = c + (hash2(jx, jy) - c) * u
    return a + (c - a) * v


@helper
def fractal3(x: F, y: F) -> F:
    """Three octaves of noise, each turned by 37 degrees, in 0..1."""
    s = F(0.57) * noise(x, y)
    x, y = F(1.6) * x + F(1.2) * y, F(1.6) * y - F(1.2) * x
    s += F(0.286) * noise(x, y)
    x, y = F(1.6) * x + F(1.2) * y, F(1.6) * y - F(1.2) * x
    return s + F(0.144) * noise(x, y)


@helper
def fractal5(x: F, y: F) -> F:
    """Five octaves of noise in 0..1."""
    s = F(0.516) * noise(x, y)
    x, y = F(1.6) * x + F(1.2) * y, F(1.6) * y - F(1.2) * x
    s += F(0.258) * noise(x, y)
    x, y = F(1.6) * x + F(1.2) * y, F(1.6) * y - F(1.2) * x
    s += F(0.129) * noise(x, y)
    x, y = F(1.6) * x + F(1.2) * y, F(1.6) * y - F(1.2) * x
    s += F(0.0645) * noise(x, y)
    x, y = F(1.6) * x + F(1.2) * y, F(1.6) * y - F(1.2) * x
    return s + F(0.0325) * noise(x, y)


@helper
def sine(x: F) -> F:
    """Sine of radians; error below 1.1e-3 and a continuous slope."""
    x = x * F(0.15915494)
    x = x - F(floor(x + F(0.5)))
    y = x * (F(8) - F(16) * abs(x))
    return y * (F(0.775) + F(0.225) * abs(y))


@helper
def cosine(x: F) -> F:
    """Cosine of radians."""
    return sine(x + F(1.5707963))


@helper
def fade(x: F) -> F:
    """exp(-x) for x >= 0, as (1 - x/64)**64."""
    x = max(F(1) - x * F(1 / 64), F(0))
    x = x * x
    x = x * x
    x = x * x
    x = x * x
    x = x * x
    return x * x


@helper
def clamp(x: F) -> F:
    """Hold within 0..1."""
    return min(max(x, F(0)), F(1))


@helper
def smooth(a: F, b: F, x: F) -> F:
    """Go from 0 at ``a`` to 1 at ``b`` with level ends."""
    t = clamp((x - a) / (b - a))
    return t * t * (F(3) - F(2) * t)


@helper
def mix(a: F, b: F, t: F) -> F:
    """Interpolate."""
    return a + (b - a) * t


@helper
def ramp(q: Channel, t: F) -> F:
    """Linear light of one channel of a colour ramp at ``t`` in 0..1: the square of a polynomial of degree 7."""
    x = F(2) * clamp(t) - F(1)
    y = ((((((q[7] * x + q[6]) * x + q[5]) * x + q[4]) * x + q[3]) * x + q[2]) * x + q[1]) * x + q[0]
    y = max(y, F(0))
    return y * y
