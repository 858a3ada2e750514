"""Where words stand and how large they are: safe areas of each shape, sizes of type, and rows that fit.

Conventions
-----------
Lengths are shares of the picture's shorter side for type, of its width and height for safe areas. In upright pictures
the lower fifth and the edges belong to the controls of the apps that show them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from tasks.domain.caption import CaptionStyle
from tasks.domain.script import is_right_to_left, script_of
from tasks.media.fonts import load_font

SUPERSAMPLING = 2
"""Type is set this much larger and brought down, so that letters keep their places at every size."""

CARDS = frozenset({CaptionStyle.TITLE, CaptionStyle.CREDIT})
"""Styles that stand in the middle."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the picture in pixels, ``[left, right)`` by ``[top, bottom)``."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """Free edges, and how many rows a line of lyrics may have, for pictures up to a height of ``ratio`` widths."""

    ratio: float
    side: float
    top: float
    bottom: float
    rows: int


_SHAPES = (
    _Shape(0.8, side=0.08, top=0.06, bottom=0.08, rows=2),
    _Shape(1.12, side=0.07, top=0.07, bottom=0.09, rows=3),
    _Shape(1.5, side=0.07, top=0.08, bottom=0.12, rows=3),
    _Shape(99.0, side=0.11, top=0.12, bottom=0.24, rows=3),
)
_TYPE = {
    CaptionStyle.LINE: 0.066,
    CaptionStyle.KARAOKE: 0.066,
    CaptionStyle.TITLE: 0.105,
    CaptionStyle.CREDIT: 0.05,
}
_SECOND = 0.46
"""Size of a title's further rows beside its first."""
_PITCH = 1.26
_PAUSES = frozenset({"Zs", "Pe", "Pf", "Po", "Pd"})
_INSIDE = 0.45
"""What a break inside a run of letters costs, as the square of this share of a row: words without spaces stay whole."""
_CLOSING = frozenset({"Pe", "Pf", "Po"})
_LONG_VOWEL = "\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}"
_BY_CHARACTER = frozenset({"Chinese", "Japanese"})


def shape_of(size: Size) -> _Shape:
    """Give what belongs to a picture of ``size`` (width, height)."""
    width, height = size
    return next(shape for shape in _SHAPES if height <= shape.ratio * width)


def safe_area(size: Size) -> Area:
    """Give the part of a picture of ``size`` that screens and apps leave free."""
    width, height = size
    shape = shape_of(size)
    return Area(
        left=round(width * shape.side),
        top=round(height * shape.top),
        right=width - round(width * shape.side),
        bottom=height - round(height * shape.bottom),
    )


def card_area(size: Size) -> Area:
    """Give the part of the safe area that cards have: what lines of lyrics, at their most, leave free above them."""
    area, pixels = safe_area(size), type_size(CaptionStyle.LINE, size)
    below = round(most_rows(size) * row_pitch(pixels)) + edge(pixels)
    return Area(area.left, area.top, area.right, area.bottom - below)


def type_size(style: CaptionStyle, size: Size, below: int = 0) -> float:
    """Pixels an em of a style in a picture of ``size``; ``below`` is 1 for what stands below a title's rule."""
    factor = _SECOND if style is CaptionStyle.TITLE and below else 1.0
    return _TYPE[style] * factor * min(size)


def row_pitch(pixels: float) -> float:
    """Pixels from one row to the next of type that is ``pixels`` an em."""
    return _PITCH * pixels


def edge(pixels: float) -> int:
    """Pixels around the letters that outline and shadow need."""
    return round(0.3 * pixels) + 2


@lru_cache(maxsize=4096)
def width_of(text: str, font: str, pixels: float, language: str) -> float:
    """Give the advance of a text in pixels, shaped and ordered."""
    opened = load_font(font, pixels * SUPERSAMPLING)
    direction = "rtl" if is_right_to_left(text) else "ltr"
    return opened.getlength(text, direction=direction, language=language or None) / SUPERSAMPLING


def rows_of(
    text: str, style: CaptionStyle, font: str, size: Size, *, below: int = 0, language: str = ""
) -> tuple[str, ...]:
    """Break a text into the fewest rows that fit the safe area, of as even a length as can be."""
    pixels, area = type_size(style, size, below), safe_area(size)
    most = area.right - area.left - 2 * edge(pixels)
    pieces = [part for piece in _pieces(text) for part in _narrow(piece, font, pixels, language, most)]

    def cost(first: int, last: int) -> float | None:
        width = width_of("".join(pieces[first:last]).strip(), font, pixels, language)
        if width > most and last - first > 1:
            return None
        is_pause = last == len(pieces) or unicodedata.category(pieces[last - 1][-1]) in _PAUSES
        return width * width + (0.0 if is_pause else (_INSIDE * most) ** 2)

    return tuple("".join(pieces[a:b]).strip() for a, b in pairwise(_breaks(len(pieces), cost)))


def most_rows(size: Size) -> int:
    """How many rows a line of lyrics may have at once."""
    return shape_of(size).rows


def _pieces(text: str) -> list[str]:
    """Cut where a row may end: behind spaces, and around characters of scripts that have none."""
    pieces: list[str] = []
    for char in text:
        if not pieces or _may_part(pieces[-1][-1], char):
            pieces.append(char)
        else:
            pieces[-1] += char
    return pieces


def _may_part(before: str, char: str) -> bool:
    if before == " ":
        return char != " "
    clings = unicodedata.category(char) in _CLOSING or unicodedata.combining(char) != 0 or char in {" ", _LONG_VOWEL}
    return not clings and (script_of(char) in _BY_CHARACTER or script_of(before) in _BY_CHARACTER)


def _narrow(piece: str, font: str, pixels: float, language: str, most: float) -> Sequence[str]:
    """Cut a single word that is wider than the area where it just fits."""
    if width_of(piece.strip(), font, pixels, language) <= most:
        return (piece,)
    parts, start = [], 0
    for end in range(1, len(piece)):
        is_mark = unicodedata.combining(piece[end]) != 0
        if not is_mark and width_of(piece[start : end + 1].strip(), font, pixels, language) > most:
            parts.append(piece[start:end])
            start = end
    return (*parts, piece[start:])


def _breaks(count: int, cost_of: Callable[[int, int], float | None]) -> list[int]:
    """Choose breaks of ``count`` pieces: fewest rows first, then the least cost; of equal ones the earliest breaks."""
    best: list[tuple[int, float, int]] = [(0, 0.0, 0)]
    for last in range(1, count + 1):
        choices = []
        for first in range(last - 1, -1, -1):
            own = cost_of(first, last)
            if own is None:
                break
            rows, before, _ = best[first]
            choices.append((rows + 1, before + own, first))
        best.append(min(choices))
    breaks = [count]
    while breaks[-1] > 0:
        breaks.append(best[breaks[-1]][2])
    return breaks[::-1]
