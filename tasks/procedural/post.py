"""From linear light to a finished picture: glow, tone, grain and BT.709 planes.

Method
------
Tone and colour conversion happen at the style's working size; afterwards luma alone is enlarged to the full size and
chroma is brought straight to half of it, which is cheaper than enlarging three colours and looks the same. Grain is
added in luma while it is rounded to 8 bits, so that it also breaks up bands.

References
----------
.. [1] Krzysztof Narkowicz, "ACES filmic tone mapping curve", 2016.
.. [2] ITU-R BT.709-6.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.frames import I420
from tasks.procedural.canvas import Canvas, Finish
from tasks.procedural.kernels import Constants, F, I, Pixels, constants, helper, kernel, weyl

GLOW_SHORT_SIDE = 96
"""Glow is computed at this size whatever the picture's, so that it spreads equally far."""
TILE = 256


@helper
def _gamma(x: F) -> F:
    """Encode linear light 0..1 as sRGB 0..255, by three square roots."""
    a: F = np.sqrt(x)
    b: F = np.sqrt(a)
    d: F = np.sqrt(b)
    return F(149.20617) * a + F(199.70079) * b - F(93.907498) * d


@helper
def _filmic(x: F) -> F:
    """Roll highlights off as ACES does [1]_."""
    return min(x * (F(2.51) * x + F(0.03)) / (x * (F(2.43) * x + F(0.59)) + F(0.14)), F(1))


@kernel
def develop_light(rgb: Pixels, glow: Pixels, ycc: Pixels, c: Constants) -> None:
    """Add glow, expose, darken corners, roll off highlights and convert to Y'CbCr in 8-bit steps [2]_."""
    exposure, vignette, half_width, half_height = c
    rows, columns = rgb.shape[1:]
    for j in range(rows):
        v = (F(j) + F(0.5)) / half_height - F(1)
        for i in range(columns):
            u = (F(I(i)) + F(0.5)) / half_width - F(1)
            gain = exposure * (F(1) - vignette * (u * u + v * v))
            r = _gamma(_filmic(max((rgb[0, j, i] + glow[0, j, i]) * gain, F(0))))
            g = _gamma(_filmic(max((rgb[1, j, i] + glow[1, j, i]) * gain, F(0))))
            b = _gamma(_filmic(max((rgb[2, j, i] + glow[2, j, i]) * gain, F(0))))
            ycc[0, j, i] = F(16) + F(0.18258588) * r + F(0.61423059) * g + F(0.06200706) * b
            ycc[1, j, i] = F(128) - F(0.10064373) * r - F(0.33857195) * g + F(0.43921569) * b
            ycc[2, j, i] = F(128) + F(0.43921569) * r - F(0.39894216) * g - F(0.04027353) * b


@kernel
def develop_print(rgb: Pixels, ycc: Pixels, c: Constants) -> None:
    """Expose, darken corners and convert to Y'CbCr in 8-bit steps; colours stay as they were mixed."""
    exposure, vignette, half_width, half_height = c
    rows, columns = rgb.shape[1:]
    for j in range(rows):
        v = (F(j) + F(0.5)) / half_height - F(1)
        for i in range(columns):
            u = (F(I(i)) + F(0.5)) / half_width - F(1)
            gain = exposure * (F(1) - vignette * (u * u + v * v))
            r = _gamma(min(max(rgb[0, j, i] * gain, F(0)), F(1)))
            g = _gamma(min(max(rgb[1, j, i] * gain, F(0)), F(1)))
            b = _gamma(min(max(rgb[2, j, i] * gain, F(0)), F(1)))
            ycc[0, j, i] = F(16) + F(0.18258588) * r + F(0.61423059) * g + F(0.06200706) * b
            ycc[1, j, i] = F(128) - F(0.10064373) * r - F(0.33857195) * g + F(0.43921569) * b
            ycc[2, j, i] = F(128) + F(0.43921569) * r - F(0.39894216) * g - F(0.04027353) * b


