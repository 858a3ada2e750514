"""A film at one glance: pictures from the whole of it on one sheet."""

from __future__ import annotations

from pathlib import Path

import ffmpeg as builder
import numpy as np
from PIL import Image

from tasks.domain.errors import InvalidInput, MediaError
from tasks.media import sandbox
from tasks.media.probe import open_own

_TILE_LONG_SIDE = 384
_GAP = 6


def contact_sheet(video: Path, out: Path, *, columns: int, rows: int, ffmpeg: str) -> None:
    """Write a PNG of ``columns`` x ``rows`` pictures, evenly spaced over ``video``.

    Raises
    ------
    InvalidInput
        If ``video`` is no film that can be read, or ``out`` cannot be written.
    MediaError
        If it has fewer pictures than it promises.
    """
    frames, (width, height) = _dimensions(video)
    count = columns * rows
    chosen = sorted({min(frames - 1, (2 * tile + 1) * frames // (2 * count)) for tile in range(count)})
    scale = _TILE_LONG_SIDE / max(width, height)
    tile_width, tile_height = (max(2, round(side * scale / 2) * 2) for side in (width, height))
    sheet = Image.new("RGB", (columns * (tile_width + _GAP) + _GAP, rows * (tile_height + _GAP) + _GAP), (14, 14, 16))
    for tile, picture in enumerate(_pictures(video, chosen, (tile_width, tile_height), ffmpeg)):
        row, column = divmod(tile, columns)
        sheet.paste(picture, (_GAP + column * (tile_width + _GAP), _GAP + row * (tile_height + _GAP)))
    try:
        sheet.save(out, format="PNG", optimize=True)
    except OSError as error:
        raise InvalidInput(f"The sheet {out} cannot be written ({error.strerror}).", code="output_invalid") from error


def _dimensions(video: Path) -> tuple[int, tuple[int, int]]:
    try:
        with open_own(video) as container:
            stream = container.streams.video[0]
            return max(1, stream.frames), (stream.codec_context.width, stream.codec_context.height)
    except Exception as error:  # a hostile header can raise nearly anything from the library
        raise InvalidInput(f"{video} is no film that can be read; give an mp4.", code="video_not_media") from error


def _pictures(video: Path, chosen: list[int], size: tuple[int, int], ffmpeg: str) -> list[Image.Image]:
    width, height = size
    select = "+".join(f"eq(n,{frame})" for frame in chosen)

    def build(descriptor: int) -> list[str]:
        source = builder.input("fd:", fd=descriptor, **sandbox.GUARDED_INPUT)
        film = source.video.filter("select", select).filter("scale", width, height, flags="area")
        output = film.output("pipe:1", format="rawvideo", pix_fmt="rgb24", fps_mode="passthrough", threads=1)
        command: list[str] = output.global_args("-nostdin", "-v", "error").compile(cmd=ffmpeg)
        return command

    pictures = []
    buffer = bytearray(width * height * 3)
    with sandbox.guarded(video, build) as child:
        for _ in chosen:
            if child.read_into(memoryview(buffer)) < len(buffer):
                break
            pictures.append(Image.fromarray(np.frombuffer(bytes(buffer), np.uint8).reshape(height, width, 3)))
        child.finish()
    if not pictures:
        raise MediaError(f"{video.name} gave no pictures")
    return pictures
