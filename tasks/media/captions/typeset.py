"""Type on planes: the rows of a caption as cover, 0..1, with the dark that carries them and the places of words.

Rows are set whole by Pillow with Raqm, larger than they are shown and brought down, so that letters keep their shapes
and places at every size. An outline and a soft, lowered shadow lie behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tasks.domain.caption import Caption
from tasks.domain.script import row_is_right_to_left
from tasks.media.captions.layout import (
    CARDS,
    SUPERSAMPLING,
    Size,
    card_area,
    edge,
    row_pitch,
    safe_area,
    type_size,
    width_of,
)
from tasks.media.captions.sweep import Box, word_boxes
from tasks.media.fonts import load_font

_OUTLINE = 0.04
_OUTLINE_COVER, _SHADOW_COVER = 0.82, 0.66
_BLUR, _FALL = 0.075, 0.03
_FOOT = 0.36
_RULE_WIDTH, _RULE_HEIGHT, _RULE_BELOW, _RULE_ABOVE = 0.8, 0.03, 0.42, 0.62

Cover = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Setting:
    """A set caption; both covers have even sides.

    Attributes
    ----------
    letters, dark : ndarray, shape (height, width), float32
        How much of a pixel is letter, and how much of what is left is darkened.
    boxes : list of (Box, int, int)
        Each word's columns, and the first and last row of pixels that its edge runs over.
    """

    letters: Cover
    dark: Cover
    boxes: list[tuple[Box, int, int]]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row's letters and dark surround, 0..1.

    ``origin`` is the column where its type begins, from which its boxes count; below the baseline it has ``lowest``
    rows of pixels, of which its letters use ``foot``.
    """

    letters: Cover
    dark: Cover
    origin: float
    boxes: tuple[Box, ...]
    lowest: int
    foot: int


def typeset(caption: Caption, size: Size) -> Setting:
    """Set a caption for pictures of ``size``, smaller where it would not fit the safe area."""
    rows, tops = _set_rows(caption, size)
    letters, dark = _stacked(rows, tops)
    area = card_area(size) if caption.style in CARDS else safe_area(size)
    room = area.bottom - area.top
    if letters.shape[0] > room:
        rows, tops = _set_rows(caption, size, room / (letters.shape[0] + 2 * len(rows) + 2))
        letters, dark = _stacked(rows, tops)
    return Setting(letters, dark, _placed_boxes(rows, tops, letters.shape[1]))


def _set_rows(caption: Caption, size: Size, scale: float = 1.0) -> tuple[list[_Row], list[int]]:
    """Draw the rows and say where each one's top is, the first one's at 0; an empty row of a card is a short rule."""
    rows: list[_Row] = []
    baselines: list[float] = []
    words = [word.text for word in caption.words]
    baseline, below = 0.0, 0
    for text in caption.text.split("\n"):
        pixels = scale * _fitting(text, caption, size, below)
        if not text:
            baseline += _RULE_BELOW * pixels
            rows.append(_rule(pixels))
            baselines.append(baseline)
            baseline, below = baseline + _RULE_ABOVE * pixels, 1
            continue
        taken = _words_of(text, words)
        words = words[len(taken) :]
        if rows and rows[-1].foot:
            baseline += row_pitch(pixels)
        rows.append(_draw_row(text, caption, pixels, taken))
        baselines.append(baseline)
    tops = [round(at) + row.lowest - row.letters.shape[0] for row, at in zip(rows, baselines, strict=True)]
    return rows, [_even(top - min(tops)) for top in tops]


def _fitting(text: str, caption: Caption, size: Size, below: int) -> float:
    """Give the size of type at which a row fits, however wide its font is."""
    pixels, area = type_size(caption.style, size, below), safe_area(size)
    most = area.right - area.left - 2 * edge(pixels)
    width = width_of(text, caption.font, pixels, caption.language) if text else 0.0
    return pixels * min(1.0, most / width) if width else pixels


def _words_of(row: str, words: Sequence[str]) -> list[str]:
    """Take as many words as stand in a row, in order."""
    taken, at = [], 0
    for word in words:
        found = row.find(word, at)
        if found < 0:
            break
        taken.append(word)
        at = found + len(word)
    return taken


