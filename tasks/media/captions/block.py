"""A caption as planes: drawn once with Pillow, then laid over pictures with two passes of vector code a plane.

Method
------
The letters of a row are set whole (HarfBuzz shapes, FriBidi orders). Behind them lie an outline and a soft shadow, both
black. All is kept as it is added to a picture: what lets the picture through, and colour times cover, at full size for
luma and at half for chroma. Karaoke has the colours twice, for words to come and words that are sung; an edge that is
one pixel soft runs over each word's columns, from the right where the word is read from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from tasks.domain.caption import Caption, CaptionStyle
from tasks.media.captions.layout import CARDS, Size, card_area, safe_area
from tasks.media.captions.sweep import Box
from tasks.media.captions.typeset import Cover, Setting, typeset
from tasks.media.frames import I420, Plane

_FADE = 15
"""Frames over which a card comes and goes; lines are there at once, on the frame that they are sung on."""


_WHITE = (235, 128, 128)
_GOLD = (196, 62, 156)
_BLACK = (16, 128, 128)


@dataclass(frozen=True, slots=True)
class _Layer:
    """What is added to one plane; ``sung`` is None where nothing changes colour."""

    through: Plane
    colour: Plane
    sung: Plane | None


class Block:
    """One caption, ready to be laid over pictures of one size."""

    def __init__(self, caption: Caption, size: Size) -> None:
        self._caption = caption
        setting = typeset(caption, size)
        height, width = setting.letters.shape
        self._x, self._y = _corner(caption.style, (width, height), size)
        self._boxes = setting.boxes
        is_swept = bool(self._boxes)
        self._layers = [_layer(setting, channel, half=channel > 0, is_swept=is_swept) for channel in range(3)]
        self._buffers = [np.empty_like(layer.colour) for layer in self._layers]

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of all that is drawn, shadow included, in pixels of the picture."""
        height, width = self._layers[0].through.shape
        return self._x, self._y, self._x + width, self._y + height

    def lay_over(self, picture: I420, frame: int) -> None:
        """Draw the caption as it is at the film's frame ``frame``."""
        level = self._level(frame)
        for plane, layer, buffer, half in zip(
            (picture.y, picture.u, picture.v), self._layers, self._buffers, (1, 2, 2), strict=True
        ):
            colour = self._swept(layer, buffer, frame, half)
            through = layer.through
            if level < 1:
                colour = cv2.convertScaleAbs(colour, alpha=level)  # type: ignore[assignment]
                through = cv2.convertScaleAbs(through, alpha=level, beta=255 * (1 - level))  # type: ignore[assignment]
            height, width = through.shape
            part = plane[self._y // half : self._y // half + height, self._x // half : self._x // half + width]
            cv2.multiply(part, through, dst=part, scale=1 / 255)
            cv2.add(part, colour, dst=part)

    def _level(self, frame: int) -> float:
        """Strength of the fades in and out, above 0 on each of the caption's frames."""
        caption = self._caption
        length = caption.end_frame - caption.start_frame
        fade = min(_FADE, length // 3) if caption.style in CARDS else 0
        place = min(frame - caption.start_frame, caption.end_frame - 1 - frame)
        return min(1.0, (place + 1) / (fade + 1))

    def _swept(self, layer: _Layer, buffer: Plane, frame: int, half: int) -> Plane:
        """Give the colours with the words sung so far in theirs."""
        if layer.sung is None:
            return layer.colour
        np.copyto(buffer, layer.colour)
        for word, (box, top, bottom) in zip(self._caption.words, self._boxes, strict=False):
            share = min(1.0, (frame + 1 - word.start_frame) / max(1, word.end_frame - word.start_frame))
            if share > 0:
                rows = slice(top // half, bottom // half)
                _fill(buffer[rows], layer.sung[rows], _columns(box, share, half))
        return buffer


def _columns(box: Box, share: float, half: int) -> tuple[float, float]:
    """Give the columns of a word that are sung, in pixels of a plane."""
    first, last = box.left / half, box.right / half
    reached = (last - first) * share
    return (last - reached, last) if box.is_right_to_left else (first, first + reached)


def _fill(target: Plane, sung: Plane, columns: tuple[float, float]) -> None:
    """Show ``sung`` between two columns; a column that an edge cuts shows its share."""
    width = target.shape[1]
    first, last = (min(max(at, 0.0), float(width)) for at in columns)
    inner_first, inner_last = int(np.ceil(first)), int(np.floor(last))
    if inner_first < inner_last:
        target[:, inner_first:inner_last] = sung[:, inner_first:inner_last]
    for column, share in ((inner_first - 1, inner_first - first), (inner_last, last - inner_last)):
        if share > 0 and 0 <= column < width:
            edge_on = slice(column, column + 1)
            target[:, edge_on] = cv2.addWeighted(target[:, edge_on], 1 - share, sung[:, edge_on], share, 0)


def _corner(style: CaptionStyle, block: Size, size: Size) -> tuple[int, int]:
    """Place a block: cards in the middle of what is free, lines at its foot; even, so that chroma fits."""
    width, height = block
    x = (size[0] - width) // 2
    if style in CARDS:
        area = card_area(size)
        y = (area.top + area.bottom - height) // 2
    else:
        y = safe_area(size).bottom - height
    limits = ((x, size[0] - width), (y, size[1] - height))
    left, top = (max(0, min(at, most)) & ~1 for at, most in limits)
    return left, top


def _layer(setting: Setting, channel: int, *, half: bool, is_swept: bool) -> _Layer:
    """Make one plane's layer: the dark below, the letters over it."""
    letters, dark = setting.letters, setting.dark
    through = (1 - letters) * (1 - dark)
    below = _BLACK[channel] * dark * (1 - letters)

    def ready(values: Cover) -> Plane:
        small = cv2.resize(values, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) if half else values
        return np.rint(small).astype(np.uint8)

    colour = ready(below + _WHITE[channel] * letters)
    sung = ready(below + _GOLD[channel] * letters) if is_swept else None
    return _Layer(ready(255 * through), colour, sung)


@lru_cache(maxsize=1)
def one_thread() -> None:
    """Keep OpenCV on the encoder's one thread."""
    cv2.setNumThreads(1)
