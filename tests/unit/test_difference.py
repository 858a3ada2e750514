"""Each thing that changes a segment's bytes is named as the reason, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from tasks.domain.caption import Caption, CaptionStyle
from tasks.domain.difference import Difference, Reason, differences, nearest
from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.timebase import FrameRange
from tasks.domain.transition import Transition, TransitionKind

SPEC = SegmentSpec(width=64, height=48, frame_rate=Fraction(30))
LOOK = {"style": "ink", "seed": 1, "film_frame": 30, "analysis_key": "a", "features_key": "f"}
SOURCE = Source(kind=SourceKind.STYLE, settings=LOOK, frames=FrameRange(0, 20))
BEFORE = Source(kind=SourceKind.STYLE, settings={**LOOK, "film_frame": 0}, frames=FrameRange(30, 36))
PLAN = SegmentPlan(
    index=1,
    shot=1,
    frames=FrameRange(30, 50),
    source=SOURCE,
    transition=Transition(kind=TransitionKind.DISSOLVE, frames=6),
    outgoing=BEFORE,
)
FLASH = Effect(kind=EffectKind.FLASH, start_frame=30, end_frame=35, amount=0.3, curve=Curve.DECAY)
LINE = Caption(text="hello", start_frame=30, end_frame=40, style=CaptionStyle.LINE, font="a.ttf")


def with_settings(source: Source, **settings: object) -> Source:
    return replace(source, settings={**source.settings, **settings})


CHANGES: dict[Reason, tuple[SegmentPlan, SegmentSpec]] = {
    Reason.FORM: (PLAN, replace(SPEC, crf=26)),
    Reason.SOURCE: (replace(PLAN, source=with_settings(SOURCE, seed=2)), SPEC),
    Reason.ANALYSIS: (replace(PLAN, source=with_settings(SOURCE, analysis_key="b")), SPEC),
    Reason.NEIGHBOUR: (replace(PLAN, outgoing=with_settings(BEFORE, seed=2)), SPEC),
    Reason.EFFECT: (replace(PLAN, effects=(FLASH,)), SPEC),
    Reason.CAPTION: (replace(PLAN, captions=(LINE,)), SPEC),
    Reason.TRANSITION: (replace(PLAN, transition=Transition(kind=TransitionKind.WIPE, frames=6)), SPEC),
    Reason.ENGINE: (PLAN, SPEC),
}


@pytest.mark.parametrize("reason", CHANGES)
def test_a_change_is_the_only_reason(reason: Reason) -> None:
    plan, spec = CHANGES[reason]
    assert [each.reason for each in differences((spec, plan), (SPEC, PLAN))] == [reason]
    assert (plan.content_key(spec) == PLAN.content_key(SPEC)) is (reason is Reason.ENGINE)


def test_a_cut_that_moves_is_named_with_its_frames() -> None:
    moved = replace(
        PLAN, frames=FrameRange(32, 50), source=replace(with_settings(SOURCE, film_frame=32), frames=FrameRange(0, 18))
    )
    assert differences((SPEC, moved), (SPEC, PLAN)) == (Difference(Reason.CUT, "frames 30..50 are now 32..50"),)


def test_the_nearest_segment_shows_most_of_the_same_time_at_whatever_rate() -> None:
    doubled = replace(SPEC, frame_rate=Fraction(60))
    plans = [
        replace(PLAN, index=n, frames=FrameRange(n * 20, n * 20 + 20), transition=None, outgoing=None) for n in range(4)
    ]
    asked = replace(
        PLAN,
        frames=FrameRange(82, 102),
        source=replace(SOURCE, frames=FrameRange(0, 20)),
        transition=None,
        outgoing=None,
    )
    assert nearest(asked, doubled, SPEC, plans).index == 2
