"""Pictures as planes: made for measuring, sent through the encoder, and read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tasks.domain.segment import SegmentSpec
from tasks.media.encode import encode_segment
from tasks.media.frames import I420, Plane

Reals = NDArray[np.float64]

FINE = 6
"""A crf at which the encoder changes pictures by less than a level on average."""


@dataclass(frozen=True, slots=True)
class Still:
    """A source that gives one picture for every frame."""

    picture: I420

    def frames(self, start: int, end: int) -> Iterator[I420]:
        """Give ``end - start`` copies."""
        for _ in range(start, end):
            yield copied(self.picture)


def flat(width: int, height: int, colour: tuple[int, int, int]) -> I420:
    """Make a picture of one colour."""
    picture = I420.empty(width, height)
    for plane, level in zip(planes(picture), colour, strict=True):
        plane[:] = level
    return picture


def planes(picture: I420) -> tuple[Plane, Plane, Plane]:
    """Give the three planes."""
    return picture.y, picture.u, picture.v


def copied(picture: I420) -> I420:
    """Give a picture of its own."""
    return I420(*(plane.copy() for plane in planes(picture)))


def taken(pictures: Iterable[I420]) -> list[I420]:
    """Keep pictures that are good only until the next is asked for."""
    return [copied(picture) for picture in pictures]


def same(a: I420, b: I420) -> bool:
    """Tell whether two pictures are equal byte for byte."""
    return all(np.array_equal(one, other) for one, other in zip(planes(a), planes(b), strict=True))


def coded(pictures: Iterable[I420], folder: Path, rate: Fraction = Fraction(30)) -> list[I420]:
    """Encode pictures of one size as a segment and decode it."""
    kept = taken(pictures)
    height, width = kept[0].y.shape
    path = folder / "coded.mp4"
    encode_segment(kept, SegmentSpec(width=width, height=height, frame_rate=rate, crf=FINE), path)
    return decoded(path)


def decoded(path: Path) -> list[I420]:
    """Decode the pictures of a film of our own."""
    with av.open(str(path)) as container:
        return [
            split(np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8), frame.width)
            for frame in container.decode(video=0)
        ]


def split(data: Plane, width: int) -> I420:
    """Part an array of luma rows and packed chroma rows into planes."""
    rows = data.shape[0] * 2 // 3
    u, v = data[rows:].reshape(2, rows // 2, width // 2)
    return I420(data[:rows], u, v)


def colours(picture: I420) -> tuple[Reals, Reals, Reals]:
    """Give red, green and blue at the size of chroma, in levels of luma above black [BT.709]."""
    height, width = picture.u.shape
    luma = picture.y.reshape(height, 2, width, 2).mean(axis=(1, 3)) - 16
    red = luma + (picture.v.astype(float) - 128) / 0.6495
    blue = luma + (picture.u.astype(float) - 128) / 0.5512
    return red, (luma - 0.2126 * red - 0.0722 * blue) / 0.7152, blue


def centre_of(light: Reals | Plane) -> tuple[float, float]:
    """Give the column and the row of the centre of what is brighter than its ground."""
    lit = light.astype(float)
    weight = np.maximum(lit - np.median(lit) - 8, 0)
    rows, columns = np.indices(weight.shape)
    total = weight.sum()
    return float((weight * columns).sum() / total), float((weight * rows).sum() / total)
