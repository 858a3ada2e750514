"""Freezes and speed ramps show the right picture in every frame, read from a number in the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.segment import SegmentPlan, Source, SourceKind
from tasks.domain.timebase import FrameRange
from tasks.media.frames import I420
from tasks.media.retime import retimed, shown_frames
from tasks.steps.render import composed
from tests.support.codes import WIDTH, Coded, striped_number
from tests.support.planes import coded, same, taken

FIRST = 40  # the film's frame at which the shot begins
LENGTH = 60
WHOLE = FrameRange(0, LENGTH)
EVERYWHERE = slice(8, WIDTH - 8)


@dataclass
class Watched:
    """A coded shot that remembers what it was asked for, and spoils its pictures when the next is asked for."""

    asked: list[tuple[int, int]] = field(default_factory=list)

    def frames(self, start: int, end: int) -> Iterator[I420]:
        self.asked.append((start, end))
        for picture in Coded(0, 0).frames(start, end):
            yield picture
            for plane in (picture.y, picture.u, picture.v):
                plane[:] = 0


def effect(kind: EffectKind, start: int, end: int, amount: float = 1.0) -> Effect:
    return Effect(kind=kind, start_frame=FIRST + start, end_frame=FIRST + end, amount=amount, curve=Curve.HOLD)


def numbers(folder: Path, source: Watched, frames: FrameRange, effects: list[Effect]) -> list[int]:
    pictures = coded(retimed(source, frames, effects, FIRST + frames.start), folder)
    return [striped_number(picture, 0, EVERYWHERE) for picture in pictures]


def test_a_freeze_holds_its_first_picture_and_the_clock_goes_on(tmp_path: Path) -> None:
    source = Watched()
    seen = numbers(tmp_path, source, WHOLE, [effect(EffectKind.FREEZE, 10, 18)])
    assert seen == [*range(10), *[10] * 8, *range(18, LENGTH)]
    assert source.asked == [(0, LENGTH)]
    pictures = list(retimed(Coded(0, 0), WHOLE, [effect(EffectKind.FREEZE, 10, 18)], FIRST))
    assert all(same(picture, pictures[10]) for picture in pictures[10:18])
    pictures[10].y[:] = 16
    assert not same(pictures[10], pictures[11])  # each may be drawn on


@pytest.mark.parametrize("amount", [0.25, 0.5, 1.0])
def test_a_ramp_goes_slowly_then_fast_and_meets_the_clock_again(tmp_path: Path, amount: float) -> None:
    source = Watched()
    seen = numbers(tmp_path, source, WHOLE, [effect(EffectKind.SPEED_RAMP, 8, 48, amount)])
    wanted = [8 + int(k * (1 - amount) + k * k * amount / 40) for k in range(40)]
    assert seen == [*range(8), *wanted, *range(48, LENGTH)]
    assert source.asked == [(0, LENGTH)]
    assert wanted[10] - wanted[0] < 10 < wanted[39] - wanted[29]


@pytest.mark.parametrize("cut", [5, 12, 17, 18, 30, 47, 50])
@pytest.mark.parametrize("kind", [EffectKind.FREEZE, EffectKind.SPEED_RAMP])
def test_two_segments_show_what_one_would(kind: EffectKind, cut: int) -> None:
    effects = [effect(kind, 12, 48, 0.8), effect(EffectKind.FREEZE, 49, 55)]
    whole = shown_frames(WHOLE, effects, FIRST)
    before, after = FrameRange(0, cut), FrameRange(cut, LENGTH)
    assert shown_frames(before, effects, FIRST) + shown_frames(after, effects, FIRST + cut) == whole
    pictures = taken(retimed(Watched(), after, effects, FIRST + cut))
    assert [striped_number(picture, 0, EVERYWHERE) for picture in pictures] == whole[cut:]


def test_effects_that_overlap_never_run_backwards_and_none_of_no_amount_counts() -> None:
    overlapping = [effect(EffectKind.SPEED_RAMP, 5, 40, 0.7), effect(EffectKind.FREEZE, 20, 50)]
    shown = shown_frames(WHOLE, overlapping, FIRST)
    assert shown == sorted(shown)
    assert shown == shown_frames(WHOLE, overlapping[:1], FIRST)
    nothing = [effect(EffectKind.FREEZE, 5, 40, 0.0), effect(EffectKind.FLASH, 3, 9)]
    assert shown_frames(WHOLE, nothing, FIRST) == list(range(LENGTH))


def test_a_freeze_that_began_in_the_shot_before_holds_this_shots_first_picture() -> None:
    early = Effect(kind=EffectKind.FREEZE, start_frame=FIRST - 9, end_frame=FIRST + 4, amount=1.0, curve=Curve.HOLD)
    assert shown_frames(WHOLE, [early], FIRST) == [0] * 4 + list(range(4, LENGTH))


def test_a_segment_freezes_under_its_other_effects(tmp_path: Path) -> None:
    effects = (effect(EffectKind.FREEZE, 4, 10), effect(EffectKind.FLASH, 5, 7, 0.5))
    plan = SegmentPlan(
        index=0,
        shot=0,
        frames=FrameRange(FIRST, FIRST + 16),
        source=Source(kind=SourceKind.STYLE, settings={}, frames=FrameRange(0, 16)),
        effects=effects,
    )
    pictures = coded(composed(plan, lambda _: Watched()), tmp_path)
    assert [striped_number(picture, 0, EVERYWHERE) for picture in pictures] == [0, 1, 2, 3, *[4] * 6, *range(10, 16)]
    light = [float(picture.y.mean()) for picture in pictures[4:10]]
    assert [level > light[0] + 20 for level in light] == [False, True, True, False, False, False]
