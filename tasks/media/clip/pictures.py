"""What both ways of decoding a clip are given, and what they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from tasks.media.clip.chain import Chain
from tasks.media.clip.header import ClipHeader
from tasks.media.frames import I420, Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A clip and how it is read: ``chain`` gives pictures of ``width`` x ``height``."""

    path: Path
    header: ClipHeader
    chain: Chain
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The stretch of a file that is decoded, by its own time stamps; None is its beginning or its end."""

    start_s: Fraction | None = None
    end_s: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture and the time stamp of its file.

    ``draw`` gives it in the film's form; its planes are good until the next but one picture is drawn.
    """

    time_s: Fraction
    draw: Callable[[], I420]


class Ring:
    """Two pictures that are written in turn."""

    def __init__(self, width: int, height: int) -> None:
        size = width * height * 3 // 2
        self.buffers = [np.empty(size, np.uint8) for _ in range(2)]
        self.pictures = [planes_of(buffer, width, height) for buffer in self.buffers]


def planes_of(buffer: Plane, width: int, height: int) -> I420:
    """See the planes in packed yuv420p of ``width * height * 3 / 2`` bytes."""
    luma, half = width * height, (height // 2, width // 2)
    quarter = luma // 4
    return I420(
        buffer[:luma].reshape(height, width),
        buffer[luma : luma + quarter].reshape(half),
        buffer[luma + quarter :].reshape(half),
    )
