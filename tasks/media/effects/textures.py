"""Planes that effects are drawn with: where a picture darkens, where light falls in, and grain.

Conventions
-----------
Masks are uint8 and count 256 to the whole. All are made of integers, or of sums and products of float64 that are
rounded far from where two machines could differ, and are kept for the sizes that were last asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from tasks.media.effects.kernels import Grain
from tasks.media.frames import Plane

TILE = 256
GRAIN_DEVIATION = 32
"""Standard deviation of the grain tile, in its own steps."""

_KEPT = 4
_CLEAR = 0.06  # of the squared radius: so much of the middle keeps its light
_BEYOND = 0.6  # a strip of light is so much wider than the picture, as a share of it
_BUMPS = ((0.42, 0.30, 0.50, 0.95, 0.75), (0.34, 0.85, 0.30, 0.60, 0.45), (0.62, 0.10, 0.16, 1.60, 0.30))

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Textures:
    """The planes for luma and for chroma of one size.

    Attributes
    ----------
    shade, half_shade : ndarray, uint8
        How much each pixel darkens: 0 in the middle, 255 in the corners.
    light, half_light : ndarray, uint8
        Light that falls in from the left, wider than the picture by `drift` and half of it.
    grain : ndarray, shape (256, width + 256), int8
    """

    shade: Plane
    half_shade: Plane
    light: Plane
    half_light: Plane
    grain: Grain

    @property
    def drift(self) -> int:
        """Columns over which the light can be moved; even, and no more than either plane has."""
        spare = int(self.light.shape[1] - self.shade.shape[1]) // 2
        return 2 * min(spare, int(self.half_light.shape[1] - self.half_shade.shape[1]))


@lru_cache(maxsize=_KEPT)
def textures_for(width: int, height: int) -> Textures:
    """Make the planes for pictures of ``width`` x ``height``."""
    half_width, half_height = width // 2, height // 2
    return Textures(
        shade=_shade(width, height),
        half_shade=_shade(half_width, half_height),
        light=_light(width, height),
        half_light=_light(half_width, half_height),
        grain=_grain(width),
    )


def _shade(width: int, height: int) -> Plane:
    """Go from the middle, which is left alone, to the corners as the square of the way."""
    across = _centred(width) ** 2
    plane = np.empty((height, width), np.uint8)
    for row, y in zip(plane, _centred(height), strict=True):
        row[:] = _mask(np.maximum((y * y + across) / 2 - _CLEAR, 0.0) / (1.0 - _CLEAR))
    return plane


def _light(width: int, height: int) -> Plane:
    """Add soft bumps, each given by its place, its two radii and its height, in widths and heights of the picture."""
    x = (np.arange(width + round(width * _BEYOND)) + 0.5) / width
    across = [((x - place_x) / radius_x) ** 2 for place_x, _, radius_x, _, _ in _BUMPS]
    plane = np.empty((height, len(x)), np.uint8)
    for row, y in zip(plane, (np.arange(height) + 0.5) / height, strict=True):
        dark = np.ones(len(x))
        for sideways, (_, place_y, _, radius_y, level) in zip(across, _BUMPS, strict=True):
            down = (y - place_y) / radius_y
            inside = np.maximum(1.0 - (down * down + sideways), 0.0)
            dark *= 1.0 - level * inside * inside
        row[:] = _mask(1.0 - dark)
    return plane


def _centred(length: int) -> Reals:
    """Give the places of ``length`` pixels between -1 and 1; the outermost ones lie on both."""
    return (2.0 * np.arange(length) - (length - 1)) / (length - 1)


def _mask(share: Reals) -> Plane:
    return np.floor(share * 255.0 + 0.5).astype(np.uint8)


def _grain(width: int) -> Grain:
    """Make noise whose grains are about two pixels wide, without what is wider than eight, of mean 0."""
    place = np.arange(4 * TILE * TILE, dtype=np.uint32)
    mixed = (place + np.uint32(1)) * np.uint32(2654435761)
    mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(739982445)
    mixed = (mixed ^ (mixed >> np.uint32(12))) * np.uint32(695872825)
    white = ((mixed >> np.uint32(20)) & np.uint32(255)).astype(np.int64).reshape(4, TILE, TILE).sum(axis=0)
    fine = _summed(white, 2)
    band = 16 * fine - np.roll(_summed(white, 8), (3, 3), (0, 1))
    divisor = isqrt(int((band * band).sum()) // band.size) // GRAIN_DEVIATION
    tile = np.clip((band + divisor // 2) // divisor, -127, 127).astype(np.int8)
    return np.ascontiguousarray(np.tile(tile, (1, width // TILE + 2))[:, : width + TILE])


def _summed(plane: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Sum squares of ``side`` pixels; the plane goes on at its other edge."""
    for axis in (0, 1):
        plane = sum((np.roll(plane, -step, axis) for step in range(1, side)), plane)
    return plane
