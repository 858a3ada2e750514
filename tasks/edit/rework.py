"""Plan a film anew out of another film's segments, in the order and the lengths that an editor gave them.

Method
------
A piece shows its segment's source from where it was trimmed on, so that it is drawn from the source again and encoded
once. A built-in look that moved hears the song at its new place. What belongs to the picture moves with it: effects
that begin with the shot, and the transition into it. What belongs to the song stays where the song has it: all other
effects, and words. A piece that nothing changed for has the same plan as before, and so the same segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from tasks.domain.caption import Caption
from tasks.domain.clip import ClipShot
from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.footage import FootageFacts
from tasks.domain.rework import Piece, Rework
from tasks.domain.segment import SegmentPlan, Source, SourceKind
from tasks.domain.timebase import FrameRange, nearest_frame
from tasks.domain.timeline import Shot, Timeline
from tasks.edit.flash_limit import Softened, limit_flashes

PLACED = "placed in the editor"


def replan(
    rework: Rework,
    timeline: Timeline,
    segments: Sequence[SegmentPlan],
    beats_s: Sequence[float],
    *,
    limit: bool,
    footage: Sequence[FootageFacts] = (),
) -> tuple[Timeline, tuple[SegmentPlan, ...], tuple[Softened, ...]]:
    """Plan the film that ``rework`` describes; give also what was softened.

    Parameters
    ----------
    timeline, segments : Timeline and sequence of SegmentPlan
        The plan of the film whose pieces they are.
    beats_s : sequence of float
        Beats in seconds of the film.
    limit : bool
        Keep flashes within the bound, since shots that changed places may bring them closer together.
    footage : sequence of FootageFacts
        What is known of the clips that the film shows.
    """
    bounds = [0]
    for piece in rework.pieces:
        bounds.append(bounds[-1] + len(piece.frames))
    places = [FrameRange(start, end) for start, end in pairwise(bounds)]
    shots = _shots(rework.pieces, places, timeline, segments, beats_s)
    numbers = [shot.index for shot in shots for _ in range(_pieces_in(shot, places))]
    plans: list[SegmentPlan] = []
    for piece, frames, shot in zip(rework.pieces, places, numbers, strict=True):
        plans.append(_planned(piece, frames, shot, segments, plans))
    cut = replace(timeline, shots=shots)
    notes: tuple[Softened, ...] = ()
    if limit:
        plans, notes = _limited(cut, plans, footage)
    begins = {plan.frames.start: plan.transition for plan in plans}
    told = tuple(replace(shot, transition=begins[shot.frames.start]) for shot in shots)
    return replace(cut, shots=told), tuple(plans), notes


def reshaped(plans: Sequence[SegmentPlan], captions: Sequence[Caption], *, has_bars: bool) -> tuple[SegmentPlan, ...]:
    """Fit a plan to another shape of picture: its words in their rows anew, and bars only where the shape has them."""
    return tuple(
        replace(
            plan,
            captions=tuple(each for each in captions if _meets(each, plan.frames)),
            effects=tuple(each for each in plan.effects if has_bars or each.kind is not EffectKind.LETTERBOX),
        )
        for plan in plans
    )


def _limited(
    timeline: Timeline, plans: Sequence[SegmentPlan], footage: Sequence[FootageFacts]
) -> tuple[list[SegmentPlan], tuple[Softened, ...]]:
    """Thin and soften what the pieces brought together."""
    begins = {plan.frames.start: plan.transition for plan in plans}
    effects = dict.fromkeys(effect for plan in plans for effect in plan.effects)
    clips = {clip.content_key: clip for clip in footage}
    own = [
        max(_own_flashes(plan.source, clips) for plan in plans if plan.shot == shot.index) for shot in timeline.shots
    ]
    left = limit_flashes(timeline, [begins[shot.frames.start] for shot in timeline.shots], effects, own)
    kept = {shot.frames.start for shot, each in zip(timeline.shots, left.transitions, strict=True) if each is not None}
    made = []
    for plan in plans:
        inside = tuple(effect for effect in left.effects if _meets(effect, plan.frames))
        stays = plan.frames.start in kept
        transition, outgoing = (plan.transition, plan.outgoing) if stays else (None, None)
        made.append(replace(plan, effects=inside, transition=transition, outgoing=outgoing))
    return made, left.notes


def _own_flashes(source: Source, clips: Mapping[str, FootageFacts]) -> float:
    """Give how often the part of a clip that a source shows flashes a second itself; a single picture never does."""
    if source.kind is not SourceKind.CLIP:
        return 0.0
    shown = ClipShot.from_json(source.settings)
    clip = clips.get(shown.content_key)
    if clip is None or shown.length_s * clip.frame_rate <= 1:
        return 0.0
    return clip.flashes_of(shown.start_s, shown.length_s)


def _planned(
    piece: Piece, frames: FrameRange, shot: int, segments: Sequence[SegmentPlan], before: Sequence[SegmentPlan]
) -> SegmentPlan:
    base = segments[piece.segment]
    source = _source(base, piece, frames)
    begins = piece.frames.start == 0 and len(before) > 0
    transition = base.transition if begins and base.transition and base.transition.frames <= len(frames) else None
    outgoing = None
    if transition is not None:
        previous = before[-1]
        is_as_before = base.index and previous == replace(
            segments[base.index - 1], index=previous.index, shot=previous.shot
        )
        is_here = is_as_before and frames.start == base.frames.start
        outgoing = base.outgoing if is_here else _beyond(previous.source, transition.frames)
    stays = frames == base.frames and len(piece.frames) == len(base.frames)
    return replace(
        base,
        index=len(before),
        shot=shot,
        frames=frames,
        source=source,
        transition=transition,
        outgoing=outgoing,
        effects=base.effects if stays else (*_moved(base, piece, frames), *_of_song(segments, frames)),
        captions=base.captions if stays else _captions(segments, frames),
    )


def _of_song(segments: Sequence[SegmentPlan], frames: FrameRange) -> tuple[Effect, ...]:
    """Give the effects that stay where the song has them."""
    effects = (effect for segment in segments for effect in segment.effects if not _is_of_shot(effect, segment))
    return tuple(dict.fromkeys(each for each in effects if _meets(each, frames)))


def _captions(segments: Sequence[SegmentPlan], frames: FrameRange) -> tuple[Caption, ...]:
    captions = (caption for segment in segments for caption in segment.captions)
    return tuple(dict.fromkeys(each for each in captions if _meets(each, frames)))


def _meets(each: Effect | Caption, frames: FrameRange) -> bool:
    return each.start_frame < frames.end and each.end_frame > frames.start


def _source(base: SegmentPlan, piece: Piece, frames: FrameRange) -> Source:
    start = base.source.frames.start + piece.frames.start
    settings = base.source.settings
    if base.source.kind is SourceKind.STYLE:
        moved = frames.start - (base.frames.start + piece.frames.start)
        settings = {**settings, "film_frame": settings["film_frame"] + moved}
    return replace(base.source, settings=settings, frames=FrameRange(start, start + len(frames)))


def _beyond(source: Source, frames: int) -> Source:
    return replace(source, frames=FrameRange(source.frames.end, source.frames.end + frames))


def _is_of_shot(effect: Effect, segment: SegmentPlan) -> bool:
    return effect.start_frame == segment.frames.start and effect.end_frame <= segment.frames.end


def _moved(base: SegmentPlan, piece: Piece, frames: FrameRange) -> Iterator[Effect]:
    """Give the shot's own effects at its new place: those on its cut where the cut is shown, and those on all of it."""
    for effect in base.effects:
        if not _is_of_shot(effect, base):
            continue
        if effect.end_frame == base.frames.end and effect.curve is Curve.HOLD:
            yield replace(effect, start_frame=frames.start, end_frame=frames.end)
        elif piece.frames.start == 0:
            length = effect.end_frame - effect.start_frame
            yield replace(effect, start_frame=frames.start, end_frame=min(frames.start + length, frames.end))


