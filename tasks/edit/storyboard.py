"""What is in the shots: one look for the film, chosen by the song, and effects that mark its turns."""

from __future__ import annotations

import random
from fractions import Fraction

from tasks.domain.analysis import Analysis
from tasks.domain.document import Document
from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.request import VideoRequest
from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.style import PaletteName, StyleName, StyleShot
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline

_LOUD = 0.6
_CALM = 0.35
_WARM = (PaletteName.SUNSET, PaletteName.NEON, PaletteName.EMBER)
_MILD = (PaletteName.DREAM, PaletteName.ROSE, PaletteName.FOREST)
_COOL = (PaletteName.ICE, PaletteName.GOLD, PaletteName.FOREST)
_FLASH_S, _FLASH = 0.35, 0.28
_PULSE_S, _PULSE = 0.30, 0.45


def choose_style(analysis: Analysis) -> StyleName:
    """Choose a look by the song's energy over time: swiss for loud songs, ink for calm ones, silk between."""
    energy = _mean_energy(analysis)
    if energy >= _LOUD:
        return StyleName.SWISS
    return StyleName.INK if energy < _CALM else StyleName.SILK


def choose_palette(analysis: Analysis, seed: int) -> PaletteName:
    """Choose colours: warm for loud songs, cool for calm ones; the seed picks among three."""
    energy = _mean_energy(analysis)
    ramps = _WARM if energy >= _LOUD else _COOL if energy < _CALM else _MILD
    return random.Random(seed).choice(ramps)  # noqa: S311 - a choice of colours, not a secret


def plan_segments(
    analysis: Analysis, timeline: Timeline, request: VideoRequest, *, seed: int, keys: Document
) -> tuple[SegmentSpec, tuple[SegmentPlan, ...]]:
    """Plan one segment a shot.

    Parameters
    ----------
    keys : dict
        Content keys of the files that pictures are drawn from.
    """
    spec = request.spec
    style, palette = request.style or choose_style(analysis), choose_palette(analysis, seed)
    effects = plan_effects(timeline)
    plans = []
    for shot in timeline.shots:
        look = StyleShot(
            style=style,
            palette=palette,
            seed=seed,
            shot=shot.index,
            film_frame=shot.frames.start,
            song_start_s=timeline.window.start_s if timeline.window else Fraction(0),
        )
        source = Source(
            kind=SourceKind.STYLE, settings={**look.to_json(), **keys}, frames=FrameRange(0, len(shot.frames))
        )
        inside = tuple(
            effect
            for effect in effects
            if effect.start_frame < shot.frames.end and effect.end_frame > shot.frames.start
        )
        plans.append(SegmentPlan(index=shot.index, shot=shot.index, frames=shot.frames, source=source, effects=inside))
    return spec, tuple(plans)


def plan_effects(timeline: Timeline) -> tuple[Effect, ...]:
    """Mark turns: a soft flash where a chorus or a drop begins, a pulse on the other cuts of loud sections."""
    effects = []
    for before, shot in zip(timeline.shots, timeline.cuts, strict=False):
        if shot.section not in {"chorus", "drop"} or shot.beat_s is None:
            continue
        begins = before.section != shot.section
        kind, length_s, amount = (
            (EffectKind.FLASH, _FLASH_S, _FLASH) if begins else (EffectKind.PULSE, _PULSE_S, _PULSE)
        )
        effects.append(_effect(kind, shot, round(length_s * timeline.frame_rate), amount))
    return tuple(effects)


def _effect(kind: EffectKind, shot: Shot, length: int, amount: float) -> Effect:
    start = shot.frames.start
    end = min(start + max(1, length), shot.frames.end)
    return Effect(kind=kind, start_frame=start, end_frame=end, amount=amount, curve=Curve.DECAY)


def _mean_energy(analysis: Analysis) -> float:
    weights = [section.end_s - section.start_s for section in analysis.sections]
    energies = [section.energy for section in analysis.sections]
    return sum(w * e for w, e in zip(weights, energies, strict=True)) / sum(weights)
