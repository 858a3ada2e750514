"""Where people look in a picture, so that a crop to another shape keeps it.

Conventions
-----------
Pictures are small (about 128 pixels a side, whatever their shape) and in YCbCr. A place is given as shares of width and
height, 0..1 from the left and the top.

Method
------
Three maps are added, each without its median and scaled to its strongest place: the spectral residual of luma and
chroma (what the picture's spectrum does not foretell), the distance of each pixel's colour from the picture's usual
one, and what moves. The place is the one about which a window as narrow as the narrowest crop (9:16 out of 16:9) holds
most of the sum, moved to the centre of gravity of what is inside.

References
----------
X. Hou, L. Zhang: Saliency Detection: A Spectral Residual Approach. CVPR 2007.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.frames import I420, Plane

Map = NDArray[np.float64]

SIDE = 64
"""Width and height of the maps."""

_NARROWEST = 81 / 256
_CENTRE = 0.15
_SMOOTH = 2.0
_MOTION_WEIGHT = 2.0
_LEAST_MOTION = 1.5
_LEAST_CONTRAST = 4.0


def still_map(picture: I420) -> Map:
    """Give what stands out in one picture, shape ``(SIDE, SIDE)``, at least 0."""
    planes = [_small(plane) for plane in (picture.y, picture.u, picture.v)]
    residual = sum((_spectral_residual(plane) for plane in planes), np.zeros((SIDE, SIDE)))
    contrast = sum((np.abs(plane - np.median(plane)) for plane in planes), np.zeros((SIDE, SIDE)))
    return _scaled(_smooth(residual), 0.0) + _scaled(_smooth(contrast), _LEAST_CONTRAST)


def moved_map(before: Plane, after: Plane) -> Map:
    """Give how much each place's luma changed from one picture to the next, shape ``(SIDE, SIDE)``, in levels."""
    return _small(np.asarray(cv2.absdiff(before, after), np.uint8))


class FocusFinder:
    """Adds up what is looked at over a stretch of pictures."""

    def __init__(self) -> None:
        self._still = np.zeros((SIDE, SIDE))
        self._moved = np.zeros((SIDE, SIDE))
        self._pictures = 0
        self._changes = 0

    def look(self, picture: I420) -> None:
        """Take in what stands out in a picture."""
        self._still += still_map(picture)
        self._pictures += 1

    def notice(self, moved: Map) -> None:
        """Take in what moved."""
        self._moved += moved
        self._changes += 1

    def add(self, other: FocusFinder) -> None:
        """Take in all that another has taken in."""
        self._still += other._still
        self._moved += other._moved
        self._pictures += other._pictures
        self._changes += other._changes

    def focus(self) -> tuple[float, float]:
        """Give the place that is looked at; the middle where nothing stands out."""
        total = self._still / max(1, self._pictures)
        if self._changes:
            total = total + _MOTION_WEIGHT * _scaled(_smooth(self._moved / self._changes), _LEAST_MOTION)
        if total.max() <= 0:
            return 0.5, 0.5
        x = _densest(total.sum(axis=0))
        columns = _window(x)
        y = _densest(total[:, columns].sum(axis=1))
        return round(_balance(total[_window(y)].sum(axis=0), columns), 4), round(y, 4)


def _small(plane: Plane) -> Map:
    resized = cv2.resize(plane, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return resized.astype(np.float64)


def _spectral_residual(plane: Map) -> Map:
    if np.ptp(plane) < _LEAST_CONTRAST:
        return np.zeros_like(plane)
    spectrum = np.fft.fft2(plane)
    amplitude = np.log(np.abs(spectrum) + 1.0)
    residual = amplitude - cv2.blur(amplitude, (3, 3))
    rest: Map = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    return rest / max(float(rest.sum()), 1e-12) * rest.size


def _smooth(values: Map) -> Map:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), _SMOOTH), np.float64)


def _scaled(values: Map, least: float) -> Map:
    """Take the median away and scale the strongest place to 1; what stays below ``least`` is nothing."""
    above: Map = np.maximum(values - np.median(values), 0.0)
    strongest = float(above.max())
    return above / strongest if strongest > least else np.zeros_like(above)


def _densest(profile: Map) -> float:
    """Find the middle of the narrow window that holds most, the centre preferred a little, and balance it."""
    width = max(1, round(_NARROWEST * SIDE))
    held = np.convolve(profile, np.ones(width), mode="valid")
    middles = (np.arange(len(held)) + width / 2) / SIDE
    best = middles[int(np.argmax(held * (1 - _CENTRE * np.abs(middles - 0.5))))]
    return _balance(profile, _window(float(best)))


def _window(middle: float) -> slice:
    half = _NARROWEST / 2
    start = round(min(max(middle - half, 0.0), 1 - _NARROWEST) * SIDE)
    return slice(start, start + max(1, round(_NARROWEST * SIDE)))


def _balance(profile: Map, window: slice) -> float:
    inside = profile[window] ** 2
    total = float(inside.sum())
    places = (np.arange(window.start, window.start + len(inside)) + 0.5) / SIDE
    return float(inside @ places / total) if total > 0 else float(places.mean())
