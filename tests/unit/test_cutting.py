"""The laws of the timeline, for any beats and any rate, and what an editor would expect of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.analysis import Analysis
from tasks.domain.errors import InvalidInput
from tasks.domain.timebase import FrameRange, frame_count, nearest_frame
from tasks.domain.timeline import Timeline
from tasks.edit.cutting import SHORTEST_SHOT_S, cut_timeline, window_of
from tests.support.analyses import SAMPLE_RATE, analysis, section, steady
from tests.support.edits import RATES, pop_song, songs

R30 = Fraction(30)


def lengths_s(timeline: Timeline, label: str) -> list[float]:
    return [float(len(shot.frames) / timeline.frame_rate) for shot in timeline.shots if shot.section == label]


@given(songs(), st.sampled_from(RATES))
@settings(max_examples=150)
def test_a_timeline_covers_the_song_exactly(song: Analysis, rate: Fraction) -> None:
    timeline = cut_timeline(song, rate, None)
    assert timeline.frames == frame_count(song.duration_s, rate)
    assert timeline.shots[0].frames.start == 0
    for before, after in pairwise(timeline.shots):
        assert before.frames.end == after.frames.start
    assert sum(len(shot.frames) for shot in timeline.shots) == timeline.frames
    assert all(shot.reason for shot in timeline.shots)


@given(songs(), st.sampled_from(RATES), st.integers(0, 99))
@settings(max_examples=150)
def test_a_cut_is_the_frame_nearest_to_its_beat(song: Analysis, rate: Fraction, seed: int) -> None:
    beats = {beat.time_s for beat in song.beats}
    for shot in cut_timeline(song, rate, None, seed=seed).cuts:
        if shot.beat_s is not None:
            assert shot.beat_s in beats
            assert shot.frames.start == nearest_frame(shot.beat_s, rate)


@given(songs(), st.sampled_from(RATES), st.fractions(Fraction(1, 10), 10))
@settings(max_examples=150)
def test_no_shot_is_shorter_than_asked(song: Analysis, rate: Fraction, shortest_s: Fraction) -> None:
    timeline = cut_timeline(song, rate, None, shortest_shot_s=shortest_s)
    if len(timeline.shots) > 1:
        assert min(len(shot.frames) for shot in timeline.shots) >= shortest_s * rate


@given(songs(), st.sampled_from(RATES))
@settings(max_examples=50)
def test_no_shot_is_shorter_than_half_a_second_if_nothing_is_asked(song: Analysis, rate: Fraction) -> None:
    timeline = cut_timeline(song, rate, None)
    assert Fraction(1, 2) == SHORTEST_SHOT_S
    assert len(timeline.shots) == 1 or min(len(shot.frames) for shot in timeline.shots) >= SHORTEST_SHOT_S * rate


@given(songs(), st.sampled_from(RATES))
@settings(max_examples=50)
def test_a_timeline_survives_being_written(song: Analysis, rate: Fraction) -> None:
    timeline = cut_timeline(song, rate, None)
    assert Timeline.from_json(timeline.to_json()) == timeline


@given(songs(), st.sampled_from(RATES), st.fractions(0, 60), st.fractions(2, 60))
@settings(max_examples=100)
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


@pytest.mark.parametrize("bpm", [60, 74, 96, 100, 120, 140, 174])
def test_sections_are_cut_by_their_kind(bpm: float) -> None:
    timeline = cut_timeline(pop_song(bpm), R30, None)
    pace = {label: fmean(lengths_s(timeline, label)) for label in ("intro", "verse", "chorus", "outro")}
    assert pace["intro"] > pace["verse"] > pace["chorus"]
    assert pace["outro"] > pace["verse"]
    assert pace["intro"] > 2 * pace["chorus"]


def test_of_sections_of_one_kind_the_loud_one_is_cut_faster() -> None:
    song = steady(80, 120.0, [section(0.0, 40.0, "verse", 0.3), section(40.0, 80.0, "verse", 0.95)])
    shots = cut_timeline(song, R30, None).shots
    calm = [shot for shot in shots if shot.frames.start < 40 * 30]
    assert len(shots) - len(calm) >= 2 * len(calm)


def test_loud_sections_are_cut_faster_than_calm_ones() -> None:
    song = steady(60, 120.0, [section(0.0, 30.0, "verse", 0.1), section(30.0, 60.0, "chorus", 1.0)])
    shots = cut_timeline(song, R30, None).shots
    calm = [shot for shot in shots if shot.section == "verse"]
    loud = [shot for shot in shots if shot.section == "chorus"]
    assert len(loud) >= 2 * len(calm)
    assert any("chorus begins" in shot.reason for shot in loud)


def test_every_section_begins_with_a_cut_on_its_beat() -> None:
    song = pop_song(100)
    begins = [shot for shot in cut_timeline(song, R30, None).cuts if shot.reason == f"the {shot.section} begins"]
    assert [shot.section for shot in begins] == [part.label for part in song.sections[1:]]
    assert [shot.beat_s for shot in begins] == pytest.approx([part.start_s for part in song.sections[1:]])


def test_cuts_of_calm_sections_begin_bars() -> None:
    song = pop_song(120)
    downbeats = set(song.downbeats)
    cuts = [shot for shot in cut_timeline(song, R30, None).cuts if shot.section in {"intro", "outro", "break"}]
    assert cuts
    assert all(shot.beat_s in downbeats for shot in cuts)


def test_a_section_of_three_four_time_is_cut_on_its_bars() -> None:
    song = steady(60, 150.0, [section(0.0, 60.0, "intro", 0.2)])
    beats = tuple(replace(beat, position=index % 3 + 1) for index, beat in enumerate(song.beats))
    song = replace(song, beats=beats, downbeats=tuple(beat.time_s for beat in beats[::3]))
    cuts = cut_timeline(song, R30, None).cuts
    assert cuts
    assert all(shot.beat_s in song.downbeats for shot in cuts)


def test_the_end_of_a_verse_quickens_into_the_chorus() -> None:
    timeline = cut_timeline(pop_song(120), R30, None)
    fills = [shot for shot in timeline.cuts if "fill" in shot.reason]
    assert {shot.section for shot in fills} <= {"pre-chorus", "bridge"}
    assert any("leads into the chorus" in shot.reason for shot in fills)
    for fill in fills:
        following = timeline.shots[fill.index + 1]
        assert following.section == "chorus" or "fill" in following.reason


def test_the_picture_is_held_before_a_drop() -> None:
    timeline = cut_timeline(pop_song(120, drop=True), R30, None)
    drop = next(shot for shot in timeline.cuts if shot.section == "drop")
    assert len(timeline.shots[drop.index - 1].frames) >= 2 * 30


def test_the_last_chorus_is_cut_faster_than_the_first() -> None:
    parts = ["verse", "chorus", "verse", "chorus"]
    edges = [0.0, *(0.05 + 20 * place for place in range(1, 4)), 80.0]
    song = steady(
        80,
        93.0,
        [section(a, b, x, 0.5 + 0.4 * (x == "chorus")) for (a, b), x in zip(pairwise(edges), parts, strict=True)],
    )
    shots = cut_timeline(song, R30, None).shots
    halves = Counter(shot.frames.start >= 40 * 30 for shot in shots if shot.section == "chorus")
    assert halves[True] > halves[False]


def test_shots_of_a_section_vary_and_the_seed_decides_how() -> None:
    song = steady(90, 120.0, [section(0.0, 90.0, "verse", 0.6)])
    films = [cut_timeline(song, R30, None, seed=seed) for seed in range(6)]
    assert films[0] == cut_timeline(song, R30, None, seed=0)
    assert len({tuple(shot.frames for shot in film.shots) for film in films}) > 1
    assert len(set(lengths_s(films[0], "verse"))) > 1


def test_a_changed_section_leaves_the_cuts_of_the_others() -> None:
    song = pop_song(120)
    louder = replace(song, sections=(*song.sections[:6], replace(song.sections[6], energy=0.97), song.sections[7]))

    def early(film: Timeline) -> list[FrameRange]:
        return [shot.frames for shot in film.shots if shot.frames.end <= 50 * 30]

    assert early(cut_timeline(song, R30, None)) == early(cut_timeline(louder, R30, None))


def test_without_beats_cuts_are_even_and_say_so() -> None:
    timeline = cut_timeline(analysis(40 * SAMPLE_RATE), R30, None)
    assert len(timeline.cuts) == 9
    assert all(shot.beat_s is None and "no beat" in shot.reason for shot in timeline.cuts)
    assert len({len(shot.frames) for shot in timeline.shots}) == 1


def test_a_stretch_without_a_beat_is_divided_evenly() -> None:
    song = steady(60, 120.0)
    song = replace(song, beats=tuple(beat for beat in song.beats if not 20 < beat.time_s < 40), downbeats=())
    cuts = [shot for shot in cut_timeline(song, R30, None).cuts if shot.beat_s is None]
    assert cuts
    assert all("without a beat" in shot.reason for shot in cuts)
    assert all(20 < shot.frames.start / 30 < 40 for shot in cuts)


def test_a_window_outside_the_song_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="choose a start and an end"):
        window_of(steady(30), Fraction(29), None)
