"""Pieces of another film's plan become a plan: what moves with the picture, and what stays with the song."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from tasks.domain.caption import Caption, CaptionStyle
from tasks.domain.clip import ClipShot, Matrix
from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.footage import FootageFacts
from tasks.domain.request import VideoRequest
from tasks.domain.rework import Piece, Rework
from tasks.domain.segment import SegmentPlan, Source, SourceKind
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline
from tasks.domain.transition import Transition, TransitionKind
from tasks.edit.rework import PLACED, replan, reshaped

BOUNDS = (0, 30, 60, 100)
FLASH = Effect(kind=EffectKind.FLASH, start_frame=30, end_frame=36, amount=0.3, curve=Curve.DECAY)
BARS = Effect(kind=EffectKind.LETTERBOX, start_frame=0, end_frame=60, amount=1.0, curve=Curve.HOLD)
PULSE = Effect(kind=EffectKind.PULSE, start_frame=75, end_frame=80, amount=0.5, curve=Curve.DECAY)
WORDS = Caption(text="la", start_frame=50, end_frame=70, style=CaptionStyle.LINE, font="a.ttf")


def segments() -> list[SegmentPlan]:
    made: list[SegmentPlan] = []
    for index, (start, end) in enumerate(pairwise(BOUNDS)):
        settings = {"style": "ink", "shot": index, "seed": 1, "film_frame": start}
        source = Source(kind=SourceKind.STYLE, settings=settings, frames=FrameRange(0, end - start))
        before = made[-1].source if index == 2 else None
        made.append(
            SegmentPlan(
                index=index,
                shot=index,
                frames=FrameRange(start, end),
                source=source,
                transition=None if before is None else Transition(kind=TransitionKind.WIPE, frames=4),
                outgoing=before and replace(before, frames=FrameRange(before.frames.end, before.frames.end + 4)),
                effects=tuple(e for e in (FLASH, BARS, PULSE) if e.start_frame < end and e.end_frame > start),
                captions=(WORDS,) if index else (),
            )
        )
    return made


TIMELINE = Timeline(
    frame_rate=Fraction(30),
    window=None,
    shots=tuple(
        Shot(
            index=index,
            frames=FrameRange(start, end),
            beat_s=start / 30 or None,
            section=section,
            reason="beat",
            transition=Transition(kind=TransitionKind.WIPE, frames=4) if index == 2 else None,
        )
        for index, ((start, end), section) in enumerate(
            zip(pairwise(BOUNDS), ("intro", "verse", "chorus"), strict=True)
        )
    ),
)


def made_of(*pieces: tuple[int, int, int]) -> tuple[Timeline, tuple[SegmentPlan, ...]]:
    rework = Rework(
        video_id="video_1",
        pieces=tuple(Piece(segment=segment, frames=FrameRange(start, end)) for segment, start, end in pieces),
    )
    assert VideoRequest.from_json(VideoRequest(rework=rework).to_json()).rework == rework
    timeline, plans, notes = replan(rework, TIMELINE, segments(), [1.0, 2.5, 70 / 30], limit=False)
    assert notes == ()
    return timeline, plans


def test_nothing_changed_is_the_same_plan() -> None:
    timeline, plans = made_of((0, 0, 30), (1, 0, 30), (2, 0, 40))
    assert (timeline, list(plans)) == (TIMELINE, segments())


def test_a_moved_cut_trims_one_shot_and_keeps_those_that_nothing_touches() -> None:
    timeline, plans = made_of((0, 0, 30), (1, 0, 10), (1, 15, 30), (2, 0, 40), (0, 0, 5))
    assert plans[0] == segments()[0]
    assert [plan.frames for plan in plans] == [FrameRange(*each) for each in pairwise((0, 30, 40, 55, 95, 100))]
    assert plans[1].source == replace(segments()[1].source, frames=FrameRange(0, 10))
    assert plans[2].source.frames == FrameRange(15, 30)
    assert plans[2].source.settings["film_frame"] + 15 == 40
    assert [shot.reason for shot in timeline.shots] == ["beat", "beat", PLACED, PLACED, PLACED]
    assert timeline.frames == 100


def test_shots_that_change_places_take_their_own_along_and_leave_the_songs() -> None:
    timeline, plans = made_of((2, 0, 40), (1, 0, 30), (0, 0, 30))
    assert plans[0].transition is None
    assert plans[1].frames == FrameRange(40, 70)
    assert plans[1].effects == (replace(FLASH, start_frame=40, end_frame=46), BARS)
    assert plans[2].effects == (PULSE,)
    assert [plan.captions for plan in plans] == [(), (WORDS,), ()]
    assert [shot.section for shot in timeline.shots] == ["intro", "verse", "chorus"]
    assert [shot.beat_s for shot in timeline.shots] == [None, None, 70 / 30]


def test_a_transition_shows_the_shot_that_is_now_before_it() -> None:
    _, plans = made_of((1, 0, 30), (2, 0, 40), (0, 0, 30))
    assert plans[1].transition == Transition(kind=TransitionKind.WIPE, frames=4)
    assert plans[1].outgoing is not None
    assert plans[1].outgoing.settings["film_frame"] == 0
    assert plans[1].outgoing.frames == FrameRange(30, 34)


def test_flashes_that_come_too_near_each_other_are_softened() -> None:
    bright = replace(FLASH, amount=0.5)
    base = [replace(segment, effects=(bright,) if segment.index == 1 else ()) for segment in segments()]
    pieces = [Piece(segment=1, frames=FrameRange(0, 10)) for _ in range(10)]
    rework = Rework(video_id="video_1", pieces=tuple(pieces))
    for limit in (False, True):
        _, plans, notes = replan(rework, TIMELINE, base, [], limit=limit)
        strong = [effect for plan in plans for effect in plan.effects if effect.amount > 0.2]
        assert len(strong) == (6 if limit else 10)
        assert bool(notes) is limit


def test_flashes_make_room_for_those_of_the_footage() -> None:
    """Only for those of the part that is shown, and none for a single picture that is held."""
    bright = replace(FLASH, amount=0.5)
    facts = FootageFacts(
        id="footage_1",
        content_key="clip",
        width=640,
        height=360,
        duration_s=Fraction(4),
        frame_rate=Fraction(30),
        motion=(0.1,) * 8,
        focus=(0.5, 0.5),
        untagged=False,
        matrix=Matrix.BT709,
        flashes=(3.0,) * 4 + (0.0,) * 4,
    )
    strong = []
    for start_s, length_s in ((0, 1), (3, 1), (0, Fraction(1, 30))):
        shot = ClipShot(content_key="clip", start_s=Fraction(start_s), length_s=Fraction(length_s))
        source = Source(kind=SourceKind.CLIP, settings=shot.to_json(), frames=FrameRange(0, 30))
        base = [replace(segments()[1], index=0, shot=0, source=source, effects=(bright,))]
        pieces = tuple(Piece(segment=0, frames=FrameRange(0, 10)) for _ in range(10))
        rework = Rework(video_id="video_1", pieces=pieces)
        _, plans, _ = replan(rework, TIMELINE, base, [], limit=True, footage=(facts,))
        strong.append(sum(effect.amount > 0.2 for plan in plans for effect in plan.effects))
    flashing, calm, held = strong
    assert flashing < calm == held


def test_another_shape_has_its_own_rows_and_no_bars() -> None:
    rows = replace(WORDS, text="l\na")
    for has_bars in (True, False):
        plans = reshaped(segments(), [rows], has_bars=has_bars)
        assert [plan.captions for plan in plans] == [(), (rows,), (rows,)]
        assert [BARS in plan.effects for plan in plans] == [has_bars, has_bars, False]
        assert [FLASH in plan.effects for plan in plans] == [False, True, False]


def test_a_shot_cut_in_two_and_left_so_stays_one_shot() -> None:
    timeline, plans = made_of((0, 0, 30), (1, 0, 12), (1, 12, 30), (2, 0, 40))
    assert [plan.shot for plan in plans] == [0, 1, 1, 2]
    assert [len(shot.frames) for shot in timeline.shots] == [30, 30, 40]
