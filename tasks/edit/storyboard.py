"""What is in the shots: footage or one look for the film, how they follow each other, and the effects on them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from tasks.domain.analysis import Analysis
from tasks.domain.caption import Caption
from tasks.domain.document import SCHEMA, Document
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.footage import FootageFacts
from tasks.domain.request import VideoRequest
from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.style import PaletteName, StyleName, StyleShot
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Timeline
from tasks.domain.transition import Transition
from tasks.edit.effects import plan_effects
from tasks.edit.flash_limit import Limited, Softened, limit_flashes
from tasks.edit.footage import Dealt, deal_footage
from tasks.edit.parts import LONGEST_SEGMENT, parts_of
from tasks.edit.score import Score
from tasks.edit.transitions import plan_transitions

_LOUD = 0.6
_CALM = 0.35
_WARM = (PaletteName.SUNSET, PaletteName.NEON, PaletteName.EMBER)
_MILD = (PaletteName.DREAM, PaletteName.ROSE, PaletteName.FOREST)
_COOL = (PaletteName.ICE, PaletteName.GOLD, PaletteName.FOREST)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmPlan:
    """All that is drawn.

    Attributes
    ----------
    timeline : Timeline
        The shots, with how each becomes the next.
    limits_flashes : bool
        The plan was kept within the bound of flashes; if not, its owner switched that off.
    softened : tuple of Softened
        What was changed for it, and why.
    """

    spec: SegmentSpec
    timeline: Timeline
    segments: tuple[SegmentPlan, ...]
    limits_flashes: bool
    softened: tuple[Softened, ...]

    def to_json(self) -> Document:
        """Write the plan's document."""
        return {
            "schema": SCHEMA,
            "spec": self.spec.to_json(),
            "segments": [segment.to_json() for segment in self.segments],
            "longest_segment_frames": LONGEST_SEGMENT,
            "flash_limit": {"is_on": self.limits_flashes, "softened": [note.to_json() for note in self.softened]},
        }


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
    analysis: Analysis,
    timeline: Timeline,
    request: VideoRequest,
    *,
    seed: int,
    keys: Document,
    footage: Sequence[FootageFacts] = (),
    captions: Sequence[Caption] = (),
) -> FilmPlan:
    """Plan the film's segments: one a shot, several for a long one.

    Parameters
    ----------
    keys : dict
        Content keys of the files that built-in pictures are drawn from.
    footage : sequence of FootageFacts
        What the shots show, in the owner's order; without any they show a built-in style.
    captions : sequence of Caption
        The film's; each segment gets those that it touches.
    """
    spec, score = request.spec, Score.of(analysis, timeline)
    is_wide = request.size[0] > request.size[1]
    has_flashes = EffectKind.FLASH in (request.effects or ())
    transitions = plan_transitions(score, request.transitions, seed, has_flashes=has_flashes)
    effects = plan_effects(score, transitions, request.effects, is_wide=is_wide)
    drawn = Limited(transitions, effects, ())
    if request.limit_flashes:
        drawn = limit_flashes(timeline, transitions, effects)
    if footage:
        dealt = deal_footage(
            score,
            drawn.transitions,
            footage,
            deal=request.deal,
            fit=request.fit,
            seed=seed,
            limit_flashes=request.limit_flashes,
        )
        sources = [(SourceKind.CLIP, each.clip.to_json()) for each in dealt]
        if request.limit_flashes:
            drawn = _beside(timeline, transitions, effects, dealt)
    else:
        sources = _styles(analysis, timeline, request, seed, keys)
    return FilmPlan(
        spec=spec,
        timeline=timeline.joined_by(drawn.transitions),
        segments=_segments(timeline, sources, drawn, captions),
        limits_flashes=request.limit_flashes,
        softened=drawn.notes,
    )


def _styles(
    analysis: Analysis, timeline: Timeline, request: VideoRequest, seed: int, keys: Document
) -> list[tuple[SourceKind, Document]]:
    style, palette = request.style or choose_style(analysis), choose_palette(analysis, seed)
    looks = (
        StyleShot(
            style=style,
            palette=palette,
            seed=seed,
            shot=shot.index,
            film_frame=shot.frames.start,
            song_start_s=timeline.window.start_s if timeline.window else Fraction(0),
        )
        for shot in timeline.shots
    )
    return [(SourceKind.STYLE, {**look.to_json(), **keys}) for look in looks]


def _beside(
    timeline: Timeline, transitions: Sequence[Transition | None], effects: Sequence[Effect], dealt: Sequence[Dealt]
) -> Limited:
    """Limit what is planned beside footage that flashes itself, and note which shots are held for it."""
    own = [0.0 if each.is_held else each.flashes for each in dealt]
    drawn = limit_flashes(timeline, transitions, effects, own)
    held = tuple(
        Softened(
            frame=shot.frames.start,
            kind="footage",
            planned=each.flashes,
            amount=0.0,
            reason="the clip has no part with three flashes a second or less; one picture of it is shown",
        )
        for shot, each in zip(timeline.shots, dealt, strict=True)
        if each.is_held
    )
    return replace(drawn, notes=tuple(sorted((*drawn.notes, *held), key=lambda note: (note.frame, note.kind))))


def _segments(
    timeline: Timeline, sources: list[tuple[SourceKind, Document]], drawn: Limited, captions: Sequence[Caption]
) -> tuple[SegmentPlan, ...]:
    plans: list[SegmentPlan] = []
    for shot, transition in zip(timeline.shots, drawn.transitions, strict=True):
        kind, settings = sources[shot.index]
        for part in parts_of(len(shot.frames)):
            frames = FrameRange(shot.frames.start + part.start, shot.frames.start + part.end)
            starts = transition if part.start == 0 else None
            plans.append(
                SegmentPlan(
                    index=len(plans),
                    shot=shot.index,
                    frames=frames,
                    source=Source(kind=kind, settings=settings, frames=part),
                    transition=starts,
                    outgoing=None if starts is None else _outgoing(timeline, sources, shot.index - 1, starts),
                    effects=tuple(effect for effect in drawn.effects if _touches(effect, frames)),
                    captions=tuple(caption for caption in captions if _touches(caption, frames)),
                )
            )
    return tuple(plans)


def _outgoing(
    timeline: Timeline, sources: list[tuple[SourceKind, Document]], shot: int, transition: Transition
) -> Source:
    """Give the pictures that the shot before would have shown after its end."""
    kind, settings = sources[shot]
    end = len(timeline.shots[shot].frames)
    return Source(kind=kind, settings=settings, frames=FrameRange(end, end + transition.frames))


def _touches(thing: Effect | Caption, frames: FrameRange) -> bool:
    return thing.start_frame < frames.end and thing.end_frame > frames.start


def _mean_energy(analysis: Analysis) -> float:
    weights = [section.end_s - section.start_s for section in analysis.sections]
    energies = [section.energy for section in analysis.sections]
    return sum(w * e for w, e in zip(weights, energies, strict=True)) / sum(weights)
