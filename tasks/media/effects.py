"""Effects on raw planes, by the film's integer frame number, before the one encode.

Each kind has one implementation. Strengths come from the plan; nothing here knows music.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from tasks.domain.effect import Effect, EffectKind
from tasks.media.frames import I420

_WHITE = 235
_NEUTRAL = 128
_LARGEST_PULSE = 0.06


def apply_effects(pictures: Iterable[I420], effects: Sequence[Effect], first_frame: int) -> Iterator[I420]:
    """Draw ``effects`` on ``pictures``, whose first is the film's frame ``first_frame``, in place."""
    for frame, picture in enumerate(pictures, first_frame):
        for effect in effects:
            strength = effect.strength(frame)
            if strength > 0:
                _DRAW[effect.kind](picture, strength)
        yield picture


def _flash(picture: I420, strength: float) -> None:
    """Mix towards white; at strength 1 the picture is white."""
    cv2.addWeighted(picture.y, 1 - strength, picture.y, 0, _WHITE * strength, dst=picture.y)
    for plane in (picture.u, picture.v):
        cv2.addWeighted(plane, 1 - strength, plane, 0, _NEUTRAL * strength, dst=plane)


def _pulse(picture: I420, strength: float) -> None:
    """Zoom in about the centre, by 6 % at strength 1."""
    zoom = 1 + _LARGEST_PULSE * strength
    for plane in (picture.y, picture.u, picture.v):
        height, width = plane.shape
        centre = ((width - 1) / 2, (height - 1) / 2)
        matrix = np.array([[zoom, 0, centre[0] * (1 - zoom)], [0, zoom, centre[1] * (1 - zoom)]])
        plane[:] = cv2.warpAffine(plane, matrix, (width, height), flags=cv2.INTER_LINEAR)


_DRAW = {EffectKind.FLASH: _flash, EffectKind.PULSE: _pulse}
