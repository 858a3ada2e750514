"""Freezes and speed ramps: which picture of a shot each frame of the film shows.

Conventions
-----------
A mapping gives for each frame of the film one of the shot's own clock. It is made of integers, never runs backwards,
and is the clock itself outside of the effects' frames. It is a function of the frame and the effects alone: a segment
that holds a part of an effect shows what the whole would.

Method
------
A freeze holds the picture of its first frame. A ramp of ``n`` frames and amount ``a`` shows at its own frame ``k`` the
picture ``k * (1 - a) + k**2 / n * a`` rounded down: it begins at ``1 - a`` of the speed, ends at ``1 + a``, and meets
the clock again. An effect that begins inside another is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasks.domain.effect import TIME_KINDS, Effect, EffectKind
from tasks.domain.timebase import FrameRange
from tasks.media.frames import I420, FrameSource

_AMOUNT = 1 << 10  # parts of an amount, so that places are integers


def retimed(source: FrameSource, frames: FrameRange, effects: Sequence[Effect], first_frame: int) -> Iterator[I420]:
    """Give the pictures of ``source`` as freezes and speed ramps show them.

    Parameters
    ----------
    frames : FrameRange
        The stretch of the source's own clock that would be shown without effects; 0 is the first frame of its shot.
    effects : sequence of Effect
        Those that choose no pictures are passed over.
    first_frame : int
        The film's frame at which the clock is ``frames.start``.

    Yields
    ------
    I420
        As many as ``frames`` has, in order. The source is read once, from the first picture that is shown to the last.
    """
    shown = shown_frames(frames, effects, first_frame)
    pictures = source.frames(shown[0], shown[-1] + 1)
    clock, held = shown[0] - 1, None
    for place, wanted in enumerate(shown):
        again = place + 1 < len(shown) and shown[place + 1] == wanted
        while clock < wanted:
            picture = next(pictures)
            clock += 1
            if clock == wanted and again:
                held = _copied(picture)
        yield picture if held is None else _copied(held)
        if not again:
            held = None


def shown_frames(frames: FrameRange, effects: Sequence[Effect], first_frame: int) -> list[int]:
    """Give for each frame of ``frames`` the frame of the source's own clock that is shown in its stead."""
    offset, chosen = frames.start - first_frame, _apart(effects)
    return [_shown(number - offset, chosen, offset) for number in range(frames.start, frames.end)]


def _apart(effects: Sequence[Effect]) -> list[Effect]:
    """Give the effects that choose pictures, in order, without those that begin inside another."""
    kept: list[Effect] = []
    wanted = (effect for effect in effects if effect.kind in TIME_KINDS and effect.amount > 0)
    for effect in sorted(wanted, key=lambda effect: (effect.start_frame, effect.end_frame, effect.kind)):
        if not kept or effect.start_frame >= kept[-1].end_frame:
            kept.append(effect)
    return kept


def _shown(frame: int, effects: Sequence[Effect], offset: int) -> int:
    """Give the frame of the source's clock that the film's frame ``frame`` shows."""
    for effect in effects:
        if effect.start_frame <= frame < effect.end_frame:
            start = effect.start_frame
            if effect.kind is EffectKind.FREEZE:
                moved = 0
            else:
                moved = _ramped(frame - start, effect.end_frame - start, round(effect.amount * _AMOUNT))
            # an effect that began in the shot before finds nothing to show there
            return max(start + moved + offset, 0)
    return frame + offset


def _ramped(place: int, length: int, amount: int) -> int:
    return (place * (_AMOUNT - amount) * length + place * place * amount) // (_AMOUNT * length)


def _copied(picture: I420) -> I420:
    return I420(picture.y.copy(), picture.u.copy(), picture.v.copy())
