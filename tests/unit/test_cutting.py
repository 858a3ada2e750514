"""The laws of the timeline, for any beats and any rate."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.analysis import Analysis
from tasks.domain.errors import InvalidInput
from tasks.domain.timebase import frame_count
from tasks.domain.timeline import Timeline
from tasks.edit.cutting import SHORTEST_SHOT_S, cut_timeline, window_of
from tests.support.analyses import SAMPLE_RATE, analysis, section, steady

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60)]


@st.composite
def songs(draw: st.DrawFn) -> Analysis:
    samples = draw(st.integers(2 * SAMPLE_RATE, 120 * SAMPLE_RATE))
    duration = float(Fraction(samples, SAMPLE_RATE))
    gaps = draw(st.lists(st.floats(0.05, 9.0), max_size=200))
    beats: list[float] = []
    now = draw(st.floats(0, 3))
    for gap in gaps:
        if now >= duration:
            break
        beats.append(now)
        now += gap
    edges = sorted({0.0, duration, *draw(st.lists(st.floats(0.5, 120), max_size=6))})
    edges = [edge for edge in edges if edge <= duration]
    labels = st.sampled_from(["intro", "verse", "chorus", "outro"])
    sections = [section(a, b, draw(labels), draw(st.floats(0, 1))) for a, b in pairwise(edges)]
    return analysis(samples, beats, sections, tempo_bpm=draw(st.floats(40, 220)))


@given(songs(), st.sampled_from(RATES))
@settings(max_examples=200, deadline=None)
def test_a_timeline_covers_the_song_exactly(song: Analysis, rate: Fraction) -> None:
    timeline = cut_timeline(song, rate, None)
    assert timeline.frames == frame_count(song.duration_s, rate)
    assert timeline.shots[0].frames.start == 0
    for before, after in pairwise(timeline.shots):
        assert before.frames.end == after.frames.start
    assert sum(len(shot.frames) for shot in timeline.shots) == timeline.frames


@given(songs(), st.sampled_from(RATES))
@settings(max_examples=200, deadline=None)
def test_a_cut_is_at_most_half_a_frame_from_its_beat(song: Analysis, rate: Fraction) -> None:
    beats = {beat.time_s for beat in song.beats}
    for shot in cut_timeline(song, rate, None).cuts:
        assert shot.reason
        if shot.beat_s is not None:
            assert shot.beat_s in beats
            assert abs(shot.frames.start - Fraction(shot.beat_s) * rate) <= Fraction(1, 2)


@given(songs(), st.sampled_from(RATES))
@settings(max_examples=100, deadline=None)
def test_no_shot_is_shorter_than_half_a_second(song: Analysis, rate: Fraction) -> None:
    timeline = cut_timeline(song, rate, None)
    if len(timeline.shots) > 1:
        assert min(len(shot.frames) for shot in timeline.shots) >= SHORTEST_SHOT_S * rate


@given(songs(), st.sampled_from(RATES))
@settings(max_examples=100, deadline=None)
def test_a_timeline_survives_being_written(song: Analysis, rate: Fraction) -> None:
    timeline = cut_timeline(song, rate, None)
    assert Timeline.from_json(timeline.to_json()) == timeline


@given(songs(), st.sampled_from(RATES), st.fractions(0, 60), st.fractions(2, 60))
@settings(max_examples=100, deadline=None)
def test_a_window_is_cut_like_a_song(song: Analysis, rate: Fraction, start: Fraction, length: Fraction) -> None:
    try:
        window = window_of(song, start, start + length)
    except InvalidInput:
        assert min(start + length, song.duration_s) - start < 2
        return
    timeline = cut_timeline(song, rate, window)
    shown = song.duration_s if window is None else window.duration_s
    assert timeline.frames == frame_count(shown, rate)
    in_film = {float(Fraction(beat.time_s) - start) for beat in song.beats}
    assert all(shot.beat_s is None or shot.beat_s in in_film for shot in timeline.cuts)


def test_loud_sections_are_cut_faster_than_calm_ones() -> None:
    song = steady(60, 120.0, [section(0.0, 30.0, "verse", 0.1), section(30.0, 60.0, "chorus", 1.0)])
    shots = cut_timeline(song, Fraction(30), None).shots
    calm = [shot for shot in shots if shot.section == "verse"]
    loud = [shot for shot in shots if shot.section == "chorus"]
    assert len(loud) >= 2 * len(calm)
    assert any("chorus begins" in shot.reason for shot in loud)


def test_without_beats_cuts_are_even_and_say_so() -> None:
    timeline = cut_timeline(analysis(40 * SAMPLE_RATE), Fraction(30), None)
    assert len(timeline.cuts) == 9
    assert all(shot.beat_s is None and "no beat" in shot.reason for shot in timeline.cuts)
    assert len({len(shot.frames) for shot in timeline.shots}) == 1


def test_a_window_outside_the_song_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="choose a start and an end"):
        window_of(steady(30), Fraction(29), None)
