"""Swiss: a poster of geometric modules that turn on the beat.

Method
------
The plane is cut into cells of three sizes, by hashes of nested lattices. A hash chooses each cell's figure, its two
colours and the beats on which it makes a quarter turn. While a figure turns it shrinks just enough to stay inside its
cell. Outlines are distance functions, softened over one pixel.

References
----------
.. [1] Inigo Quilez, "2D distance functions", iquilezles.org.
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
    constants,
    cosine,
    floor,
    hash2,
    helper,
    kernel,
    mix,
    sine,
    smooth,
)
from tasks.procedural.palette import Palette

# Of each mode: cells across the picture, share of double cells, share of fourfold cells, turned by an eighth.
GRIDS = ((3.0, 0.35, 0.0, 0.0), (4.0, 0.45, 0.25, 1.0), (5.0, 0.4, 0.30, 0.0), (3.0, 0.5, 0.3, 1.0))


@helper
def _figure(a: F, b: F, kind: F, swell: F) -> F:
    """Signed distance, below 0 inside, to figure ``kind`` (0..10) in a cell of side 1 around 0."""
    r = np.sqrt(a * a + b * b)
    qa, qb = a + F(0.5), b + F(0.5)
    q = np.sqrt(qa * qa + qb * qb)
    oa, ob = a - F(0.5), b - F(0.5)
    o = np.sqrt(oa * oa + ob * ob)
    d = r - F(0.36) - swell
    d = q - F(1) if kind > F(1) else d
    d = max(q - F(1), F(0.5) - q) if kind > F(2) else d
    d = max(r - F(0.5), a) if kind > F(3) else d
    bar = abs(a * F(4) - F(floor(a * F(4) + F(0.5)))) * F(0.25) - F(0.058) - swell * F(0.3)
    d = bar if kind > F(4) else d
    d = (a + b) * F(0.70711) if kind > F(5) else d
    ring = abs(q * F(4) - F(0.5) - F(floor(q * F(4)))) * F(0.25) - F(0.0625)
    d = max(ring, q - F(1)) if kind > F(6) else d
    da = a * F(4) - F(floor(a * F(4))) - F(0.5)
    db = b * F(4) - F(floor(b * F(4))) - F(0.5)
    dot = np.sqrt(da * da + db * db) * F(0.25) - F(0.062) - swell * F(0.5)
    d = dot if kind > F(7) else d
    d = max(q, o) - F(1) if kind > F(8) else d
    d = abs(r - F(0.32)) - F(0.11) - swell if kind > F(9) else d
    cross = min(max(abs(a) - F(0.13), abs(b) - F(0.5)), max(abs(b) - F(0.13), abs(a) - F(0.5)))
    return cross if kind > F(10) else d


@kernel
def compose_cells(rgb: Pixels, inks: tuple[Constants, ...], c: Constants) -> None:
    """Fill the picture with modules."""
    half_width, half_height, step, ca, sa, px, py, doubles, fours, seed, beat, swell, blank, accent = c
    ground, ink0, ink1, ink2, ink3 = inks
    rows, columns = rgb.shape[1:]
    salt = I(seed)
    for j in range(rows):
        v = (F(j) + F(0.5) - half_height) * step
        for i in range(columns):
            u = (F(I(i)) + F(0.5) - half_width) * step
            x = u * ca - v * sa + px
            y = u * sa + v * ca + py
            four = hash2(I(floor(x * F(0.25)) + salt), floor(y * F(0.25))) < fours
            double = hash2(I(floor(x * F(0.5)) + salt), I(floor(y * F(0.5)) + I(53))) < doubles
            size = F(2) if double else F(1)
            size = F(4) if four else size
            pixel = step / size
            x = x / size
            y = y / size
            ix, iy = floor(x), floor(y)
            a, b = x - F(ix) - F(0.5), y - F(iy) - F(0.5)
            ix = I(I(ix + salt) + I(size) * I(977))
            h0 = hash2(ix, iy)
            h1 = hash2(I(ix + I(77)), iy)
            h2 = hash2(ix, I(iy + I(191)))
            h3 = hash2(I(ix + I(311)), iy)
            period = F(4) if h1 > F(0.5) else F(8)
            period = period if size < F(3) else F(16)
            turns = (beat + F(floor(h2 * F(16)))) / period
            whole = F(floor(turns))
            progress = smooth(F(0), F(0.25) + F(0.75) * size, (turns - whole) * period)
            turn = (whole + progress) * (F(1.5707963) if h3 > F(0.5) else F(-1.5707963))
            ct, st = cosine(turn), sine(turn)
            fit = abs(ct) + abs(st)
            a, b = (a * ct - b * st) * fit, (a * st + b * ct) * fit
            still = pixel * F(2) if fit < F(1.002) else F(0)
            d = max(_figure(a, b, h0 * F(10.99), swell), max(abs(a), abs(b)) - F(0.5) - still)
            cover = smooth(pixel, -pixel, d) * (F(0) if h3 * F(7.13) - F(floor(h3 * F(7.13))) < blank / size else F(1))
            first = h1 * F(3.7) - F(floor(h1 * F(3.7)))
            second = h2 * F(5.3) - F(floor(h2 * F(5.3)))
            same = (first <= F(0.38)) == (second > F(0.90))
            same = same and (first <= F(0.38) or ((first > F(0.62)) == (second > F(0.78)) and second > F(0.62)))
            for k in range(3):
                back = ground[k]
                back = ink1[k] if second > F(0.62) else back
                back = ink2[k] if second > F(0.78) else back
                back = ink0[k] if second > F(0.90) else back
                front = ink0[k]
                front = ink1[k] if first > F(0.38) else front
                front = ink2[k] if first > F(0.62) else front
                front = ground[k] if same else front
                front = ink3[k] if first > F(1) - accent else front
                rgb[k, j, i] = mix(back, front, cover)


def draw(canvas: Canvas, moment: Moment, composition: Composition, palette: Palette) -> None:
    """Turn modules with the beat, drift with the flow, swell small figures with each kick."""
    cells, doubles, fours, eighth = GRIDS[composition.mode]
    chance, framing = composition.chance, composition.framing
    angle = eighth * math.pi / 4.0
    across = (cells + 1.6 * composition.scale) / composition.zoom(moment.flow)
    heading = composition.angle * 2.0 * math.pi
    travel = 0.10 * moment.flow
    k = palette.keys
    paper = constants(*(0.3 + 0.7 * float(value) for value in k[4]))
    inks = (k[0], k[3], k[1], k[2], k[5]) if composition.mode == MODES else (paper, k[0], k[2], k[3], k[5])
    compose_cells(
        canvas.rgb,
        inks,
        constants(
            canvas.width / 2, canvas.height / 2, across / canvas.unit, math.cos(angle), math.sin(angle),
            travel * math.cos(heading) + 9.0 * chance[0], travel * math.sin(heading) + 9.0 * chance[1],
            doubles, fours, float(int(9000.0 * chance[2])), moment.beat, 0.022 * moment.kick,
            0.22 / framing.density - 0.08, 0.09 + 0.07 * framing.accent,
        ),
    )  # fmt: skip


SWISS = Style(draw=draw, work_scale=1.0, finish=Finish(exposure=1.0, vignette=0.05, grain=1.0))
