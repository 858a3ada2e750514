"""A film's preview: a few seconds of it, small, as an animated WebP or GIF that plays without a player.

It is read out of a film of ours, from the keyframe before its first picture on. WebP keeps colours; GIF has 256 of
them, chosen for all its pictures together, so that still parts do not flicker.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from tasks.domain.errors import MediaError
from tasks.media.poster import to_bgr
from tasks.media.probe import open_own

SECONDS = Fraction(3)
_RATE = Fraction(12)
_LONG_SIDE = 360
_WEBP_QUALITY = 60
_COLOURS = 256


class PreviewFormat(StrEnum):
    """What a preview is written as."""

    WEBP = "webp"
    GIF = "gif"


def write_preview(
    film: Path, path: Path, form: PreviewFormat, *, start_s: Fraction, seconds: Fraction = SECONDS
) -> int:
    """Write the ``seconds`` of ``film`` from ``start_s`` on to ``path``, and return the number of pictures.

    Raises
    ------
    MediaError
        If the film has no picture there, or cannot be read.
    """
    try:
        pictures = [Image.fromarray(picture) for picture in _pictures(film, start_s, seconds)]
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"the film for a preview cannot be read: {error}") from error
    if not pictures:
        raise MediaError("the film has no picture where its preview was to be")
    shared = {"save_all": True, "duration": round(1000 / _RATE), "loop": 0}
    if form is PreviewFormat.WEBP:
        pictures[0].save(path, "WEBP", append_images=pictures[1:], quality=_WEBP_QUALITY, method=2, **shared)
        return len(pictures)
    palette = _together(pictures).quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)
    few = [picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for picture in pictures]
    few[0].save(path, "GIF", append_images=few[1:], **shared)
    return len(few)


def _pictures(film: Path, start_s: Fraction, seconds: Fraction) -> Iterator[np.ndarray]:
    """Give small pictures in RGB at the preview's rate: of each moment the one that is shown then."""
    wanted = [start_s + n / _RATE for n in range(round(seconds * _RATE))]
    with open_own(film) as container:
        stream = container.streams.video[0]
        time_base = stream.time_base or Fraction(1)
        container.seek(int(start_s / time_base), stream=stream)
        shown: av.VideoFrame | None = None
        for frame in container.decode(stream):
            time_s = (frame.pts or 0) * time_base
            while wanted and shown is not None and wanted[0] < time_s:
                yield _small(shown)
                wanted.pop(0)
            shown = frame
            if not wanted:
                return
        if shown is not None and wanted and (shown.pts or 0) * time_base + 1 / _rate_of(stream) > wanted[0]:
            yield _small(shown)


def _rate_of(stream: av.video.stream.VideoStream) -> Fraction:
    return stream.average_rate or Fraction(25)


def _small(frame: av.VideoFrame) -> np.ndarray:
    share = min(1.0, _LONG_SIDE / max(frame.width, frame.height))
    size = (max(2, round(frame.width * share)), max(2, round(frame.height * share)))
    small = cv2.resize(to_bgr(frame), size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB)


def _together(pictures: list[Image.Image]) -> Image.Image:
    """Put some of the pictures on one sheet, for colours that suit all."""
    some = pictures[:: max(1, len(pictures) // 8)]
    width, height = some[0].size
    sheet = Image.new("RGB", (width, height * len(some)))
    for place, picture in enumerate(some):
        sheet.paste(picture, (0, place * height))
    return sheet
