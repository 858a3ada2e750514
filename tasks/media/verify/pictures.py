"""Decode a film's pictures once and measure how each differs from those before it.

Conventions
-----------
Arrays have one value for each decoded frame; what frame 0 has no predecessor for is NaN.

Method
------
The guarded child gives every decoded picture once. ``motion`` is the mean absolute difference of
luma and ``peak`` the largest: they tell a repeated picture from a moving one, and from one in which little
moves but fast. ``changes`` are distances of small pictures, 64x36,
whose luma has its mean taken off and is divided by its deviation: a flash or a fade moves them little, other
content moves them much. What that loses of flat colours, chroma and a share of the mean bring back. Only
the three pictures before the current one are held, and of every picture a ``sketch`` of 16x9 cells in colour.
Pictures of 720 lines and more are halved where they are decoded: moving them costs more than all that is measured.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import ffmpeg as ffmpeg_python
import numpy as np
from numpy.typing import NDArray

from tasks.domain.errors import ChildFailed
from tasks.media.flashes import Flashes, FlashMeter
from tasks.media.frames import Plane
from tasks.media.sandbox import GUARDED_INPUT, Child, Limits, guarded

LAGS = 3
"""``changes`` reach back by up to this many frames."""

_THUMBNAIL = (64, 36)
_CHROMA_THUMBNAIL = (32, 18)
_LEAST_DEVIATION = 8.0  # of luma levels; flatter pictures keep their small contrast
_CHROMA_LEVELS = 16.0  # so many levels of chroma count as one deviation of luma
_MEAN_LEVELS = 256.0
_LIMITS = Limits(cpu_s=3600)
_LARGEST = 4096
_HALVED_FROM = 720
_FINEST = 128  # cells along the longer side of what flashes and small pictures are made of
_SKETCH = (16, 9)
_BLACK, _BLACKEST_MEAN = 32, 20.0  # luma of the brightest small cell, and of the mean

Distances = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the pictures of a film show.

    Attributes
    ----------
    motion : ndarray, shape (frames,), float32
        Mean absolute difference of luma from the frame before, in levels of 0..255.
    peak : ndarray, shape (frames,), float32
        Largest absolute difference of luma from the frame before, in levels of 0..255.
    changes : tuple of ndarray, each of shape (frames,), float32
        ``changes[k - 1][n]`` is the distance of frame n from frame n - k, k in 1..LAGS; about 1 for unlike pictures.
    sketches : ndarray, shape (frames, 432), uint8
        Luma and both chroma planes of each picture, averaged into 16x9 cells.
    black : ndarray, shape (frames,), bool
        Which pictures are black.
    flashes : Flashes
        What flashes.
    errors : tuple of str
        What the decoder complained of.
    """

    motion: Distances
    peak: Distances
    changes: tuple[Distances, ...]
    sketches: NDArray[np.uint8]
    black: NDArray[np.bool_]
    flashes: Flashes
    errors: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many pictures were decoded."""
        return len(self.motion)


def measure_pictures(video: Path, size: tuple[int, int], frame_rate: Fraction, *, ffmpeg: str) -> Pictures:
    """Decode the first picture track of ``video``.

    Parameters
    ----------
    size : tuple of int
        Width and height of its pictures; odd or very large ones are made even or smaller.
    frame_rate : Fraction
        What tells how many frames a second of flashes holds.
    """
    part = 2 if min(size) >= _HALVED_FROM else 1
    width, height = (max(2, min(side // part, _LARGEST) & ~1) for side in size)
    gauge = _Gauge((width, height), frame_rate)
    complaints: list[str] = []
    with guarded(video, lambda descriptor: _command(ffmpeg, descriptor, width, height), _LIMITS) as child:
        for luma, chroma in _decoded(child, width, height, complaints):
            gauge.add(luma, chroma)
    return gauge.finish(tuple(complaints))


def _command(ffmpeg: str, descriptor: int, width: int, height: int) -> list[str]:
    source = ffmpeg_python.input(
        "fd:", fd=descriptor, err_detect="explode", noautorotate=None, threads=1, **GUARDED_INPUT
    )
    shown = source["V:0"].filter("scale", width, height, flags="area").filter("format", "yuv420p")
    raw = shown.output("pipe:1", format="rawvideo", fps_mode="passthrough", threads=1)
    command: list[str] = raw.global_args("-nostdin", "-v", "error", "-filter_threads", "1").compile(cmd=ffmpeg)
    return command


def _decoded(child: Child, width: int, height: int, complaints: list[str]) -> Iterator[tuple[Plane, Plane]]:
    """Give luma and both chroma planes of each picture; two buffers take turns, so the last picture stays valid."""
    luma, chroma = width * height, width * height // 4
    buffers = [bytearray(luma + 2 * chroma) for _ in range(2)]
    failure = None
    turn = 0
    try:
        while child.read_into(memoryview(buffers[turn])) == len(buffers[turn]):
            planes = np.frombuffer(buffers[turn], np.uint8)
            yield planes[:luma].reshape(height, width), planes[luma:].reshape(2, height // 2, width // 2)
            turn = 1 - turn
        child.finish()
    except ChildFailed as error:
        failure = error
    complaints += child.stderr.splitlines()
    if failure is not None and not complaints:
        complaints.append(failure.message)


class _Gauge:
    """Keeps the last small pictures and measures the next against them."""

    def __init__(self, size: tuple[int, int], frame_rate: Fraction) -> None:
        self._motion: list[float] = []
        self._peak: list[float] = []
        self._changes: tuple[list[float], ...] = tuple([] for _ in range(LAGS))
        self._sketches: list[Plane] = []
        self._black: list[bool] = []
        self._grid = _grid(size)
        self._flashes = FlashMeter(self._grid, frame_rate)
        self._small: deque[Distances] = deque(maxlen=LAGS)
        self._luma: Plane | None = None

    def add(self, luma: Plane, chroma: Plane) -> None:
        """Measure the next picture; its planes must stay as they are until the one after it has been added."""
        before = self._luma
        self._motion.append(np.nan if before is None else cv2.norm(luma, before, cv2.NORM_L1) / luma.size)
        self._peak.append(np.nan if before is None else cv2.norm(luma, before, cv2.NORM_INF))
        self._luma = luma
        grids = [_gridded(plane, self._grid) for plane in (luma, *chroma)]
        self._flashes.add(*grids)
        light, *colours = (
            cv2.resize(grid, size, interpolation=cv2.INTER_AREA).astype(np.float32)
            for grid, size in zip(grids, (_THUMBNAIL, _CHROMA_THUMBNAIL, _CHROMA_THUMBNAIL), strict=True)
        )
        self._sketches.append(_sketch(light, colours))
        self._black.append(bool(light.max() <= _BLACK and light.mean() <= _BLACKEST_MEAN))
        small = _small(light, colours)
        for lag, changes in enumerate(self._changes, 1):
            known = lag <= len(self._small)
            changes.append(float(np.abs(small - self._small[-lag]).sum()) if known else np.nan)
        self._small.append(small)

    def finish(self, errors: tuple[str, ...]) -> Pictures:
        """Give what was measured."""
        cells = 3 * _SKETCH[0] * _SKETCH[1]
        return Pictures(
            motion=np.array(self._motion, np.float32),
            peak=np.array(self._peak, np.float32),
            changes=tuple(np.array(changes, np.float32) for changes in self._changes),
            sketches=np.array(self._sketches, np.uint8).reshape(-1, cells),
            black=np.array(self._black, np.bool_),
            flashes=self._flashes.finish(),
            errors=errors,
        )


def _small(light: Distances, colours: list[Distances]) -> Distances:
    """Reduce a picture to a vector; the sum of absolute differences of two of them is their distance."""
    mean = light.mean()
    even = (light - mean).ravel() / (max(float(light.std()), _LEAST_DEVIATION) * light.size)
    scale = np.float32(1 / (_CHROMA_LEVELS * _CHROMA_THUMBNAIL[0] * _CHROMA_THUMBNAIL[1]))
    return np.concatenate([even, *(plane.ravel() * scale for plane in colours), [mean / _MEAN_LEVELS]])


def _sketch(light: Distances, colours: list[Distances]) -> Plane:
    cells = [cv2.resize(plane, _SKETCH, interpolation=cv2.INTER_AREA).ravel() for plane in (light, *colours)]
    return np.rint(np.concatenate(cells)).astype(np.uint8)


def _grid(size: tuple[int, int]) -> tuple[int, int]:
    """Halve ``size`` until its longer side is under twice `_FINEST`: several times as fast as one step."""
    width, height = size
    while max(width, height) >= 2 * _FINEST:
        width, height = width // 2, height // 2
    return max(width, 2), max(height, 2)


def _gridded(plane: Plane, grid: tuple[int, int]) -> Plane:
    """Average a plane into ``grid`` cells."""
    while plane.shape[1] >= 2 * grid[0] and plane.shape[0] >= 2 * grid[1]:
        half = plane.shape[1] // 2, plane.shape[0] // 2
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA))
    if plane.shape != grid[::-1]:
        plane = np.asarray(cv2.resize(plane, grid, interpolation=cv2.INTER_LINEAR))
    return plane
