"""Rational time.

Conventions
-----------
A frame rate is a `Fraction` of frames per second. A moment in a film is an integer frame; a stretch is a half-open
range ``[start, end)``. Seconds as floats exist only in arrays of music analysis and at the JSON edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from tasks.domain.errors import InvalidRecord

HALF = Fraction(1, 2)


def frame_count(duration_s: Fraction, frame_rate: Fraction) -> int:
    """Count the frames of a film that lasts ``duration_s`` seconds: floor(duration x rate + 1/2)."""
    return math.floor(duration_s * frame_rate + HALF)


def nearest_frame(time_s: float | Fraction, frame_rate: Fraction) -> int:
    """Return the frame whose start is nearest to ``time_s``; a tie goes to the later frame."""
    return math.floor(Fraction(time_s) * frame_rate + HALF)


def rate_text(frame_rate: Fraction) -> str:
    """Write a rate as ``"30/1"``."""
    return f"{frame_rate.numerator}/{frame_rate.denominator}"


def parse_rate(text: str) -> Fraction:
    """Read a rate written as ``"30/1"`` or ``"30"``.

    Raises
    ------
    InvalidRecord
        If it is no positive number.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidRecord(f"{text!r} is not a frame rate; write it as 30/1") from error
    if rate <= 0:
        raise InvalidRecord(f"a frame rate is above zero, not {text}")
    return rate


@dataclass(frozen=True, slots=True, order=True)
class FrameRange:
    """The frames ``start <= n < end``."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise InvalidRecord(f"a frame range holds at least one frame, not [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start
