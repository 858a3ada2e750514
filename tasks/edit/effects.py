"""Which effects a film has, as a declarative list: the rules of `accents`, `looks` and `clocks`, each by its kind.

Every effect starts and ends on frames nearest to beats, the same frames as the cuts, or with a transition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tasks.domain.effect import Effect, EffectKind
from tasks.edit.accents import flashes, pulses, shakes, splits
from tasks.edit.clocks import time_effects
from tasks.edit.looks import GRADES, grades, grains, letterboxes, light_leaks, vignettes
from tasks.edit.score import Score
from tasks.edit.stage import Stage
from tasks.edit.transitions import Transitions

_RULES: dict[EffectKind, Callable[[Stage], Iterator[Effect]]] = {
    EffectKind.FLASH: flashes,
    EffectKind.PULSE: pulses,
    EffectKind.SHAKE: shakes,
    EffectKind.RGB_SPLIT: splits,
    EffectKind.VIGNETTE: vignettes,
    EffectKind.GRAIN: grains,
    EffectKind.LIGHT_LEAK: light_leaks,
    EffectKind.LETTERBOX: letterboxes,
}
_TIME = (EffectKind.FREEZE, EffectKind.SPEED_RAMP)


def plan_effects(
    score: Score, transitions: Transitions, allowed: Sequence[EffectKind] | None, *, is_wide: bool
) -> tuple[Effect, ...]:
    """Choose the film's effects, in the order of their first frames.

    Parameters
    ----------
    transitions : tuple of Transition or None
        How each shot begins; effects keep clear of them or go along.
    allowed : sequence of EffectKind or None
        The kinds that are used, each wherever its rule applies; None leaves kinds, places and strength to taste.
    is_wide : bool
        The picture is wider than high.
    """
    kinds = tuple(EffectKind) if allowed is None else tuple(allowed)
    stage = Stage(score, transitions, is_full=allowed is not None, is_wide=is_wide)
    found = [effect for kind in kinds if kind in _RULES for effect in _RULES[kind](stage)]
    found.extend(grades(stage, [kind for kind in kinds if kind in GRADES]))
    found.extend(time_effects(stage, [kind for kind in kinds if kind in _TIME]))
    order = list(EffectKind)
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda effect: (effect.start_frame, effect.end_frame, order.index(effect.kind))))
