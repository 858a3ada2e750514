"""Where each word of a row stands, so that an edge can run over the row while it is sung.

Method
------
A row is drawn whole, so that letters stay joined. A word's width is the difference of the widths of what is before
and behind its end, both shaped. Words are ordered by Unicode's annex 9 with a word as its unit: each has the direction
of its first letter, numbers take that of the word before, and runs are reversed by level.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageFont

_LETTERS = {"L": 0, "R": 1, "AL": 1}


@dataclass(frozen=True, slots=True)
class Box:
    """Columns ``[left, right)`` of a word, in pixels of its row; the space before it is part of it."""

    left: float
    right: float
    is_right_to_left: bool


def word_boxes(
    row: str, words: Sequence[str], font: ImageFont.FreeTypeFont, *, is_right_to_left: bool, language: str, scale: float
) -> list[Box]:
    """Give the box of each of ``words``, which stand in ``row`` in this order; together they cover the row.

    Parameters
    ----------
    scale : float
        Pixels of the picture in one of the font.
    """
    direction = "rtl" if is_right_to_left else "ltr"

    def reach(end: int) -> float:
        return scale * font.getlength(row[:end], direction=direction, language=language or None) if end else 0.0

    ends, at = [], 0
    for word in words:
        found = row.find(word, at)
        at = len(row) if found < 0 else found + len(word)
        ends.append(at)
    if not ends:
        return []
    ends[-1] = len(row)
    starts = [0, *ends[:-1]]
    widths = [reach(end) - reach(start) for start, end in zip(starts, ends, strict=True)]
    levels = _levels([row[start:end] for start, end in zip(starts, ends, strict=True)], base=int(is_right_to_left))
    lefts, x = [0.0] * len(words), 0.0
    for place in _visual(levels):
        lefts[place] = x
        x += widths[place]
    boxes = zip(lefts, widths, levels, strict=True)
    return [Box(left, left + width, bool(level % 2)) for left, width, level in boxes]


def _levels(words: Sequence[str], base: int) -> list[int]:
    """Give each word its embedding level: odd runs from the right."""
    levels, direction = [], base
    for word in words:
        kinds = [unicodedata.bidirectional(char) for char in word]
        letters = [_LETTERS[kind] for kind in kinds if kind in _LETTERS]
        if letters:
            direction = letters[0]
            levels.append(base if direction == base % 2 else base + 1)
        elif any(kind in {"EN", "AN"} for kind in kinds) and direction == 1:
            levels.append(2)
        else:
            levels.append(base if direction == base % 2 else base + 1)
    return levels


def _visual(levels: Sequence[int]) -> list[int]:
    """Order places from left to right (rule L2): from the highest level down, reverse each run at or above it."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            if end > start:
                order[start:end] = order[start:end][::-1]
            start = max(end, start + 1)
    return order
