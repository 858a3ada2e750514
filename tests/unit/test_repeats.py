"""The timeline tells the judge where the plan itself shows a picture again."""

from __future__ import annotations

from fractions import Fraction

from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.segment import SegmentPlan, Source, SourceKind
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline
from tasks.edit.repeats import planned_repeats


def effect(kind: EffectKind, start: int, end: int, amount: float = 1.0) -> Effect:
    return Effect(kind=kind, start_frame=start, end_frame=end, amount=amount, curve=Curve.HOLD)


def segment(shot: int, start: int, end: int, kind: SourceKind, *effects: Effect) -> SegmentPlan:
    return SegmentPlan(
        index=shot,
        shot=shot,
        frames=FrameRange(start, end),
        source=Source(kind=kind, settings={}, frames=FrameRange(0, end - start)),
        effects=effects,
    )


def test_planned_repeats_are_told() -> None:
    borders = [(0, 30), (30, 60), (60, 90), (90, 120)]
    shots = tuple(
        Shot(index=index, frames=FrameRange(*border), beat_s=None, section="verse", reason="beat")
        for index, border in enumerate(borders)
    )
    still = (
        effect(EffectKind.FREEZE, 10, 20),
        effect(EffectKind.SPEED_RAMP, 22, 26, 0.0),
        effect(EffectKind.GRAIN, 0, 9),
    )
    repeats = planned_repeats(
        [
            segment(0, 0, 30, SourceKind.STYLE, *still),
            segment(1, 30, 60, SourceKind.STYLE),
            segment(2, 60, 75, SourceKind.CLIP),
            segment(2, 75, 90, SourceKind.CLIP),
            segment(3, 90, 120, SourceKind.STYLE, effect(EffectKind.SPEED_RAMP, 85, 100)),
        ],
    )
    assert repeats == (FrameRange(10, 20), FrameRange(60, 100))
    told = Timeline(frame_rate=Fraction(30), shots=shots, window=None, repeats=repeats)
    assert [told.may_repeat(frame) for frame in (9, 10, 19, 20, 59, 60, 99, 100)] == [False, True, True, False] * 2
    assert Timeline.from_json(told.to_json()) == told
