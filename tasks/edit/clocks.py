"""Effects that bend time before turns: a picture that stands still before a drop, a ramp into a chorus.

Each lies inside one shot and behind the transition into it, and ends with the shot, where its clock is true again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.timeline import Shot
from tasks.domain.transition import TransitionKind
from tasks.edit.rhythm import is_drop
from tasks.edit.stage import Stage

_RAMP, _FULL_RAMP = 0.6, 1.0
_RAMP_BEATS = 2
_RISE = 0.1
_SOFT = frozenset({TransitionKind.DISSOLVE, TransitionKind.WIPE, TransitionKind.MATCH})
"""Ways into a shot that show the shot before clearly, where a picture that stood still would be seen to jump."""


def time_effects(stage: Stage, kinds: Sequence[EffectKind]) -> Iterator[Effect]:
    """Hold the last beat before a drop, and speed through the last two beats before a louder chorus.

    If asked for, every turn into a loud section has one of the asked kinds, the two in alternation; where the film
    has too few such turns, all its turns have one, or all its cuts.
    """
    if not stage.is_full:
        for turn in stage.score.turns:
            if turn.after.is_loud and not turn.before.is_loud and turn.rise >= _RISE:
                make = _freeze if is_drop(turn.after.passage) else _ramp
                yield from make(stage, turn.last)
        return
    makers: list[Callable[[Stage, Shot], list[Effect]]] = [
        maker for kind, maker in ((EffectKind.FREEZE, _freeze), (EffectKind.SPEED_RAMP, _ramp)) if kind in kinds
    ]
    for shot in _ends(stage, len(makers)):
        for maker in makers:
            made = maker(stage, shot)
            if made:
                yield from made
                makers = [*(other for other in makers if other is not maker), maker]
                break


def _ends(stage: Stage, least: int) -> list[Shot]:
    """Give the shots before turns into loud sections, of which there are ``least``; or before any turns or cuts."""
    loud = stage.loud()
    shots = stage.score.timeline.shots
    known = [turn.last for turn in stage.score.turns if turn.after in loud and turn.before not in loud]
    turns = [turn.last for turn in stage.score.turns]
    return next((ends for ends in (known, turns) if len(ends) >= least), list(shots[:-1]) or list(shots))


def _freeze(stage: Stage, shot: Shot) -> list[Effect]:
    """Hold the shot's last beat, or its second half if it is short; not if a soft transition follows."""
    following = stage.transitions[shot.index + 1] if shot.index + 1 < len(stage.transitions) else None
    if following is not None and following.kind in _SOFT:
        return []
    begin, end = shot.frames.start + stage.blend(shot), shot.frames.end
    start = max(stage.score.beat_before(end), end - (end - begin) // 2)
    return list(stage.effect(EffectKind.FREEZE, start, end, 1.0, Curve.HOLD))


def _ramp(stage: Stage, shot: Shot) -> list[Effect]:
    """Ramp over the shot's last two beats, or the last one in a shorter shot."""
    start, end = shot.frames.end, shot.frames.end
    for _ in range(_RAMP_BEATS):
        earlier = stage.score.beat_before(start)
        start = earlier if earlier >= shot.frames.start + stage.blend(shot) else start
    amount = _FULL_RAMP if stage.is_full else _RAMP
    return list(stage.effect(EffectKind.SPEED_RAMP, start, end, amount, Curve.RISE))