def _draw_row(text: str, caption: Caption, pixels: float, words: Sequence[str]) -> _Row:
    """Set one row with its outline and shadow."""
    opened, rtl = load_font(caption.font, pixels * SUPERSAMPLING), row_is_right_to_left(text, caption.text)
    pad = edge(pixels) * SUPERSAMPLING
    direction, told = ("rtl" if rtl else "ltr"), caption.language or None
    left, top, right, bottom = opened.getbbox(text, anchor="ls", direction=direction, language=told)
    ascent, descent = opened.getmetrics()
    top, bottom = min(top, -ascent), max(bottom, descent)
    width = _whole(right - left + 2 * pad)
    height = _whole(bottom - top + 2 * pad)
    origin = (pad - left, pad - top)

    def drawn(stroke: float) -> Cover:
        image = Image.new("L", (width, height))
        ImageDraw.Draw(image).text(
            origin, text, fill=255, font=opened, anchor="ls", direction=direction, language=told, stroke_width=stroke
        )
        full = np.asarray(image, np.float32) / 255
        return cv2.resize(full, (width // SUPERSAMPLING, height // SUPERSAMPLING), interpolation=cv2.INTER_AREA).astype(
            np.float32
        )

    boxes = word_boxes(text, words, opened, is_right_to_left=rtl, language=caption.language, scale=1 / SUPERSAMPLING)
    outline = drawn(_OUTLINE * pixels * SUPERSAMPLING)
    return _Row(
        letters=drawn(0),
        dark=_surround(outline, pixels),
        origin=origin[0] / SUPERSAMPLING,
        boxes=tuple(boxes),
        lowest=round((height - origin[1]) / SUPERSAMPLING),
        foot=round(_FOOT * pixels),
    )


def _surround(outline: Cover, pixels: float) -> Cover:
    """Give the dark that carries the letters: the outline over its own blurred and lowered copy."""
    sigma, fall = _BLUR * pixels, round(_FALL * pixels)
    soft = cv2.GaussianBlur(outline, (0, 0), sigma)
    soft = np.roll(soft, fall, axis=0)
    soft[:fall] = 0
    shadow = np.minimum(1.0, 1.35 * soft) * _SHADOW_COVER
    cover: Cover = 1 - (1 - shadow) * (1 - outline * _OUTLINE_COVER)
    return cover


def _rule(pixels: float) -> _Row:
    """Draw the short line between a title and what stands below it."""
    pad, width, height = edge(pixels), round(_RULE_WIDTH * pixels), max(1, round(_RULE_HEIGHT * pixels))
    letters = np.zeros((_even(height + 2 * pad), _even(width + 2 * pad)), np.float32)
    letters[pad : pad + height, pad : pad + width] = 1
    return _Row(letters=letters, dark=_surround(letters, pixels), origin=0, boxes=(), lowest=pad, foot=0)


def _stacked(rows: Sequence[_Row], tops: Sequence[int]) -> tuple[Cover, Cover]:
    """Lay rows over each other, each in the middle."""
    width = _even(max(row.letters.shape[1] for row in rows))
    height = _even(max(top + row.letters.shape[0] for row, top in zip(rows, tops, strict=True)))
    letters, light = np.zeros((height, width), np.float32), np.ones((height, width), np.float32)
    for row, top in zip(rows, tops, strict=True):
        tall, wide = row.letters.shape
        left = (width - wide) // 2
        part = (slice(top, top + tall), slice(left, left + wide))
        letters[part] = np.maximum(letters[part], row.letters)
        light[part] *= 1 - row.dark
    return letters, 1 - light


def _placed_boxes(rows: Sequence[_Row], tops: Sequence[int], width: int) -> list[tuple[Box, int, int]]:
    """Give each word's columns in the block, and the rows of pixels from the letters above to the next ones' tops."""
    placed: list[tuple[Box, int, int]] = []
    top = 0
    for place, (row, row_top) in enumerate(zip(rows, tops, strict=True)):
        tall, wide = row.letters.shape
        is_last = place == len(rows) - 1
        bottom = _even(row_top + tall - (0 if is_last else row.lowest - row.foot))
        left = (width - wide) // 2 + row.origin
        placed.extend((Box(left + box.left, left + box.right, box.is_right_to_left), top, bottom) for box in row.boxes)
        top = bottom
    return placed


def _even(value: float) -> int:
    return int(-(-value // 2) * 2)


def _whole(value: float) -> int:
    """Round up so that a size is even after it is brought down."""
    return int(-(-value // (2 * SUPERSAMPLING)) * 2 * SUPERSAMPLING)
