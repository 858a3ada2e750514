"""Pictures that carry their number, so that it can be read after a transition: from both of its sides.

Conventions
-----------
A number is a Gray code of `BITS` black and white stripes across the picture under a grey one, for shots of even place
in the upper and for those of odd place in the lower part around the middle; the other part is grey. What moves or mixes
pictures sideways leaves stripes readable, and a mixture with grey leaves their sign. For what throws rows about there
are flat pictures, whose luma and V are digits of the number and whose U tells the shots apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.media.frames import I420
from tests.support.planes import Reals, flat

WIDTH, HEIGHT = 96, 208
BITS = 7
_GREY = 126
_STRIPE, _TOP = 6, 54
_BLACK, _WHITE = 16, 235
_DIGIT, _LEVELS, _COLOURS = 12, 12, 18
_SIDES = (90, 166)


@dataclass(frozen=True, slots=True)
class Coded:
    """A shot's pictures; its frame n carries ``first + n``."""

    shot: int
    first: int
    flat: bool = False

    def frames(self, start: int, end: int) -> Iterator[I420]:
        """Draw the pictures ``start <= n < end``."""
        for number in range(self.first + start, self.first + end):
            yield _flat(number, self.shot) if self.flat else _striped(number, self.shot)


def _flat(number: int, shot: int) -> I420:
    return flat(WIDTH, HEIGHT, (30 + _LEVELS * (number % _DIGIT), _SIDES[shot % 2], 40 + _COLOURS * (number // _DIGIT)))


def _striped(number: int, shot: int) -> I420:
    picture = flat(WIDTH, HEIGHT, (_GREY, 128, 128))
    code = number ^ (number >> 1)
    for bit in range(BITS):
        top = _top(shot) + _STRIPE * (bit + 1)
        picture.y[top : top + _STRIPE] = _WHITE if code >> bit & 1 else _BLACK
    return picture


def striped_number(picture: I420, shot: int, columns: slice, zoom: float = 1.0) -> int:
    """Read the number of a shot's picture that has been enlarged by ``zoom`` about the middle."""
    rows = picture.y[:, columns].astype(float).mean(axis=1)
    grey, *bits = (_stripe(rows, _top(shot) + _STRIPE * place, zoom) for place in range(BITS + 1))
    code = sum(1 << bit for bit, level in enumerate(bits) if level > grey)
    number = 0
    while code:
        number ^= code
        code >>= 1
    return number


def flat_numbers(picture: I420) -> dict[int, tuple[int, int]]:
    """Read for both sides (0: shots of even place) the number, and how many rows of chroma show it."""
    found: dict[int, tuple[int, int]] = {}
    tints = np.median(picture.u, axis=1)
    for side, tint in enumerate(_SIDES):
        rows = np.flatnonzero(np.abs(tints - tint) < 20)
        if len(rows):
            light, colour = np.median(picture.y[2 * rows]), np.median(picture.v[rows])
            number = round((light - 30) / _LEVELS) + _DIGIT * round((colour - 40) / _COLOURS)
            found[side] = (int(number), len(rows))
    return found


def _top(shot: int) -> int:
    return _TOP + (BITS + 1) * _STRIPE * (shot % 2)


def _stripe(rows: Reals, top: int, zoom: float) -> float:
    """Give the level of the middle of a stripe that began at ``top``."""
    middle = HEIGHT / 2 + (top + _STRIPE / 2 - HEIGHT / 2) * zoom
    reach = max(0.5, (_STRIPE / 2 - 1.5) * zoom)
    return float(rows[round(middle - reach - 0.5) : round(middle + reach + 0.5)].mean())
