"""Effects that move pixels: the zoom of a pulse, the shifts of a shake, and colours that come apart.

Method
------
Zoom and shake are one enlargement of a part of the picture, by OpenCV's bit-exact linear resize. The part's sides and
place are whole pixels of luma, so that a picture is enlarged in steps of two pixels of its width; chroma follows to
half a pixel of its own.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.media.effects.kernels import scatter, split_chroma, split_luma
from tasks.media.frames import I420, Plane

LARGEST_PULSE = 0.06
"""Enlargement at strength 1."""
LARGEST_SHAKE = 0.016
"""Shift of the picture at strength 1, as a share of its side."""
LARGEST_SPLIT = 0.012
"""Shift of red, and of blue, at strength 1, as a share of the long side."""

_EIGHTH = 8

Shift = tuple[float, float]


def shake_of(frame: int, strength: float) -> Shift:
    """Give the shift at the film's frame ``frame``, as shares of width and height: never twice the same way.

    Sideways it goes to the other side with every frame, between five eighths of the strength and the whole; up or
    down, between two eighths and the whole.
    """
    chance = scatter(frame)
    across = (5 + chance % 4) / _EIGHTH * (1 if frame % 2 else -1)
    down = (2 + (chance >> 8) % 7) / _EIGHTH * (1 if chance >> 16 & 1 else -1)
    return across * strength * LARGEST_SHAKE, down * strength * LARGEST_SHAKE


def move(picture: I420, target: I420, pulse: float, shake: float, frame: int) -> None:
    """Enlarge ``picture`` by a pulse and shift it by a shake, into ``target``.

    Parameters
    ----------
    pulse, shake : float
        Strengths, 0..1, at least one of them above 0. A shake enlarges as much as it may shift.
    """
    zoom = (1 + LARGEST_PULSE * pulse) * (1 + 2 * LARGEST_SHAKE * shake)
    across, down = shake_of(frame, shake)
    height, width = picture.y.shape
    left, columns = _part(width, zoom, across)
    top, rows = _part(height, zoom, down)
    _enlarge(picture.y[top : top + rows, left : left + columns], target.y)
    for plane, drawn in ((picture.u, target.u), (picture.v, target.v)):
        _enlarge(plane[top // 2 : (top + rows) // 2, left // 2 : (left + columns) // 2], drawn)


def _part(side: int, zoom: float, shift: float) -> tuple[int, int]:
    """Give the start and the length of the part of a side that fills it when it is enlarged."""
    margin = max(1, round(side * (1 - 1 / zoom) / 2))
    start = round(margin - shift * side)
    return min(max(start, 0), 2 * margin), side - 2 * margin


def _enlarge(part: Plane, target: Plane) -> None:
    cv2.resize(part, target.shape[::-1], dst=target, interpolation=cv2.INTER_LINEAR_EXACT)


def split_colours(picture: I420, target: I420, strength: float) -> None:
    """Move red to the right and blue to the left, into ``target``."""
    apart = max(1, round(max(picture.y.shape) * LARGEST_SPLIT * strength / 2))
    u, v = _widened(picture.u, apart), _widened(picture.v, apart)
    split_luma((_widened(picture.y, 2 * apart), u, v), target.y, apart)
    split_chroma((_widened(halved(picture.y), apart), u, v), (target.u, target.v), apart)


def _widened(plane: Plane, edge: int) -> Plane:
    return np.asarray(cv2.copyMakeBorder(plane, 0, 0, edge, edge, cv2.BORDER_REPLICATE), np.uint8)


def halved(luma: Plane) -> Plane:
    """Give luma at the size of chroma."""
    height, width = luma.shape
    return np.asarray(cv2.resize(luma, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
