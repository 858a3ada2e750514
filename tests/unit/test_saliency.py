"""What people look at stays inside a crop to another shape."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.frames import I420
from tasks.media.saliency import FocusFinder, moved_map

SIDE = 128
WIDE = (16, 9)
SHAPES = [(9, 16), (1, 1), (4, 5)]

Scene = NDArray[np.float32]


def noise(seed: int, strength: float, blur: float) -> Scene:
    grain = np.random.default_rng(seed).standard_normal((SIDE, SIDE)).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(grain, (0, 0), blur), np.float32)
    scaled: Scene = (soft / soft.std() * strength).astype(np.float32)
    return scaled


def picture(luma: Scene, blue: Scene | float = 128.0, red: Scene | float = 128.0) -> I420:
    half = np.zeros((SIDE // 2, SIDE // 2), np.float32)
    u, v = (half + (plane if isinstance(plane, float) else plane[::2, ::2]) for plane in (blue, red))
    return I420(*(np.clip(plane, 16, 235).astype(np.uint8) for plane in (luma, u, v)))


def disc(x: float, y: float, radius: float) -> Scene:
    """Give 1 inside a disc of the upright 16:9 picture, seen squeezed into a square."""
    across, down = np.meshgrid((np.arange(SIDE) + 0.5) / SIDE, (np.arange(SIDE) + 0.5) / SIDE)
    inside = ((across - x) * WIDE[0]) ** 2 + ((down - y) * WIDE[1]) ** 2 < (radius * WIDE[0]) ** 2
    return inside.astype(np.float32)


def bright(x: float, y: float) -> list[I420]:
    return [picture(90 + noise(1, 8, 3) + 90 * disc(x, y, 0.07))]


def dark(x: float, y: float) -> list[I420]:
    return [picture(150 + noise(2, 10, 6) - 100 * disc(x, y, 0.08))]


def coloured(x: float, y: float) -> list[I420]:
    """Make a subject that luma alone does not show."""
    return [picture(120 + noise(3, 5, 2), 128.0, 128 + 70 * disc(x, y, 0.07))]


def textured(x: float, y: float) -> list[I420]:
    return [picture(110 + noise(4, 4, 8) + 45 * noise(5, 1, 1) * disc(x, y, 0.08))]


def moving(x: float, y: float) -> list[I420]:
    """Make a subject of the ground's own texture that only its motion shows."""
    ground = 120 + noise(6, 25, 1.5)
    frames = []
    for step in range(8):
        mask = disc(x + 0.004 * step, y, 0.07)
        frames.append(picture(ground * (1 - mask) + (120 + np.roll(noise(7, 25, 1.5), 3 * step, axis=1)) * mask))
    return frames


def focus_of(frames: list[I420]) -> tuple[float, float]:
    finder = FocusFinder()
    for before, after in zip([None, *frames], frames, strict=False):
        finder.look(after)
        if before is not None:
            finder.notice(moved_map(before.y, after.y))
    return finder.focus()


def crop(focus: float, share: float) -> tuple[float, float]:
    start = min(max(focus - share / 2, 0.0), 1 - share)
    return start, start + share


@pytest.mark.parametrize("scene", [bright, dark, coloured, textured, moving], ids=lambda scene: scene.__name__)
@pytest.mark.parametrize("place", [(0.15, 0.4), (0.3, 0.7), (0.5, 0.5), (0.72, 0.3), (0.88, 0.6)], ids=str)
def test_the_subject_stays_in_every_crop(
    scene: Callable[[float, float], list[I420]], place: tuple[float, float]
) -> None:
    x, y = place
    found = focus_of(scene(x, y))
    for width, height in SHAPES:
        left, right = crop(found[0], width / height * WIDE[1] / WIDE[0])
        assert left <= max(0.0, x - 0.07) + 0.01
        assert right >= min(1.0, x + 0.07) - 0.01


@pytest.mark.parametrize("place", [(0.5, 0.15), (0.4, 0.5), (0.6, 0.85)], ids=str)
def test_a_tall_picture_is_cropped_about_its_subject_too(place: tuple[float, float]) -> None:
    x, y = place
    found = focus_of(bright(x, y))
    top, bottom = crop(found[1], 81 / 256)
    assert top <= y - 0.1
    assert bottom >= y + 0.1


def test_where_nothing_stands_out_the_middle_is_kept() -> None:
    assert focus_of([picture(np.full((SIDE, SIDE), 80, np.float32))]) == (0.5, 0.5)
    x, y = focus_of([picture(110 + noise(8, 0.4, 1))])
    assert abs(x - 0.5) < 0.2
    assert abs(y - 0.5) < 0.2
