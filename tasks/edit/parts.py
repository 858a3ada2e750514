"""How a long shot is parted into segments: by a rule on its length alone, never by workers or load."""

from __future__ import annotations

from itertools import pairwise

from tasks.domain.timebase import FrameRange

LONGEST_SEGMENT = 240
"""Frames. A longer shot is encoded in equal parts, none of which is then shorter than half of it."""


def parts_of(frames: int) -> tuple[FrameRange, ...]:
    """Part a shot of ``frames`` frames into as few segments as the rule allows, as equal as they can be."""
    count = -(-frames // LONGEST_SEGMENT)
    edges = [frames * part // count for part in range(count + 1)]
    return tuple(FrameRange(start, end) for start, end in pairwise(edges))
