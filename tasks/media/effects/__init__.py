"""Effects on raw planes, by the film's integer frame number, before the one encode.

Each kind has one implementation. Strengths come from the plan; nothing here knows music. In one picture the zoom of a
pulse and the shifts of a shake come first, then colours come apart, light leaks in, then grades, vignette, flash and
grain are drawn in one pass, and bars cover the edges last. Of several effects of one kind the strongest is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import cv2
import numpy as np

from tasks.domain.effect import TIME_KINDS, Curve, Effect, EffectKind
from tasks.media.effects.geometry import move, split_colours
from tasks.media.effects.tone import DEVELOPING, Active, develop, leak_light, letterbox
from tasks.media.frames import I420

_WARM_SIZE = (32, 32)


def apply_effects(pictures: Iterable[I420], effects: Sequence[Effect], first_frame: int) -> Iterator[I420]:
    """Draw ``effects`` on ``pictures``, whose first is the film's frame ``first_frame``.

    Parameters
    ----------
    pictures : iterable of I420
        Of one size; their planes may be written.
    effects : sequence of Effect
        Those that choose pictures, `TIME_KINDS`, are for `tasks.media.retime` and are passed over here.

    Yields
    ------
    I420
        One for each picture, good until the next is asked for; a picture without an effect as it came.
    """
    drawn = [effect for effect in effects if effect.kind not in TIME_KINDS]
    easel = _Easel()
    for frame, picture in enumerate(pictures, first_frame):
        active = _active(drawn, frame)
        yield easel.draw(picture, active, frame) if active else picture


def warm() -> None:
    """Compile all that effects need, or load it, and keep OpenCV to the calling thread."""
    cv2.setNumThreads(1)
    picture = I420.empty(*_WARM_SIZE)
    for plane in (picture.y, picture.u, picture.v):
        plane[:] = 0
    everything = [
        Effect(kind=kind, start_frame=0, end_frame=1, amount=1.0, curve=Curve.HOLD)
        for kind in EffectKind
        if kind not in TIME_KINDS
    ]
    for _ in apply_effects([picture], everything, 0):
        pass


def _active(effects: Sequence[Effect], frame: int) -> dict[EffectKind, Active]:
    """Give what is drawn at ``frame``: of each kind the strongest, if it has any strength."""
    active: dict[EffectKind, Active] = {}
    for effect in effects:
        strength = effect.strength(frame)
        if strength > (active[effect.kind].strength if effect.kind in active else 0.0):
            length = effect.end_frame - effect.start_frame
            active[effect.kind] = Active(strength, (frame - effect.start_frame) / length)
    return active


class _Easel:
    """Draws one picture after the other, and keeps two more of their size to draw on."""

    def __init__(self) -> None:
        self._spare: list[I420] = []

    def draw(self, picture: I420, active: Mapping[EffectKind, Active], frame: int) -> I420:
        height, width = picture.y.shape
        if not self._spare or self._spare[0].y.shape != picture.y.shape:
            self._spare = [I420.empty(width, height) for _ in range(2)]
        moved, split = self._spare
        pulse, shake = (active[kind].strength if kind in active else 0.0 for kind in _MOVING)
        if pulse or shake:
            move(picture, moved, pulse, shake, frame)
            picture = moved
        if EffectKind.RGB_SPLIT in active:
            split_colours(picture, split, active[EffectKind.RGB_SPLIT].strength)
            picture = split
        if EffectKind.LIGHT_LEAK in active:
            picture = _in_one_piece(picture)
            leak_light(picture, active[EffectKind.LIGHT_LEAK])
        if not DEVELOPING.isdisjoint(active):
            picture = _in_one_piece(picture)
            develop(picture, active, frame)
        if EffectKind.LETTERBOX in active:
            letterbox(picture, active[EffectKind.LETTERBOX].strength)
        return picture


_MOVING = (EffectKind.PULSE, EffectKind.SHAKE)


def _in_one_piece(picture: I420) -> I420:
    """Give the picture with planes whose rows follow each other, as kernels take them."""
    return I420(*(np.ascontiguousarray(plane) for plane in (picture.y, picture.u, picture.v)))