def _shots(
    pieces: Sequence[Piece],
    places: Sequence[FrameRange],
    timeline: Timeline,
    segments: Sequence[SegmentPlan],
    beats_s: Sequence[float],
) -> tuple[Shot, ...]:
    """Give the film's shots: pieces that go on where the one before ended are one."""
    starts = [0] + [
        frames.start
        for before, piece, frames in zip(pieces, pieces[1:], places[1:], strict=False)
        if not _goes_on(before, piece, segments)
    ]
    beats = {nearest_frame(beat, timeline.frame_rate): beat for beat in beats_s}
    cuts = {shot.frames.start: shot for shot in timeline.shots}
    shots = []
    for index, (start, end) in enumerate(pairwise([*starts, places[-1].end])):
        here = next(shot for shot in timeline.shots if shot.frames.start <= start < shot.frames.end)
        known = cuts.get(start)
        beat_s, reason = (known.beat_s, known.reason) if known else (beats.get(start), PLACED)
        frames = FrameRange(start, end)
        shots.append(replace(here, index=index, frames=frames, beat_s=beat_s, reason=reason, transition=None))
    return tuple(shots)


def _goes_on(before: Piece, piece: Piece, segments: Sequence[SegmentPlan]) -> bool:
    if before.segment == piece.segment:
        return before.frames.end == piece.frames.start
    follows = piece.segment == before.segment + 1 and piece.frames.start == 0
    whole = before.frames.end == len(segments[before.segment].frames)
    return follows and whole and segments[piece.segment].shot == segments[before.segment].shot


def _pieces_in(shot: Shot, places: Sequence[FrameRange]) -> int:
    return sum(shot.frames.start <= frames.start < shot.frames.end for frames in places)
