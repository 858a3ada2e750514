"""Transitions on raw planes: the incoming shot's first pictures mixed with the outgoing shot's.

Each kind has one implementation. Where chance plays a part it is made of the film's frame number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

import cv2
import numpy as np

from tasks.domain.transition import Transition, TransitionKind
from tasks.media.frames import I420
from tasks.media.transitions.kinds import DRAW, Moment
from tasks.media.transitions.motion import TO_THE_LEFT, Direction, direction_of

WATCHED = 4
"""Pictures of the outgoing shot that its motion is seen from."""

_WARM_SIZE = (32, 32)


def apply_transition(
    incoming: Iterable[I420], outgoing: Iterable[I420], transition: Transition, first_frame: int = 0
) -> Iterator[I420]:
    """Mix the first ``transition.frames`` of ``incoming`` with ``outgoing``; pass the others on.

    Parameters
    ----------
    incoming, outgoing : iterable of I420
        Pictures of one size; ``outgoing`` has at least ``transition.frames`` of them.
    first_frame : int
        The film's frame that the first of ``incoming`` is: the cut.

    Yields
    ------
    I420
        One for each picture of ``incoming``, good until the next is asked for.
    """
    pictures = iter(incoming)
    handle: Iterator[I420] = islice(outgoing, transition.frames)
    direction = TO_THE_LEFT
    if transition.kind is TransitionKind.MATCH:
        direction, handle = _watched(handle)
    target: I420 | None = None
    for place, (old, new) in enumerate(zip(handle, pictures, strict=False)):
        if target is None:
            target = I420.empty(new.y.shape[1], new.y.shape[0])
        moment = Moment(
            weight=transition.weight(place),
            step=1 / (transition.frames + 1),
            frame=first_frame + place,
            direction=direction,
        )
        DRAW[transition.kind](_in_one_piece(old), _in_one_piece(new), target, moment)
        yield target
    yield from pictures


def warm() -> None:
    """Compile all that transitions need, or load it, and keep OpenCV to the calling thread."""
    cv2.setNumThreads(1)
    for kind in TransitionKind:
        for upright in (False, True):
            pictures = [I420.empty(*_WARM_SIZE) for _ in range(3)]
            moment = Moment(weight=0.5, step=0.5, frame=0, direction=Direction(upright=upright, forwards=True))
            DRAW[kind](pictures[0], pictures[1], pictures[2], moment)


def _watched(handle: Iterator[I420]) -> tuple[Direction, Iterator[I420]]:
    """See where the first pictures of a handle move, and give all of it again."""
    seen = [_copied(picture) for picture in islice(handle, WATCHED)]
    return direction_of(seen), chain(seen, handle)


def _copied(picture: I420) -> I420:
    return I420(picture.y.copy(), picture.u.copy(), picture.v.copy())


def _in_one_piece(picture: I420) -> I420:
    """Give the picture with planes whose rows follow each other, as kernels take them."""
    return I420(*(np.ascontiguousarray(plane) for plane in (picture.y, picture.u, picture.v)))
