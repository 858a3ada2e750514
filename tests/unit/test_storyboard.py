"""What every plan of a film keeps, for any song, rate, window and request."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate, groupby, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.analysis import Analysis
from tasks.domain.caption import Caption, CaptionStyle
from tasks.domain.effect import TIME_KINDS, EffectKind
from tasks.domain.errors import InvalidInput
from tasks.domain.request import Aspect, Deal, VideoRequest
from tasks.domain.segment import SegmentPlan, SegmentSpec, SourceKind
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline
from tasks.domain.transition import TransitionKind
from tasks.edit.cutting import cut_timeline, window_of
from tasks.edit.parts import LONGEST_SEGMENT, parts_of
from tasks.edit.storyboard import FilmPlan, plan_segments
from tests.support.edits import RATES, clip, pop_song, songs

KEYS = {"analysis_key": "a", "features_key": "f"}
CLIPS = [clip("a", 3), clip("b", Fraction(1, 25)), clip("c", 40, (0.1, 0.9) * 40)]


@st.composite
def requests(draw: st.DrawFn) -> VideoRequest:
    kinds = st.lists(st.sampled_from(EffectKind), unique=True).map(tuple)
    ways = st.lists(st.sampled_from(TransitionKind), unique=True).map(tuple)
    start = draw(st.one_of(st.none(), st.fractions(0, 60)))
    return VideoRequest(
        aspect=draw(st.sampled_from(Aspect)),
        frame_rate=draw(st.sampled_from(RATES)),
        shortest_shot_s=draw(st.fractions(Fraction(1, 10), 4)),
        effects=draw(st.one_of(st.none(), kinds)),
        transitions=draw(st.one_of(st.none(), ways)),
        limit_flashes=draw(st.booleans()),
        deal=draw(st.sampled_from(Deal)),
        start_s=start,
        end_s=draw(st.one_of(st.none(), st.fractions(2, 60).map(lambda length: (start or 0) + length))),
    )


def film(
    song: Analysis, request: VideoRequest, seed: int = 0, *, footage: int = 0, captions: tuple[Caption, ...] = ()
) -> tuple[Timeline, FilmPlan]:
    window = window_of(song, request.start_s, request.end_s)
    timeline = cut_timeline(song, request.frame_rate, window, shortest_shot_s=request.shortest_shot_s, seed=seed)
    plan = plan_segments(song, timeline, request, seed=seed, keys=KEYS, footage=CLIPS[:footage], captions=captions)
    return timeline, plan


@given(songs(), requests(), st.integers(0, 9), st.integers(0, 3))
@settings(max_examples=200)
def test_a_plan_keeps_its_laws(song: Analysis, request: VideoRequest, seed: int, footage: int) -> None:
    try:
        timeline, plan = film(song, request, seed, footage=footage)
    except InvalidInput:
        return
    expect_laws(request, timeline, plan)


@given(songs(), requests(), st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_a_timeline_that_its_owner_changed_is_planned_by_the_same_laws(
    song: Analysis, request: VideoRequest, lengths: list[int], footage: int
) -> None:
    edges = [0, *accumulate(lengths)]
    shots = tuple(
        Shot(index=index, frames=FrameRange(start, end), beat_s=None, section="", reason="")
        for index, (start, end) in enumerate(pairwise(edges))
    )
    timeline = Timeline(frame_rate=request.frame_rate, shots=shots, window=None)
    plan = plan_segments(song, timeline, request, seed=0, keys=KEYS, footage=CLIPS[:footage])
    expect_laws(request, timeline, plan)


def expect_laws(request: VideoRequest, timeline: Timeline, plan: FilmPlan) -> None:
    """Check what every plan keeps."""
    segments = plan.segments
    assert [segment.index for segment in segments] == list(range(len(segments)))
    assert segments[0].frames.start == 0
    assert segments[-1].frames.end == timeline.frames
    assert all(before.frames.end == after.frames.start for before, after in pairwise(segments))
    for shot, parts in groupby(segments, key=lambda segment: segment.shot):
        expect_parts(timeline, shot, list(parts), segments)
    expect_allowed(request, timeline, plan)
    assert [SegmentPlan.from_json(segment.to_json()) for segment in segments] == list(segments)
    document = plan.to_json()
    assert SegmentSpec.from_json(document["spec"]) == plan.spec
    assert document["flash_limit"]["is_on"] == request.limit_flashes


def expect_parts(timeline: Timeline, shot: int, parts: list[SegmentPlan], segments: tuple[SegmentPlan, ...]) -> None:
    """Check the segments of one shot."""
    whole = timeline.shots[shot].frames
    assert [(part.source.frames.start, part.source.frames.end) for part in parts] == [
        (part.frames.start - whole.start, part.frames.end - whole.start) for part in parts
    ]
    assert tuple(part.source.frames for part in parts) == parts_of(len(whole))
    assert len({str(part.source.settings) for part in parts}) == 1
    assert all(part.transition is None for part in parts[1:])
    first = parts[0]
    if first.transition is not None and first.outgoing is not None:
        assert first.transition.frames <= len(whole) // 2
        before = next(segment for segment in segments if segment.shot == shot - 1)
        length = len(timeline.shots[shot - 1].frames)
        assert first.outgoing.frames.start == length
        assert (first.outgoing.kind, first.outgoing.settings) == (before.source.kind, before.source.settings)


def expect_allowed(request: VideoRequest, timeline: Timeline, plan: FilmPlan) -> None:
    """Check that the request was obeyed, and the effects' frames."""
    used = {segment.transition.kind for segment in plan.segments if segment.transition}
    assert request.transitions is None or used <= set(request.transitions)
    effects = {effect for segment in plan.segments for effect in segment.effects}
    assert request.effects is None or {effect.kind for effect in effects} <= set(request.effects)
    for effect in effects:
        assert 0 <= effect.start_frame < effect.end_frame <= timeline.frames
        for segment in plan.segments:
            touches = effect.start_frame < segment.frames.end and effect.end_frame > segment.frames.start
            assert (effect in segment.effects) == touches
        if effect.kind in TIME_KINDS:
            shot = next(shot for shot in timeline.shots if effect.end_frame == shot.frames.end)
            opening = next(segment for segment in plan.segments if segment.shot == shot.index)
            blended = opening.transition.frames if opening.transition else 0
            assert effect.start_frame >= shot.frames.start + blended


