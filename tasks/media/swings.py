"""Follow many values at once and count where they turn.

A value swings when it is far enough from the extreme since its last swing, in the other direction than that one.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

_REMEMBERED = 64  # swings of each value: those of a second at 64 frames a second
_LONG_AGO = -(1 << 40)


class Swings:
    """Follow ``count`` values; a swing is a move of ``least`` or more."""

    def __init__(self, count: int, least: float) -> None:
        self._least = np.float32(least * (1 - 1e-6))
        self._high = np.full(count, -np.inf, np.float32)
        self._low = np.full(count, np.inf, np.float32)
        self._falls_next = np.ones(count, np.bool_)
        self._rises_next = np.ones(count, np.bool_)
        self._involved = np.zeros(count, np.bool_)

    def move(
        self, values: Values, *, below: float | None = None, involving: NDArray[np.bool_] | None = None
    ) -> Values | None:
        """Take the next values and give by how much those moved that swung: up above 0, down below, else 0.

        Parameters
        ----------
        values : ndarray, shape (count,), float32
        below : float, optional
            The lower end of a swing must lie below it.
        involving : ndarray of bool, shape (count,), optional
            A swing counts only if this was so at one end of it.

        Returns
        -------
        ndarray, shape (count,), float32, or None
            None if no value swung.
        """
        np.maximum(self._high, values, out=self._high)
        np.minimum(self._low, values, out=self._low)
        falls = (self._high - values >= self._least) & self._falls_next
        rises = (values - self._low >= self._least) & self._rises_next
        if below is not None:
            falls &= values < below
            rises &= self._low < below
        if involving is not None:
            self._involved |= involving
            falls &= self._involved
            rises &= self._involved
        swung = falls | rises
        if not swung.any():
            return None
        self._falls_next[swung], self._rises_next[swung] = rises[swung], falls[swung]
        moved = np.where(rises, values - self._low, values - self._high) * swung
        self._high[swung] = self._low[swung] = values[swung]
        if involving is not None:
            self._involved[swung] = involving[swung]
        return np.asarray(moved, np.float32)


class Counted:
    """Remember at which frames values swung."""

    def __init__(self, swings: Swings, frame_rate: Fraction, count: int) -> None:
        self._swings = swings
        self._rate = frame_rate
        self._frames = np.full((count, _REMEMBERED), _LONG_AGO, np.int64)
        self._last = _LONG_AGO

    def move(self, values: Values, frame: int, *, below: float | None = None) -> None:
        """Take the values of a frame."""
        moved = self._swings.move(values, below=below)
        if moved is None:
            return
        swung = moved != 0
        self._frames[swung, :-1] = self._frames[swung, 1:]
        self._frames[swung, -1] = frame
        self._last = frame

    def most(self, frame: int) -> int:
        """How many swings the second that ends with ``frame`` holds, of the value that has most."""
        if frame - self._last >= self._rate:
            return 0
        return int(np.count_nonzero(self._within(frame), axis=1).max())

    def hot(self, frame: int, count: int) -> NDArray[np.bool_]:
        """Tell which values swung ``count`` times or more within the second that ends with ``frame``."""
        if frame - self._last >= self._rate:
            return np.zeros(len(self._frames), np.bool_)
        return np.asarray(self._within(frame)[:, -count])

    def too_many_since(self, frame: int, count: int) -> int | None:
        """Give the first of ``count`` or more swings within a second the last of which is at ``frame``, or None."""
        if self._last != frame:
            return None
        now = (self._frames[:, -1] == frame) & self.hot(frame, count)
        return int(self._frames[now, -count].min()) if now.any() else None

    def _within(self, frame: int) -> NDArray[np.bool_]:
        # whole numbers: a swing lies within the second if it is at most ceil(rate) - 1 frames ago
        return self._frames > frame - -(-self._rate.numerator // self._rate.denominator)
