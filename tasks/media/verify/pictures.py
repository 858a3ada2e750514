"""Decode a film's pictures once and measure how each differs from those before it.

Conventions
-----------
Arrays have one value for each decoded frame; what frame 0 has no predecessor for is NaN.

Method
------
The guarded child gives every decoded picture once and at full size. ``motion`` is the mean absolute difference of
full-size luma and ``peak`` the largest: they tell a repeated picture from a moving one, and from one in which little
moves but fast. ``changes`` are distances of small pictures, 64x36,
whose luma has its mean taken off and is divided by its deviation: a flash or a fade moves them little, other
content moves them much. What that loses of flat colours, chroma and a share of the mean bring back. Only
the three pictures before the current one are held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import ffmpeg as ffmpeg_python
import numpy as np
from numpy.typing import NDArray

from tasks.domain.errors import ChildFailed
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
    errors : tuple of str
        What the decoder complained of.
    """

    motion: Distances
    peak: Distances
    changes: tuple[Distances, ...]
    errors: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many pictures were decoded."""
        return len(self.motion)


def measure_pictures(video: Path, size: tuple[int, int], *, ffmpeg: str) -> Pictures:
    """Decode the first picture track of ``video``.

    Parameters
    ----------
    size : tuple of int
        Width and height of its pictures; odd or very large ones are made even or smaller.
    """
    width, height = (max(2, min(side, _LARGEST) & ~1) for side in size)
    gauge = _Gauge()
    complaints: list[str] = []
    with guarded(video, lambda descriptor: _command(ffmpeg, descriptor, width, height), _LIMITS) as child:
        for luma, chroma in _decoded(child, width, height, complaints):
            gauge.add(luma, chroma)
    motion, peak = np.array(gauge.motion, np.float32), np.array(gauge.peak, np.float32)
    return Pictures(motion, peak, gauge.changes(), tuple(complaints))


def _command(ffmpeg: str, descriptor: int, width: int, height: int) -> list[str]:
    source = ffmpeg_python.input(
        "fd:", fd=descriptor, err_detect="explode", noautorotate=None, threads=2, **GUARDED_INPUT
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

    def __init__(self) -> None:
        self.motion: list[float] = []
        self.peak: list[float] = []
        self._changes: tuple[list[float], ...] = tuple([] for _ in range(LAGS))
        self._small: deque[Distances] = deque(maxlen=LAGS)
        self._luma: Plane | None = None

    def add(self, luma: Plane, chroma: Plane) -> None:
        """Measure the next picture; its planes must stay as they are until the one after it has been added."""
        before = self._luma
        self.motion.append(np.nan if before is None else cv2.norm(luma, before, cv2.NORM_L1) / luma.size)
        self.peak.append(np.nan if before is None else cv2.norm(luma, before, cv2.NORM_INF))
        self._luma = luma
        small = _small(luma, chroma)
        for lag, changes in enumerate(self._changes, 1):
            known = lag <= len(self._small)
            changes.append(float(np.abs(small - self._small[-lag]).sum()) if known else np.nan)
        self._small.append(small)

    def changes(self) -> tuple[Distances, ...]:
        return tuple(np.array(changes, np.float32) for changes in self._changes)


def _small(luma: Plane, chroma: Plane) -> Distances:
    """Reduce a picture to a vector; the sum of absolute differences of two of them is their distance."""
    light = _shrunk(luma, _THUMBNAIL)
    mean = light.mean()
    light = (light - mean) / (max(float(light.std()), _LEAST_DEVIATION) * light.size)
    scale = np.float32(1 / (_CHROMA_LEVELS * _CHROMA_THUMBNAIL[0] * _CHROMA_THUMBNAIL[1]))
    colours = [_shrunk(plane, _CHROMA_THUMBNAIL) * scale for plane in chroma]
    return np.concatenate([light, *colours, [mean / _MEAN_LEVELS]])


def _shrunk(plane: Plane, size: tuple[int, int]) -> Distances:
    """Average a plane into ``size`` cells; halving first is several times faster than one step."""
    while plane.shape[1] >= 4 * size[0] and plane.shape[0] >= 4 * size[1]:
        plane = np.asarray(cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA))
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
