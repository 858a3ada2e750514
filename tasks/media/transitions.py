"""Transitions on raw planes: the incoming shot's first pictures mixed with the outgoing shot's.

Each kind has one implementation that draws on the incoming picture, in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import cv2

from tasks.domain.transition import Transition, TransitionKind
from tasks.media.frames import I420


def apply_transition(incoming: Iterable[I420], outgoing: Iterable[I420], transition: Transition) -> Iterator[I420]:
    """Mix the first ``transition.frames`` of ``incoming`` with ``outgoing``; pass the others on.

    Parameters
    ----------
    incoming, outgoing : iterable of I420
        Pictures of one size; ``outgoing`` has at least ``transition.frames`` of them.
    """
    pictures = iter(incoming)
    for place, (old, new) in enumerate(zip(_first(outgoing, transition.frames), pictures, strict=False)):
        _DRAW[transition.kind](new, old, transition.weight(place))
        yield new
    yield from pictures


def _first(pictures: Iterable[I420], count: int) -> Iterator[I420]:
    for _, picture in zip(range(count), pictures, strict=False):
        yield picture


def _dissolve(new: I420, old: I420, weight: float) -> None:
    for target, source in ((new.y, old.y), (new.u, old.u), (new.v, old.v)):
        cv2.addWeighted(target, weight, source, 1 - weight, 0, dst=target)


_DRAW: dict[TransitionKind, Callable[[I420, I420, float], None]] = {TransitionKind.DISSOLVE: _dissolve}