@kernel
def round_plane(plane: Pixels, grain: Pixels, out: NDArray[np.uint8], offset: tuple[I, I], c: Constants) -> None:
    """Add grain, weighted to mid-tones, and round to the legal range."""
    dither, strength, highest = c
    across, down = offset
    rows, columns = plane.shape
    for j in range(rows):
        noise = grain[(I(j) + down) & I(TILE - 1)]
        for i in range(columns):
            y = plane[j, i]
            amount = dither + strength * (F(1) - abs(y - F(120)) * F(1 / 130))
            out[j, i] = np.uint8(I(min(max(y + noise[i + across] * amount + F(0.5), F(16)), highest)))


@lru_cache(maxsize=4)
def grain_tile(columns: int) -> Pixels:
    """Make grain of mean 0 and deviation 1 without low frequencies, repeated to ``columns`` and one tile more.

    Returns
    -------
    ndarray, shape (256, columns + 256), float32
    """
    white = np.random.Generator(np.random.PCG64(99)).random((4, TILE, TILE)).sum(axis=0) - 2.0
    around = sum((np.roll(white, shift, axis) for axis in (0, 1) for shift in (-1, 1)), np.zeros_like(white))
    high = white - around / 4.0
    high /= np.sqrt((high * high).mean())
    return np.ascontiguousarray(np.tile(high.astype(np.float32), (1, columns // TILE + 2)))


def _glow(rgb: Pixels, finish: Finish) -> Pixels:
    """Spread the light above the threshold, softly and wide; shape as ``rgb``."""
    height, width = rgb.shape[1:]
    shrink = min(1.0, GLOW_SHORT_SIDE / min(width, height))
    size = (max(round(width * shrink), 1), max(round(height * shrink), 1))
    small = cv2.merge([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in rgb])
    bright = np.minimum(np.maximum(small - F(finish.threshold), F(0)), F(6))
    sigma = 2.0 * min(size) / GLOW_SHORT_SIDE
    near = cv2.GaussianBlur(bright, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    wide = cv2.GaussianBlur(near, (0, 0), 4.0 * sigma, borderType=cv2.BORDER_REPLICATE)
    spread = (near * F(0.6) + wide * F(0.5)) * F(finish.glow)
    planes = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in cv2.split(spread)]
    return np.stack(planes).astype(np.float32, copy=False)


def finish_picture(canvas: Canvas, finish: Finish, number: int, out: I420) -> None:
    """Turn a drawn canvas into a picture.

    Parameters
    ----------
    canvas : Canvas
        What a style drew.
    finish : Finish
        Tone, glow and grain.
    number : int
        Decides the grain; neighbours never get the same.
    out : I420
        Where the picture goes: Y in 16..235, U and V in 16..240.
    """
    ycc = np.empty_like(canvas.rgb)
    c = constants(finish.exposure, finish.vignette, canvas.width / 2, canvas.height / 2)
    if finish.filmic:
        develop_light(canvas.rgb, _glow(canvas.rgb, finish), ycc, c)
    else:
        develop_print(canvas.rgb, ycc, c)
    height, width = out.y.shape
    whole, half = (width, height), (width // 2, height // 2)
    luma = (
        ycc[0] if whole == (canvas.width, canvas.height) else cv2.resize(ycc[0], whole, interpolation=cv2.INTER_CUBIC)
    )
    tile = grain_tile(width)
    across, down = I(weyl(number) % TILE), I(number * 97 % TILE)
    round_plane(luma, tile, out.y, (across, down), constants(0.6, finish.grain, 235.4))
    for chroma, plane in ((ycc[1], out.u), (ycc[2], out.v)):
        smaller = cv2.resize(chroma, half, interpolation=cv2.INTER_LINEAR)
        round_plane(smaller, tile, plane, (down, across), constants(0.3, 0.0, 240.4))