@given(st.integers(1, 5000))
def test_a_long_shot_is_parted_by_its_length_alone(frames: int) -> None:
    parts = parts_of(frames)
    assert parts[0].start == 0
    assert parts[-1].end == frames
    assert all(before.end == after.start for before, after in pairwise(parts))
    lengths = [len(part) for part in parts]
    assert max(lengths) <= LONGEST_SEGMENT
    assert max(lengths) - min(lengths) <= 1
    assert len(parts) == 1 or min(lengths) >= LONGEST_SEGMENT // 2


def test_the_same_request_gives_the_same_plan() -> None:
    song, request = pop_song(), VideoRequest(transitions=None)
    assert film(song, request, 5)[1] == film(song, request, 5)[1]
    assert film(song, request, 5)[1] != film(song, request, 6)[1]


def test_footage_takes_the_place_of_the_style() -> None:
    _, plan = film(pop_song(), VideoRequest(), footage=3)
    assert {segment.source.kind for segment in plan.segments} == {SourceKind.CLIP}
    _, plan = film(pop_song(), VideoRequest())
    assert {segment.source.kind for segment in plan.segments} == {SourceKind.STYLE}


def test_a_caption_is_in_every_segment_that_it_touches() -> None:
    captions = tuple(
        Caption(text=f"line {place}", start_frame=start, end_frame=start + 90, style=CaptionStyle.LINE, font="f.ttf")
        for place, start in enumerate(range(0, 2000, 130))
    )
    _, plan = film(pop_song(), VideoRequest(), captions=captions)
    for segment in plan.segments:
        seen = {
            caption for caption in captions if set(range(caption.start_frame, caption.end_frame)) & frames_of(segment)
        }
        assert set(segment.captions) == seen


def frames_of(segment: SegmentPlan) -> set[int]:
    return set(range(segment.frames.start, segment.frames.end))


def test_a_changed_caption_changes_the_keys_of_its_own_segments_only() -> None:
    caption = Caption(text="la", start_frame=300, end_frame=330, style=CaptionStyle.LINE, font="f.ttf")
    _, plain = film(pop_song(), VideoRequest())
    _, titled = film(pop_song(), VideoRequest(), captions=(caption,))
    for before, after in zip(plain.segments, titled.segments, strict=True):
        is_changed = before.content_key(plain.spec) != after.content_key(titled.spec)
        assert is_changed == bool(after.captions)
