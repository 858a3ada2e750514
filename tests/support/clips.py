"""Clips with known truth: patches of known colours, pictures that carry their number, and every oddity of real files.

Conventions
-----------
A chart is four by two patches, given as 8-bit RGB; `patch_error` is the largest difference of any patch's middle from
its colour, in levels. A numbered picture shows its number as a Gray code of black and white bars.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.media.ffmpeg import locate
from tasks.media.frames import I420

Rgb = NDArray[np.uint8]

COLOURS = np.array(
    [
        [(192, 32, 32), (32, 192, 32), (32, 32, 192), (192, 192, 32)],
        [(32, 192, 192), (192, 32, 192), (128, 128, 128), (235, 235, 235)],
    ],
    np.uint8,
)
BITS = 8
_KR, _KB = 0.2126, 0.0722


def chart(width: int, height: int, colours: Rgb = COLOURS) -> Rgb:
    """Paint the patches on a picture of ``width`` x ``height``."""
    rows, columns = colours.shape[:2]
    painted: Rgb = colours[np.arange(height) * rows // height][:, np.arange(width) * columns // width]
    return painted


def numbered(number: int, width: int = 160, height: int = 90) -> Rgb:
    """Paint a number."""
    code = number ^ (number >> 1)
    bars = [235 if code >> bit & 1 else 16 for bit in range(BITS)]
    row = np.repeat(np.array(bars, np.uint8), width // BITS)
    return np.repeat(np.tile(row, (height, 1))[:, :, None], 3, axis=2)


def number_of(picture: I420) -> int:
    """Read the number that a picture shows across its whole width."""
    bar = picture.y.shape[1] / BITS
    code = sum(1 << bit for bit in range(BITS) if picture.y[:, round((bit + 0.5) * bar)].mean() > 125)
    number = 0
    while code:
        number ^= code
        code >>= 1
    return number


def run(*arguments: str, given: bytes | None = None) -> None:
    """Run ffmpeg."""
    command = [locate(), "-nostdin", "-v", "error", "-y", *arguments]
    if given is not None:
        command.remove("-nostdin")
    subprocess.run(command, input=given, check=True, capture_output=True)


def write(
    path: Path, pictures: Iterable[Rgb], *, rate: str = "30", vf: str = "", before: str = "", codec: str = ""
) -> Path:
    """Encode RGB pictures; ``vf`` ends with what the file is to say of its colours."""
    stack = list(pictures)
    height, width = stack[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate, *before.split(), "-i", "-"]
    filters = ["-vf", vf or said("bt709")]
    coding = (codec or "-c:v libx264 -qp 4 -preset ultrafast").split()
    run(*raw, *filters, *coding, str(path), given=b"".join(picture.tobytes() for picture in stack))
    return path


def said(matrix: str, pixels: str = "yuv420p", *, full: bool = False, tag: str | None = None, more: str = "") -> str:
    """Give the filters that turn RGB into ``matrix`` and have the file say ``tag``, by default the truth."""
    said_range = "pc" if full else "tv"
    parts = [
        f"scale=out_color_matrix={matrix}:out_range={said_range}:flags=bicubic+accurate_rnd+full_chroma_int",
        f"format={pixels}",
        *([more] if more else []),
        f"setparams=colorspace={tag or matrix}:range={said_range if tag != 'unknown' else 'unknown'}",
    ]
    return ",".join(parts)


def rgb_of(picture: I420) -> NDArray[np.float64]:
    """Turn BT.709 limited range into RGB of 0..255."""
    luma = (picture.y.astype(float) - 16) / 219
    blue, red = (
        np.repeat(np.repeat((plane.astype(float) - 128) / 224, 2, axis=0), 2, axis=1)
        for plane in (picture.u, picture.v)
    )
    r = luma + 2 * (1 - _KR) * red
    b = luma + 2 * (1 - _KB) * blue
    g = (luma - _KR * r - _KB * b) / (1 - _KR - _KB)
    rgb: NDArray[np.float64] = np.stack([r, g, b], axis=-1) * 255
    return rgb


def patch_error(picture: I420, colours: Rgb = COLOURS) -> float:
    """Give the largest error of any patch's colour, in levels."""
    rgb = rgb_of(picture)
    (height, width), (rows, columns) = rgb.shape[:2], colours.shape[:2]
    worst = 0.0
    for row in range(rows):
        for column in range(columns):
            y, x = int((row + 0.5) * height / rows), int((column + 0.5) * width / columns)
            found = rgb[y - 4 : y + 4, x - 4 : x + 4].mean(axis=(0, 1))
            worst = max(worst, float(np.abs(found - colours[row, column]).max()))
    return worst


def edge_error(picture: I420, colours: Rgb = COLOURS) -> float:
    """Give how many pixels the borders between patches are off, at most."""
    rgb = rgb_of(picture)
    (height, width), (rows, columns) = rgb.shape[:2], colours.shape[:2]
    worst = 0.0
    for column in range(1, columns):
        line = rgb[int(0.5 * height / rows)]
        worst = max(worst, abs(_edge(line, width * column // columns) - width * column / columns))
    for row in range(1, rows):
        line = rgb[:, int(0.5 * width / columns)]
        worst = max(worst, abs(_edge(line, height * row // rows) - height * row / rows))
    return worst


def _edge(line: NDArray[np.float64], near: int) -> float:
    """Find where the colour has gone half the way, within a few pixels of ``near``."""
    reach = 6
    before, after = line[near - reach], line[near + reach - 1]
    direction = after - before
    share = (line[near - reach : near + reach] - before) @ direction / (direction @ direction)
    return float(near - reach + np.interp(0.5, np.maximum.accumulate(share), np.arange(2 * reach) + 0.5))


def packed(picture: I420) -> bytes:
    """Give a picture's bytes."""
    return picture.y.tobytes() + picture.u.tobytes() + picture.v.tobytes()


@lru_cache
def pq_planes(width: int, height: int, nits: float = 203) -> bytes:
    """Give the chart as 10-bit BT.2020 PQ (ST 2084), white at ``nits``: yuv420p10le."""
    linear = (chart(width, height) / 255.0) ** 2.4
    wide = linear @ np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]).T
    power = (wide * nits / 10_000) ** (2610 / 16384)
    coded = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    return _ten_bits(coded)


def _ten_bits(coded: NDArray[Any]) -> bytes:
    r, g, b = np.moveaxis(coded, -1, 0)
    luma = 0.2627 * r + 0.6780 * g + 0.0593 * b
    blue, red = (b - luma) / 1.8814, (r - luma) / 1.4746
    y = np.rint(64 + 876 * luma).astype("<u2")
    u, v = (np.rint(512 + 896 * plane[::2, ::2]).astype("<u2") for plane in (blue, red))
    return bytes(y.tobytes() + u.tobytes() + v.tobytes())
