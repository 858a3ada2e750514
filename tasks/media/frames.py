"""Pictures as raw planes, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class I420:
    """One picture: BT.709 limited range, 4:2:0, chroma sited at the centre.

    Attributes
    ----------
    y : ndarray, shape (height, width), uint8
    u, v : ndarray, shape (height // 2, width // 2), uint8
    """

    y: Plane
    u: Plane
    v: Plane

    @classmethod
    def empty(cls, width: int, height: int) -> I420:
        """Make an undrawn picture."""
        half = (height // 2, width // 2)
        return cls(np.empty((height, width), np.uint8), np.empty(half, np.uint8), np.empty(half, np.uint8))


class FrameSource(Protocol):
    """Anything that gives pictures: a built-in style, a decoded clip, a still."""

    def frames(self, start: int, end: int) -> Iterator[I420]:
        """Give the pictures ``start <= n < end`` of the source's own clock, in order.

        0 is the first frame of its shot. A source answers beyond its shot, for transitions, and holds its last
        picture when it has no more. A picture's planes may be written by the caller and are good until the next
        one is asked for.
        """
        ...
