"""How numbers, moments and lists are said."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

MOST_NAMED = 5


def count(number: int, noun: str) -> str:
    """Say how many."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def named(numbers: Sequence[int]) -> str:
    """Name the first few."""
    more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
    return ", ".join(map(str, numbers[:MOST_NAMED])) + more


def moment(frame: float, rate: Fraction) -> str:
    """Say when a frame is shown."""
    return f"{frame / float(rate):.3f} s"


def off_beat(error_frames: float, rate: Fraction) -> str:
    """Say how far a cut is from its beat."""
    ms = abs(error_frames) / float(rate) * 1000
    side = "after" if error_frames > 0 else "before"
    return f"{abs(error_frames):.2f} frames {side} its beat ({ms:.0f} ms)"
