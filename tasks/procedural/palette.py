"""Colour ramps: five colours from dark to light and one accent, hand-made, mixed in OKLab.

Method
------
The colours are frozen as OKLab numbers, so that no library's logarithm decides their last bit. A film turns all of
them by its own small angle. The ramp between the five is sampled at Chebyshev points, pulled into sRGB and written
as a polynomial, because a polynomial is faster inside a loop than a table. Everything here is plain arithmetic.

References
----------
.. [1] Bjorn Ottosson, "A perceptual color space for image processing", 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from tasks.domain.style import PaletteName
from tasks.procedural.kernels import Constants, Ramp, constants, weyl

Colour = tuple[float, float, float]

DEGREE = 7
SAMPLES = 32
MAX_TURN = 0.12
"""Tangent of half the largest turn of hue: about 14 degrees."""

COLOURS = MappingProxyType(
    {
        PaletteName.EMBER: (
            (0.1392, 0.0159, -0.0276),
            (0.2552, 0.0832, -0.0520),
            (0.4693, 0.1759, 0.0125),
            (0.6830, 0.1689, 0.1232),
            (0.8847, 0.0145, 0.1171),
            (0.8206, -0.1333, -0.0123),
        ),
        PaletteName.NEON: (
            (0.1072, 0.0157, -0.0335),
            (0.2466, 0.0225, -0.1287),
            (0.5757, -0.0391, -0.2299),
            (0.8607, -0.1521, -0.0058),
            (0.9641, 0.0117, -0.0173),
            (0.6703, 0.2505, -0.0267),
        ),
        PaletteName.DREAM: (
            (0.1616, 0.0125, -0.0391),
            (0.3434, 0.0386, -0.1060),
            (0.5810, 0.0859, -0.1605),
            (0.8134, 0.1028, -0.0370),
            (0.9647, 0.0080, 0.0259),
            (0.8578, -0.0772, -0.0663),
        ),
        PaletteName.SUNSET: (
            (0.1699, 0.0276, -0.0640),
            (0.3433, 0.1151, -0.0817),
            (0.6023, 0.2099, 0.0272),
            (0.7581, 0.0989, 0.1296),
            (0.9246, -0.0004, 0.0971),
            (0.7753, -0.0785, -0.1101),
        ),
        PaletteName.FOREST: (
            (0.1639, -0.0207, -0.0013),
            (0.3220, -0.0469, -0.0108),
            (0.5685, -0.1006, 0.0141),
            (0.8472, -0.0739, 0.1226),
            (0.9706, -0.0054, 0.0499),
            (0.7351, 0.1282, 0.1085),
        ),
        PaletteName.ICE: (
            (0.1451, -0.0070, -0.0330),
            (0.2948, -0.0192, -0.0790),
            (0.5746, -0.0516, -0.1045),
            (0.8509, -0.0472, -0.0469),
            (0.9900, -0.0020, -0.0020),
            (0.8229, 0.0584, 0.1112),
        ),
        PaletteName.GOLD: (
            (0.1318, 0.0039, -0.0064),
            (0.2554, 0.0084, 0.0195),
            (0.4907, 0.0195, 0.0745),
            (0.7613, 0.0177, 0.1235),
            (0.9645, -0.0015, 0.0485),
            (0.7764, -0.0149, -0.1124),
        ),
        PaletteName.ROSE: (
            (0.1489, 0.0286, -0.0037),
            (0.3054, 0.1000, -0.0075),
            (0.5604, 0.1752, 0.0101),
            (0.8040, 0.1143, 0.0171),
            (0.9653, 0.0132, 0.0124),
            (0.7754, -0.1265, 0.0042),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one film, in linear light.

    Attributes
    ----------
    ramp : three tuples of 8 float32
        Red, green and blue: polynomials of ``2 t - 1``, lowest power first, of the square root of linear light.
    keys : six tuples of 3 float32
        The five colours from dark to light, then the accent; 0..1.
    """

    ramp: Ramp
    keys: tuple[Constants, ...]


@lru_cache(maxsize=32)
def palette_of(name: PaletteName, seed: int) -> Palette:
    """Turn a ramp's hue by up to 14 degrees, as the film's seed says."""
    half = (weyl(seed) / 0xFFFFFFFF * 2.0 - 1.0) * MAX_TURN
    cosine, sine = (1.0 - half * half) / (1.0 + half * half), 2.0 * half / (1.0 + half * half)
    lab = [(L, a * cosine - b * sine, a * sine + b * cosine) for L, a, b in COLOURS[name]]
    points = [math.cos(math.pi * (j + 0.5) / SAMPLES) for j in range(SAMPLES)]
    samples = [_linear(_between(lab[:5], (x + 1.0) / 2.0)) for x in points]
    red, green, blue = (_fit(points, [math.sqrt(colour[c]) for colour in samples]) for c in range(3))
    return Palette(ramp=(red, green, blue), keys=tuple(constants(*_linear(colour)) for colour in lab))


def _between(lab: list[Colour], t: float) -> Colour:
    """Interpolate five colours at ``t`` in 0..1, averaged over a short stretch so that no corner shows."""
    total = [0.0, 0.0, 0.0]
    for shift in (-0.09, -0.045, 0.0, 0.045, 0.09):
        place = min(max(t + shift, 0.0), 1.0) * 4.0
        index = min(int(place), 3)
        for c in range(3):
            total[c] += lab[index][c] + (lab[index + 1][c] - lab[index][c]) * (place - index)
    return total[0] / 5.0, total[1] / 5.0, total[2] / 5.0


def _linear(lab: Colour) -> Colour:
    """Convert OKLab to linear sRGB in 0..1 [1]_, giving up chroma until the colour exists."""
    L, a, b = lab
    for _ in range(40):
        l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3
        m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3
        s = (L - 0.0894841775 * a - 1.2914855480 * b) ** 3
        rgb = (
            4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
        )
        if min(rgb) > -0.002 and max(rgb) < 1.002:
            break
        a, b = a * 0.95, b * 0.95
    red, green, blue = (min(max(value, 0.0), 1.0) for value in rgb)
    return red, green, blue


def _fit(points: list[float], values: list[float]) -> Constants:
    """Fit a polynomial at Chebyshev points by discrete orthogonality and write it in powers of x."""
    powers = [0.0] * (DEGREE + 1)
    before, now = [1.0], [0.0, 1.0]
    for k in range(DEGREE + 1):
        basis = before
        at_points = [sum(c * x**p for p, c in enumerate(basis)) for x in points]
        weight = sum(v * t for v, t in zip(values, at_points, strict=True)) * (1.0 if k == 0 else 2.0) / SAMPLES
        for power, coefficient in enumerate(basis):
            powers[power] += weight * coefficient
        after = [0.0, *(2.0 * c for c in now)]
        for power, coefficient in enumerate(before):
            after[power] -= coefficient
        before, now = now, after
    return constants(*powers)
