"""Ink: pigments that bleed into wet paper.

Method
------
Noise whose coordinates are displaced by noise [1]_ gives each wash its outline. Pigment is thin inside, gathers in a
dark line where the wash dried, settles in the grain of the paper and absorbs light as filters do, by multiplication.

References
----------
.. [1] Inigo Quilez, "Domain warping", 2002.
"""

from __future__ import annotations

import math

import numpy as np

from tasks.procedural.canvas import Canvas, Finish, Style
from tasks.procedural.composition import MODES, Composition
from tasks.procedural.drive import Moment
from tasks.procedural.kernels import (
    Constants,
    F,
    I,
    Pixels,
    clamp,
    constants,
    fade,
    floor,
    fractal3,
    fractal5,
    hash2,
    kernel,
    mix,
    noise,
    smooth,
)
from tasks.procedural.palette import Palette

TURN = 2.0 * math.pi
WASHES = 5

# Of each mode: how strongly a wash keeps to its place along and across, and its reach.
PLACES = ((0.45, 0.75, 0.14), (1.0, 1.0, 0.24), (0.10, 1.35, 0.19), (0.75, 0.75, 0.24))


@kernel
def paint(rgb: Pixels, washes: Pixels, paper: Constants, c: Constants) -> None:
    """Lay washes over paper."""
    half_width, half_height, step, ca, sa, scale, time, night, drops, seed = c
    rows, columns = rgb.shape[1:]
    X = np.empty(columns, F)
    Y = np.empty(columns, F)
    G = np.empty(columns, F)
    p0, p1, p2 = paper
    for j in range(rows):
        red, green, blue = rgb[0, j], rgb[1, j], rgb[2, j]
        v = (F(j) + F(0.5) - half_height) * step
        for i in range(columns):
            u = (F(I(i)) + F(0.5) - half_width) * step
            x = (u * ca - v * sa) * scale
            y = (u * sa + v * ca) * scale
            q = fractal3(x * F(0.8) + time + seed, y * F(0.8) - time * F(0.7))
            r = fractal3(x * F(0.8) + F(7) - time * F(0.6), y * F(0.8) + time + seed)
            X[i] = x + F(1.7) * (q - F(0.5))
            Y[i] = y + F(1.7) * (r - F(0.5))
            g = F(0.6) * fractal3(u * F(64), v * F(64)) + F(0.4) * noise(u * F(230), v * F(230)) - F(0.5)
            G[i] = g
            w = F(1) + g * F(0.07)
            red[i], green[i], blue[i] = p0 * w, p1 * w, p2 * w
        for k in range(washes.shape[0]):
            cx, cy, ax, ay, level, ox, oy, k0, k1, k2, thin = washes[k]
            for i in range(columns):
                x, y, g = X[i], Y[i], G[i]
                dx = (x - cx) * ax
                dy = (y - cy) * ay
                near = np.sqrt(dx * dx + dy * dy + F(0.02))
                f = fractal5(x * F(0.78) + ox + time * F(0.5), y * F(0.78) + oy) - near + F(0.007) * g + level
                wet = smooth(F(0), F(0.011), f)
                rim = fade(max(f, F(0)) * F(60))
                pool = fractal3(x * F(2.2) + oy, y * F(2.2) + ox)
                body = thin + F(1.5) * max(pool - F(0.38), F(0)) + clamp(f) * F(0.4)
                body = body * (F(1) + F(0.5) * g) + F(0.36) * rim
                bleed = F(0.05) * smooth(F(-0.10), F(0.0), f)
                a = max(wet * body, bleed)
                red[i] = mix(red[i] * fade(k0 * a), mix(red[i], fade(k0), min(a, F(1))), night)
                green[i] = mix(green[i] * fade(k1 * a), mix(green[i], fade(k1), min(a, F(1))), night)
                blue[i] = mix(blue[i] * fade(k2 * a), mix(blue[i], fade(k2), min(a, F(1))), night)
        d0, d1, d2 = washes[0, 7], washes[0, 8], washes[0, 9]
        for i in range(columns):
            u = (F(I(i)) + F(0.5) - half_width) * step
            ix = floor(u * F(9) + seed)
            iy = floor(v * F(9) + seed)
            size = max(hash2(ix, iy) - F(1) + drops, F(0)) / drops
            size = F(0.24) * size * size * size * size
            dx = u * F(9) + seed - F(ix) - F(0.3) - F(0.4) * hash2(I(ix + I(71)), iy)
            dy = v * F(9) + seed - F(iy) - F(0.3) - F(0.4) * hash2(ix, I(iy + I(37)))
            d = size - np.sqrt(dx * dx + dy * dy) + F(0.05) * G[i]
            a = smooth(F(0), F(0.02), d) * clamp(F(0.3) + fade(max(d, F(0)) * F(30)) * F(0.4) + G[i] * F(0.5))
            red[i] = mix(red[i] * fade(d0 * a), mix(red[i], fade(d0), a), night)
            green[i] = mix(green[i] * fade(d1 * a), mix(green[i], fade(d1), a), night)
            blue[i] = mix(blue[i] * fade(d2 * a), mix(blue[i], fade(d2), a), night)


def draw(canvas: Canvas, moment: Moment, composition: Composition, palette: Palette) -> None:
    """Let washes creep with the flow and swell with the energy and each kick."""
    angle = composition.angle * TURN
    zoom = composition.zoom(moment.flow)
    night = composition.mode == MODES
    dark, middle, light = (np.array(palette.keys[index], np.float64) for index in (0, 2, 4))
    paper = 0.6 * dark + 0.03 * middle if night else 0.80 + 0.14 * light
    paint(
        canvas.rgb,
        _washes(moment, composition, palette),
        constants(*paper.tolist()),
        constants(
            canvas.width / 2, canvas.height / 2, 1.0 / canvas.unit, math.cos(angle), math.sin(angle),
            (1.3 + 1.5 * composition.scale) / zoom, 0.10 * moment.flow + 40.0 * composition.chance[0], float(night),
            0.10 + 0.06 * composition.framing.density, float(int(900.0 * composition.chance[1])),
        ),
    )  # fmt: skip


def _washes(moment: Moment, composition: Composition, palette: Palette) -> Pixels:
    """Choose place, outline and pigment of each wash: one row each, as the kernel reads them."""
    along, across, reach = PLACES[composition.mode]
    swell = 0.03 * (composition.framing.density - 1.0) + 0.04 * moment.energy + 0.012 * moment.kick
    pigments = [palette.keys[index] for index in (3, 1, 2, 3, 5)]
    rows = np.empty((WASHES, 11), np.float32)
    spread = 0.5 * (1.3 + 1.5 * composition.scale)
    for k, pigment in enumerate(pigments):
        turn = TURN * (composition.place + 0.381966 * k)
        cx, cy = spread * math.cos(turn), spread * 0.8 * math.sin(turn)
        level = reach - 0.56 + swell - (0.07 - 0.03 * composition.framing.accent if k == WASHES - 1 else 0.0)
        absorbs = [(0.6 if k == 1 else 1.0) * -math.log(max(float(value), 0.02)) for value in pigment]
        rows[k] = (cx, cy, 0.5 * along, 0.5 * across, level + 0.2, 13.1 * k, 7.3 * k, *absorbs, 0.16)
    return rows


INK = Style(draw=draw, work_scale=0.75, finish=Finish(exposure=1.04, vignette=0.07, grain=1.0))
