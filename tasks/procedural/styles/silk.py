"""Silk: folded satin in slow motion.

Method
------
A height field is folded four times by sines that displace each other's coordinates, a cheap kin of domain warping
[1]_. Its slopes give normals; slopes too steep for the pixel grid are bent back, and lose their highlights, so that
thin folds stay lines instead of dots. The cloth shines along its threads [2]_.

References
----------
.. [1] Inigo Quilez, "Domain warping", 2002.
.. [2] James Kajiya and Timothy Kay, "Rendering fur with three dimensional textures", 1989.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from tasks.procedural.canvas import Canvas, Finish, Style
from tasks.procedural.composition import Composition
from tasks.procedural.drive import Moment
from tasks.procedural.kernels import Constants, F, I, Pixels, Ramp, clamp, constants, cosine, kernel, mix, ramp, sine
from tasks.procedural.palette import Palette

TURN = 2.0 * math.pi

# Of each mode: width of folds across the thread, swirl about a point, depth of the first fold.
CUTS = ((0.85, 0.0, 1.0), (0.40, 0.5, 0.85), (0.75, 2.4, 0.85), (0.3, -1.7, 0.7))


@kernel
def fold(height: Pixels, shade: Pixels, c: Constants) -> None:
    """Fill the cloth's height and the place of its colour on the ramp, both with a border of one pixel."""
    half_width, half_height, step, ca, sa, scale, width, swirl, px, py, amp, time, phase0, phase1 = c
    rows, columns = height.shape
    amp1 = amp * F(0.62)
    amp2 = amp * F(0.38)
    amp3 = amp * F(0.17)
    for j in range(rows):
        v = (F(j) - half_height) * step - py
        for i in range(columns):
            u = (F(I(i)) - half_width) * step - px
            turn = swirl / (F(1) + F(5) * (u * u + v * v))
            ct = cosine(turn)
            st = sine(turn)
            a = u * ct - v * st
            b = u * st + v * ct
            x = (a * ca - b * sa) * scale
            y = (a * sa + b * ca) * scale * width
            x += amp * sine(F(1.1) * y + time * F(0.31) + phase0)
            y += amp * sine(F(1.3) * x - time * F(0.23))
            x += amp1 * sine(F(2.1) * y - time * F(0.41) + phase1)
            y += amp1 * sine(F(1.9) * x + time * F(0.37))
            x += amp2 * sine(F(3.3) * y + time * F(0.53))
            y += amp2 * sine(F(3.7) * x - time * F(0.47))
            x += amp3 * sine(F(6.1) * y - time * F(0.6))
            y += amp3 * sine(F(5.3) * x + time * F(0.7))
            h = F(0.62) * sine(F(1.9) * x + F(0.6) * y) + F(0.24) * sine(F(3.7) * x - F(1.1) * y + time * F(0.2))
            height[j, i] = h + F(0.03) * sine(F(11) * x + F(3) * y)
            shade[j, i] = F(0.5) + F(0.5) * sine(x * F(0.55) - y * F(0.75) + time * F(0.1))


@kernel
def shine(rgb: Pixels, height: Pixels, shade: Pixels, colours: Ramp, c: Constants) -> None:
    """Light the cloth."""
    depth, lx, ly, tx, ty, gloss, e0, e1, e2 = c
    red, green, blue = colours
    rows, columns = rgb.shape[1:]
    w0 = mix(F(1), ramp(red, F(0.88)), F(0.7))
    w1 = mix(F(1), ramp(green, F(0.88)), F(0.7))
    w2 = mix(F(1), ramp(blue, F(0.88)), F(0.7))
    for j in range(rows):
        above, here, below, tint = height[j], height[j + 1], height[j + 2], shade[j + 1]
        for i in range(columns):
            nx = (here[i] - here[i + 2]) * depth
            ny = (above[i + 1] - below[i + 1]) * depth
            steep = nx * nx + ny * ny
            calm = F(1) / (F(1) + steep * F(0.045))
            nx = nx * calm
            ny = ny * calm
            r = F(1) / np.sqrt(nx * nx + ny * ny + F(1))
            light = max((nx * lx + ny * ly + F(0.62)) * r, F(0))
            along = (nx * tx + ny * ty + F(0.42)) * r
            sheen = max(F(1) - along * along, F(0))
            sheen = sheen * sheen
            sheen = sheen * sheen
            sheen = sheen * sheen * light * (F(0.25) + F(0.75) * calm)
            facing = max((nx * lx * F(0.55) + ny * ly * F(0.55) + F(0.92)) * r, F(0))
            spot = facing * facing
            spot = spot * spot
            spot = spot * spot
            spot = spot * spot
            spot = spot * spot * spot * gloss * calm
            edge = F(1) - r
            h = here[i + 1]
            t = F(0.12) + F(0.52) * (F(0.5) + (tint[i + 1] - F(0.5)) * calm) + F(0.15) * h + F(0.14) * edge
            lit = t + F(0.17)
            body = F(0.035) + F(1.12) * light * light + F(0.12) * light
            body = body * (F(0.45) + F(0.55) * clamp(F(0.65) + F(0.6) * h))
            edge = edge * edge
            edge = edge * edge * calm
            gleam = sheen * F(0.72)
            rgb[0, j, i] = ramp(red, t) * body + ramp(red, lit) * gleam + spot * w0 + e0 * edge
            rgb[1, j, i] = ramp(green, t) * body + ramp(green, lit) * gleam + spot * w1 + e1 * edge
            rgb[2, j, i] = ramp(blue, t) * body + ramp(blue, lit) * gleam + spot * w2 + e2 * edge


def draw(canvas: Canvas, moment: Moment, composition: Composition, palette: Palette) -> None:
    """Fold with the flow, breathe with the energy, and let kicks push the light along the folds."""
    width, swirl, depth = CUTS[composition.mode]
    chance = composition.chance
    angle = composition.angle * TURN
    time = 0.55 * moment.flow + 40.0 * chance[0]
    scale = (2.6 + 2.6 * composition.scale) / composition.zoom(moment.flow) * (1.0 - 0.02 * moment.kick)
    amp = depth * (0.48 + 0.10 * composition.framing.density + 0.08 * moment.energy)
    place_x, place_y = (composition.place - 0.5) * 0.7, (chance[1] - 0.5) * 0.5
    fold(
        canvas.scratch[0],
        canvas.scratch[1],
        constants(
            canvas.width / 2 + 0.5, canvas.height / 2 + 0.5, 1.0 / canvas.unit, math.cos(angle), math.sin(angle),
            scale, width, swirl, place_x, place_y, amp, time, TURN * chance[2], TURN * chance[3],
        ),
    )  # fmt: skip
    for field in canvas.scratch:
        cv2.GaussianBlur(field, (3, 3), 0.7, dst=field, borderType=cv2.BORDER_REPLICATE)
    swing = 0.30 * math.sin(0.21 * moment.flow + TURN * chance[4]) + 0.05 * moment.kick
    thread = angle + 0.6
    rim = 0.5 + 0.4 * composition.framing.accent
    shine(
        canvas.rgb,
        canvas.scratch[0],
        canvas.scratch[1],
        palette.ramp,
        constants(
            0.085 * canvas.unit, -0.45 + swing, -0.6, math.cos(thread), math.sin(thread),
            0.62 + 0.1 * moment.kick, *(rim * float(value) for value in palette.keys[5]),
        ),
    )  # fmt: skip


SILK = Style(
    draw=draw,
    work_scale=0.8,
    finish=Finish(exposure=0.93, vignette=0.16, grain=1.6, glow=0.4, threshold=0.7, filmic=True),
)
