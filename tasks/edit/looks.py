"""Effects that colour and frame whole sections: grades, vignette, grain, light leaks and letterbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from statistics import fmean

from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.timebase import FrameRange
from tasks.edit.passages import Role
from tasks.edit.score import Scene
from tasks.edit.stage import Stage

Suits = Callable[[Scene], bool]

GRADES = (EffectKind.GRADE_WARM, EffectKind.GRADE_COOL, EffectKind.GRADE_DREAM, EffectKind.GRADE_DARK)
_PLACES = {
    EffectKind.GRADE_WARM: (1.0, 1.0),
    EffectKind.GRADE_COOL: (-1.0, 0.0),
    EffectKind.GRADE_DREAM: (1.0, 0.0),
    EffectKind.GRADE_DARK: (-1.0, 1.0),
}
"""Where each grade lies: brightness of mood (-1..1) and energy (0..1)."""
_MIDDLE, _MOOD_SPREAD = 0.5, 0.1
_NEUTRAL_MOOD = 0.35
_GRADE, _FULL_GRADE = 0.4, 0.7
_VIGNETTE, _FULL_VIGNETTE = 0.35, 0.6
_GRAIN, _FULL_GRAIN = 0.2, 0.35
_LEAK, _FULL_LEAK = 0.35, 0.55
_BARS, _FULL_BARS = 0.8, 1.0
_LEAK_BARS, _LEAK_EVERY_BARS, _SHORTEST_LEAK_S = 2, 4, 2.0
_LOW_LEVEL = 0.5


def grades(stage: Stage, allowed: Sequence[EffectKind]) -> Iterator[Effect]:
    """Grade each section by its mood; where the mood changes, over the frames of the transition.

    Calm sections become dreamy or cool, energetic ones warm or dark, by their valence. Left to taste, a telling
    section of middling mood keeps its own colours; of the grades that the owner asked for each section takes the
    nearest.
    """
    moods = [(scene, _grade(stage, scene, allowed)) for scene in stage.score.scenes]
    runs = [(kind, [scene for scene, _ in run]) for kind, run in groupby(moods, key=lambda mood: mood[1])]
    amount = _FULL_GRADE if stage.is_full else _GRADE
    blends = [stage.blend(scenes[0].shots[0]) for _, scenes in runs] + [0]
    for place, (kind, scenes) in enumerate(runs):
        if kind is not None:
            start, end = scenes[0].frames.start, scenes[-1].frames.end
            settled, left = start + blends[place], end + blends[place + 1]
            yield from stage.effect(kind, start, settled, amount, Curve.RISE)
            yield from stage.effect(kind, settled, end, amount, Curve.HOLD)
            yield from stage.effect(kind, end, left, amount, Curve.FALL)


def _grade(stage: Stage, scene: Scene, allowed: Sequence[EffectKind]) -> EffectKind | None:
    valences = [other.passage.valence for other in stage.score.scenes if other.passage.valence is not None]
    usual = fmean(valences) if valences else _MIDDLE
    valence = _MIDDLE if scene.passage.valence is None else scene.passage.valence
    # what the section is in itself, and beside the others
    mood = ((valence - _MIDDLE) + (valence - usual)) / _MOOD_SPREAD
    mood, energy = min(max(mood, -1.0), 1.0), 0.0 if scene.is_calm else 1.0
    if not stage.is_full and scene.role is Role.STORY and abs(mood) < _NEUTRAL_MOOD:
        return None
    known = [kind for kind in GRADES if kind in allowed]
    return min(known, key=lambda kind: abs(_PLACES[kind][0] - mood) + 2 * abs(_PLACES[kind][1] - energy), default=None)


def vignettes(stage: Stage) -> Iterator[Effect]:
    """Darken the corners of calm sections; if asked for, of the whole film."""
    amount = _FULL_VIGNETTE if stage.is_full else _VIGNETTE
    yield from _held(stage, EffectKind.VIGNETTE, amount, lambda scene: scene.passage.level < _LOW_LEVEL)


def grains(stage: Stage) -> Iterator[Effect]:
    """Give breaks the grain of film; if asked for, the whole film."""
    amount = _FULL_GRAIN if stage.is_full else _GRAIN
    yield from _held(stage, EffectKind.GRAIN, amount, lambda scene: scene.role is Role.CALM)


def letterboxes(stage: Stage) -> Iterator[Effect]:
    """Close the picture in calm sections, wide pictures only unless asked for; it opens on the next section's beat."""
    if not (stage.is_wide or stage.is_full):
        return
    amount, calm = _FULL_BARS if stage.is_full else _BARS, stage.calm()
    for frames in _runs(stage, lambda scene: scene in calm):
        closed = stage.score.next_beat(frames.start) if frames.start else 0
        closed = min(closed, frames.end)
        yield from stage.effect(EffectKind.LETTERBOX, frames.start, closed, amount, Curve.RISE)
        yield from stage.effect(EffectKind.LETTERBOX, closed, frames.end, amount, Curve.HOLD)
        opened = stage.score.next_beat(frames.end)
        yield from stage.effect(EffectKind.LETTERBOX, frames.end, opened, amount, Curve.FALL)


def light_leaks(stage: Stage) -> Iterator[Effect]:
    """Let light swell over the first bars of calm sections; if asked for, every four bars of them.

    A leak lasts two bars and at least two seconds, so that it swells and never flashes.
    """
    amount = _FULL_LEAK if stage.is_full else _LEAK
    shortest = stage.score.frames_of(_SHORTEST_LEAK_S)
    for scene in stage.calm():
        bars = [bar[0].frame for bar in scene.passage.bars() if bar[0].frame >= scene.frames.start]
        bars = bars or [scene.frames.start]
        last = None
        for first in bars[::_LEAK_EVERY_BARS] if stage.is_full else bars[:1]:
            ends = [*bars[bars.index(first) + _LEAK_BARS :], scene.frames.end]
            end = next((end for end in ends if end - first >= shortest), None)
            if end is not None and end <= scene.frames.end and (last is None or first >= last):
                yield from stage.effect(EffectKind.LIGHT_LEAK, first, end, amount, Curve.ARC)
                last = end


def _held(stage: Stage, kind: EffectKind, amount: float, suits: Suits) -> Iterator[Effect]:
    """Hold an effect over the scenes that it suits; over the whole film if asked for."""
    for frames in _runs(stage, lambda scene: stage.is_full or suits(scene)):
        yield from stage.effect(kind, frames.start, frames.end, amount, Curve.HOLD)


def _runs(stage: Stage, suits: Suits) -> Iterator[FrameRange]:
    """Give the stretches of scenes that follow each other and are suited."""
    for is_suited, scenes in groupby(stage.score.scenes, key=suits):
        run = list(scenes)
        if is_suited:
            yield FrameRange(run[0].frames.start, run[-1].frames.end)
