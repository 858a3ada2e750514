"""What a style draws on and how its picture is finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tasks.procedural.composition import Composition
from tasks.procedural.drive import Moment
from tasks.procedural.kernels import Pixels
from tasks.procedural.palette import Palette


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture in the making, in linear light, at a style's own working size.

    Attributes
    ----------
    rgb : ndarray, shape (3, height, width), float32
        Planes of red, green and blue, 0 and up.
    scratch : ndarray, shape (2, height + 2, width + 2), float32
        Room for what a style computes first, with a border of one pixel.
    """

    rgb: Pixels
    scratch: Pixels

    @classmethod
    def of_size(cls, width: int, height: int) -> Canvas:
        """Make an undrawn canvas."""
        return cls(np.empty((3, height, width), np.float32), np.empty((2, height + 2, width + 2), np.float32))

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.rgb.shape[2])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.rgb.shape[1])

    @property
    def unit(self) -> float:
        """Pixels to one unit of length: three quarters of the way from the long to the short side.

        Lengths that followed the short side alone would make upright pictures look empty, and the long side alone
        would enlarge wide ones.
        """
        short, long = sorted((self.width, self.height))
        return 0.75 * short + 0.25 * long


@dataclass(frozen=True, slots=True)
class Finish:
    """How linear light becomes a picture.

    Attributes
    ----------
    exposure, vignette : float
        Gain of light, and its loss towards the corners.
    grain : float
        Standard deviation of grain in mid-tones, in 8-bit steps, besides dither.
    glow : float
        Share of light above ``threshold`` that spreads; 0 leaves it out.
    threshold : float
    filmic : bool
        Whether highlights roll off as on film. Printed colours stay as they are.
    """

    exposure: float
    vignette: float
    grain: float
    glow: float = 0.0
    threshold: float = 0.8
    filmic: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """A look: how to draw, at which share of the final size, and how to finish."""

    draw: Callable[[Canvas, Moment, Composition, Palette], None]
    work_scale: float
    finish: Finish
