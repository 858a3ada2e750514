"""Effects that change light and colour where they are: together one pass over each plane, and one more for a leak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.domain.effect import EffectKind
from tasks.media.effects.geometry import halved
from tasks.media.effects.kernels import (
    BLACK,
    FULL,
    NEUTRAL,
    WHITE,
    add_light,
    constants,
    develop_chroma,
    develop_luma,
    scatter,
    share,
)
from tasks.media.effects.textures import TILE, textures_for
from tasks.media.frames import I420

DEEPEST_VIGNETTE = 0.8
"""What the corners lose of their light at strength 1."""
STRONGEST_GRAIN = 0.5
"""At strength 1 grain has a deviation of about 10 levels in mid-tones."""
BRIGHTEST_LEAK, LEAK_LUMA, LEAK_COLOUR = 0.95, 0.75, (72, 180)
"""How far the brightest place of a light leak goes towards its orange at strength 1, which share of that towards white,
and the orange in U and V."""
WIDEST_BAR = 0.128
"""Height of each bar at strength 1: a picture of 16:9 becomes one of 2.39:1."""


@dataclass(frozen=True, slots=True)
class Grade:
    """A mood: a curve of luma, and colours of shadows and highlights.

    Attributes
    ----------
    black, white : float
        Where black and white go, in levels.
    middle : float
        What mid-tones gain besides, in levels.
    saturation : float
    shadows, highlights : tuple of float
        What black and white gain in U and V, in levels.
    """

    black: float
    white: float
    middle: float
    saturation: float
    shadows: tuple[float, float]
    highlights: tuple[float, float]


GRADES = {
    EffectKind.GRADE_WARM: Grade(18, 233, 4, 1.06, (-1, 1), (-20, 13)),
    EffectKind.GRADE_COOL: Grade(14, 230, -5, 0.88, (12, -8), (8, -9)),
    EffectKind.GRADE_DREAM: Grade(40, 226, 9, 0.82, (9, 8), (-3, 10)),
    EffectKind.GRADE_DARK: Grade(14, 205, -24, 0.62, (5, -3), (-4, 1)),
}

DEVELOPING = frozenset({*GRADES, EffectKind.FLASH, EffectKind.VIGNETTE, EffectKind.GRAIN})


@dataclass(frozen=True, slots=True)
class Active:
    """An effect at one frame: its strength, and how much of its length is over, 0..1."""

    strength: float
    progress: float


def develop(picture: I420, effects: Mapping[EffectKind, Active], frame: int) -> None:
    """Draw all grades, flashes, vignettes and grain of the film's frame ``frame``, in place."""
    height, width = picture.y.shape
    textures = textures_for(width, height)
    shading = _mask_share(_strength(effects, EffectKind.VIGNETTE) * DEEPEST_VIGNETTE)
    flash = share(_strength(effects, EffectKind.FLASH))
    graining = _mask_share(_strength(effects, EffectKind.GRAIN) * STRONGEST_GRAIN)
    curve, saturation, tints = _mixed(effects)
    luma = halved(picture.y) if tints != _NO_TINTS else textures.half_shade  # read, and multiplied by 0
    for plane, tint in zip((picture.u, picture.v), tints, strict=True):
        develop_chroma(plane, luma, textures.half_shade, constants(saturation, *tint, shading, flash))
    chance = scatter(frame)
    place = (chance % TILE, (chance >> 8) % TILE)
    develop_luma(picture.y, textures.shade, textures.grain, constants(*curve, shading, flash, graining, *place))


def leak_light(picture: I420, leak: Active) -> None:
    """Let orange light fall in from the left, farther as the effect goes on; in place."""
    height, width = picture.y.shape
    textures = textures_for(width, height)
    lit_from = round((1 - leak.progress) * textures.drift / 2) * 2
    strength = leak.strength * BRIGHTEST_LEAK
    add_light(picture.y, textures.light, constants(WHITE, _mask_share(strength * LEAK_LUMA), lit_from))
    for plane, level in zip((picture.u, picture.v), LEAK_COLOUR, strict=True):
        add_light(plane, textures.half_light, constants(level, _mask_share(strength), lit_from // 2))


def letterbox(picture: I420, strength: float) -> None:
    """Cover the upper and the lower edge with black bars."""
    rows = max(1, round(picture.u.shape[0] * WIDEST_BAR * strength))
    for plane, level, thick in ((picture.y, BLACK, 2 * rows), (picture.u, NEUTRAL, rows), (picture.v, NEUTRAL, rows)):
        plane[:thick] = level
        plane[-thick:] = level


def _strength(effects: Mapping[EffectKind, Active], kind: EffectKind) -> float:
    return effects[kind].strength if kind in effects else 0.0


def _mask_share(value: float) -> int:
    """Write a share of a mask, 128 to the whole; some, if there is any."""
    return max(round(value * 128), 1 if value > 0 else 0)


_NO_TINTS = ((0, 0), (0, 0))

Tints = tuple[tuple[int, int], tuple[int, int]]


def _mixed(effects: Mapping[EffectKind, Active]) -> tuple[tuple[int, int, int], int, Tints]:
    """Add up the grades: the curve of luma, what saturation gains, and the tints of U and V."""
    change = np.zeros(3)
    saturation = 0.0
    tint = np.zeros((2, 2))
    for kind, grade in GRADES.items():
        strength = _strength(effects, kind)
        change += strength * np.array([grade.black - BLACK, grade.white - WHITE, grade.middle])
        saturation += strength * (grade.saturation - 1)
        tint += strength * np.array([grade.shadows, grade.highlights]).T
    tints = tuple((round(shadow * 128), round((high - shadow) * 256)) for shadow, high in tint)
    return _curve(*change), share(saturation), (tints[0], tints[1])


def _curve(black: float, white: float, middle: float) -> tuple[int, int, int]:
    """Give the curve that adds so many levels to black, white and mid-tones, as `develop_luma` takes it."""
    span = WHITE - BLACK
    bend = -4 * middle / span**2
    slope = (white - black) / span - bend * (BLACK + WHITE)
    lift = black - (bend * BLACK + slope) * BLACK
    return round(bend * 256 * FULL), share(slope), round(lift * 64)
