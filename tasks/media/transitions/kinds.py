"""The kinds of transition, each drawn from one picture of both shots.

Conventions
-----------
A dissolve and a wipe show of the new shot what is over of the transition. The others begin with their beat: they are
fastest at its first picture and come to rest towards its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise

import cv2
import numpy as np

from tasks.domain.transition import TransitionKind
from tasks.media.effects.kernels import NEUTRAL, WHITE, scatter
from tasks.media.frames import I420, Plane
from tasks.media.transitions.kernels import ONE, constants, mix, mix_columns, pan_across, pan_down, share
from tasks.media.transitions.motion import TO_THE_LEFT, Direction

_SOFT = 0.08  # width of a wipe's edge, as a share of the picture's
_WHIP_BLUR, _MATCH_BLUR = 0.7, 0.35  # how much of its way a picture blurs
_LONGEST_BLUR = 0.25  # of its side
_OLD_ZOOM, _NEW_ZOOM = 1.8, 0.55
_WHITEST = 0.9
_BANDS = 18
_SEEDS = 2 * _BANDS
_FARTHEST = 0.1  # that a band is thrown, as a share of the width


@dataclass(frozen=True, slots=True)
class Moment:
    """One picture of a transition.

    Attributes
    ----------
    weight : float
        How much of the transition is over: above 0 and below 1.
    step : float
        What ``weight`` gains from picture to picture.
    frame : int
        The film's frame.
    direction : Direction
        Where the outgoing pictures move, for kinds that ask.
    """

    weight: float
    step: float
    frame: int
    direction: Direction = TO_THE_LEFT


Draw = Callable[[I420, I420, I420, Moment], None]


def _dissolve(old: I420, new: I420, target: I420, moment: Moment) -> None:
    _mix(old, new, target, moment.weight)


def _flash(old: I420, new: I420, target: I420, moment: Moment) -> None:
    """Turn almost white at once, and come back as the new shot."""
    left = 1 - moment.weight
    _mix(old, new, target, _landed(moment.weight), white=_WHITEST * left * left)


def _wipe(old: I420, new: I420, target: I420, moment: Moment) -> None:
    """Uncover the new shot from the left, with a soft edge."""
    width = new.y.shape[1]
    edge = moment.weight * (1 + _SOFT) * width
    place = np.arange(width) + 0.5
    uncovered = np.clip((edge - place) / (_SOFT * width), 0.0, 1.0)
    weights = np.floor(uncovered * ONE + 0.5).astype(np.int32)
    halves = (weights[::2] + weights[1::2]) // 2
    mix_columns(old.y, new.y, target.y, weights)
    mix_columns(old.u, new.u, target.u, halves)
    mix_columns(old.v, new.v, target.v, halves)


def _whip(old: I420, new: I420, target: I420, moment: Moment) -> None:
    """Turn to the new shot, which lies to the right of the old one."""
    _pan((old, new, target), moment, TO_THE_LEFT, _WHIP_BLUR)


def _match(old: I420, new: I420, target: I420, moment: Moment) -> None:
    """Push the old shot out in the direction in which it moves; the new one follows it."""
    _pan((old, new, target), moment, moment.direction, _MATCH_BLUR)


def _zoom(old: I420, new: I420, target: I420, moment: Moment) -> None:
    """Fly through the old shot into the new one, which comes nearer until it fills the picture."""
    landed = _landed(moment.weight)
    for a, b, drawn in zip(_planes(old), _planes(new), _planes(target), strict=True):
        nearer = _enlarged(a, 1 + (_OLD_ZOOM - 1) * landed)
        smaller = _reduced(b, _NEW_ZOOM + (1 - _NEW_ZOOM) * landed)
        mix(nearer, smaller, drawn, constants(share(landed), 0, 0))


def _glitch(old: I420, new: I420, target: I420, moment: Moment) -> None:
    """Cut the picture into bands of both shots and throw them sideways, their colours apart, ever less far."""
    rows, columns = new.u.shape
    seeds = [scatter(moment.frame * _SEEDS + number) for number in range(_SEEDS)]
    edges = sorted({0, rows, *(seed % rows for seed in seeds[1:_BANDS])})
    order = sorted(range(len(edges) - 1), key=lambda band: seeds[band] >> 8)
    heights = [edges[band + 1] - edges[band] for band in order]
    passed = [total <= _landed(moment.weight) * rows for total in accumulate(heights)]
    arrived = {band for place, band in enumerate(order) if place == 0 or passed[place]}
    farthest = max(1, round(columns * _FARTHEST * (1 - moment.weight)))
    for band, (top, bottom) in enumerate(pairwise(edges)):
        source = new if band in arrived else old
        chance = seeds[_BANDS + band]
        thrown = (chance % (2 * farthest + 1) - farthest) * (1 if chance >> 16 & 3 else 0)
        apart = (chance >> 20) % (farthest // 3 + 1)
        target.y[2 * top : 2 * bottom] = np.roll(source.y[2 * top : 2 * bottom], 2 * thrown, axis=1)
        target.u[top:bottom] = np.roll(source.u[top:bottom], thrown - apart, axis=1)
        target.v[top:bottom] = np.roll(source.v[top:bottom], thrown + apart, axis=1)


DRAW: dict[TransitionKind, Draw] = {
    TransitionKind.DISSOLVE: _dissolve,
    TransitionKind.WHIP: _whip,
    TransitionKind.ZOOM: _zoom,
    TransitionKind.FLASH: _flash,
    TransitionKind.GLITCH: _glitch,
    TransitionKind.WIPE: _wipe,
    TransitionKind.MATCH: _match,
}


def _planes(picture: I420) -> tuple[Plane, Plane, Plane]:
    return picture.y, picture.u, picture.v


def _landed(weight: float) -> float:
    """Ease out: fast at first, at rest in the end."""
    left = 1 - weight
    return 1 - left * left


def _mix(old: I420, new: I420, target: I420, weight: float, white: float = 0.0) -> None:
    for plane, level in enumerate((WHITE, NEUTRAL, NEUTRAL)):
        c = constants(share(weight), level, share(white))
        mix(_planes(old)[plane], _planes(new)[plane], _planes(target)[plane], c)


def _pan(pictures: tuple[I420, I420, I420], moment: Moment, direction: Direction, blur: float) -> None:
    """Move the old and the new of ``pictures`` in ``direction``, the new one behind the old one, into the third."""
    old, new, target = pictures
    landed = _landed(moment.weight)
    way = landed - _landed(moment.weight - moment.step)
    draw = pan_down if direction.upright else pan_across
    for plane, (a, b, drawn) in enumerate(zip(_planes(old), _planes(new), _planes(target), strict=True)):
        scale = 1 if plane == 0 else 2
        side = new.y.shape[0 if direction.upright else 1]
        place = 2 * round(landed * side / 2) // scale
        length = 2 * max(1, round(min(blur * way, _LONGEST_BLUR) * side / 2)) // scale
        if direction.forwards:
            draw(b, a, drawn, side // scale - place, length)
        else:
            draw(a, b, drawn, place, length)


def _enlarged(plane: Plane, zoom: float) -> Plane:
    """Enlarge the middle of a plane to its size."""
    height, width = plane.shape
    rows, columns = (max(1, round(side * (1 - 1 / zoom) / 2)) for side in (height, width))
    middle = plane[rows : height - rows, columns : width - columns]
    return np.asarray(cv2.resize(middle, (width, height), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)


def _reduced(plane: Plane, zoom: float) -> Plane:
    """Shrink a plane to its middle; around it lies its mirror image."""
    height, width = plane.shape
    rows, columns = (round(side * (1 - zoom) / 2) for side in (height, width))
    small = cv2.resize(plane, (width - 2 * columns, height - 2 * rows), interpolation=cv2.INTER_LINEAR_EXACT)
    return np.asarray(cv2.copyMakeBorder(small, rows, rows, columns, columns, cv2.BORDER_REFLECT), np.uint8)
