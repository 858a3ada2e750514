"""Which picture of a clip is shown at which frame of its shot.

Conventions
-----------
Everything is exact: a shot's frame k shows the clip at ``start_s + k * speed / frame_rate``. Shown there is the last
picture that begins before half a frame later, which is what rounding each time stamp to the nearest frame gives, so
that containers that round their time stamps to milliseconds neither skip nor double a picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from tasks.domain.clip import Beyond, ClipShot
from tasks.domain.timebase import HALF


class ShotClock:
    """The clip's time for every frame of a shot."""

    def __init__(self, shot: ClipShot, frame_rate: Fraction) -> None:
        self._shot = shot
        self._step = shot.speed / frame_rate
        self._length = max(1, math.ceil(shot.length_s / self._step))

    def place(self, frame: int) -> int:
        """Give the frame inside the clip's part that is shown at ``frame``: beyond it the part is held or turned."""
        if self._shot.beyond is Beyond.FREEZE or self._length == 1:
            return min(max(frame, 0), self._length - 1)
        there_and_back = 2 * (self._length - 1)
        turned = frame % there_and_back
        return min(turned, there_and_back - turned)

    def time_s(self, place: int) -> Fraction:
        """Give the clip's time at a frame inside its part."""
        return self._shot.start_s + place * self._step

    def bound_s(self, place: int) -> Fraction:
        """Give the time before which a picture begins to be shown at a frame inside the clip's part."""
        return self._shot.start_s + (place + HALF) * self._step


def stretches(places: Sequence[int], longest_backwards: int) -> Iterator[Sequence[int]]:
    """Part ``places`` where their direction turns; one that runs backwards has at most ``longest_backwards``."""
    start, rising = 0, True
    for at, (before, after) in enumerate(pairwise(places), 1):
        if at - start == 1:
            rising = after >= before
        elif (after >= before) != rising or (not rising and at - start >= longest_backwards):
            yield places[start:at]
            start = at
    if places:
        yield places[start:]
