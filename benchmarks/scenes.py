"""Moving pictures that effects are measured on: one like a photograph, one like a poster.

Both are functions of their number. The photograph is a texture with the spectrum of natural pictures under a moving
camera; the poster has flat shapes that drift and costs an encoder as little as moving pictures do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.frames import I420

_PAN = 5  # pixels a picture, to the right; half of it down
_SHAPES = 9

Reals = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Kept:
    """A source that gives kept pictures, each copied into one that the caller may write."""

    pictures: list[I420]

    def frames(self, start: int, end: int) -> Iterator[I420]:
        """Give the pictures ``start <= n < end``; the last one is held."""
        height, width = self.pictures[0].y.shape
        canvas = I420.empty(width, height)
        for number in range(start, end):
            picture = self.pictures[min(max(number, 0), len(self.pictures) - 1)]
            for target, plane in zip((canvas.y, canvas.u, canvas.v), (picture.y, picture.u, picture.v), strict=True):
                np.copyto(target, plane)
            yield canvas


def photograph(width: int, height: int, count: int, seed: int = 0) -> Kept:
    """Make ``count`` pictures of a natural texture that the camera moves along."""
    margin_x, margin_y = 2 * _PAN * count, _PAN * count
    rng = np.random.default_rng(seed)
    luma = _natural(rng, width + margin_x, height + margin_y, 42.0) + np.float32(120)
    colours = [_natural(rng, (width + margin_x) // 2, (height + margin_y) // 2, 18.0) + np.float32(128) for _ in "uv"]
    y, u, v = (np.clip(plane, 16, 235).astype(np.uint8) for plane in (luma, *colours))
    return Kept(
        [
            I420(
                _cropped(y, 2 * _PAN * number, _PAN * number // 2 * 2, (width, height)),
                _cropped(u, _PAN * number, _PAN * number // 2, (width // 2, height // 2)),
                _cropped(v, _PAN * number, _PAN * number // 2, (width // 2, height // 2)),
            )
            for number in range(count)
        ]
    )


def poster(width: int, height: int, count: int, seed: int = 0) -> Kept:
    """Make ``count`` pictures of flat discs that drift over a flat ground."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(30, 220, 3)
    discs = [
        (rng.random(2), rng.uniform(-0.004, 0.004, 2), rng.uniform(0.04, 0.2), rng.integers(30, 220, 3))
        for _ in range(_SHAPES)
    ]
    pictures = []
    for number in range(count):
        picture = I420.empty(width, height)
        for plane, (drawn, scale) in enumerate(((picture.y, 1), (picture.u, 2), (picture.v, 2))):
            drawn[:] = ground[plane]
            for place, speed, radius, colour in discs:
                x, y = (place + speed * number) * (width, height) / scale
                cv2.circle(
                    drawn, (round(x), round(y)), round(radius * height / scale), int(colour[plane]), -1, cv2.LINE_AA
                )
        pictures.append(picture)
    return Kept(pictures)


SCENES: dict[str, Callable[[int, int, int, int], Kept]] = {"photograph": photograph, "poster": poster}


def _natural(rng: np.random.Generator, width: int, height: int, deviation: float) -> Reals:
    """Sum noise of many widths, each as strong as the others, to a plane of mean 0."""
    total = np.zeros((height, width), np.float32)
    cells = 2
    while cells < max(width, height):
        size = (max(2, cells), max(2, cells * height // width))
        noise = rng.standard_normal(size[::-1]).astype(np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        cells *= 2
    return np.asarray(total * np.float32(deviation / total.std()), np.float32)


def _cropped(plane: NDArray[np.uint8], left: int, top: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(plane[top : top + size[1], left : left + size[0]])
