"""Which effects a film has, and on which frames."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from tasks.domain.analysis import Analysis
from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.timebase import nearest_frame
from tasks.domain.timeline import Shot, Timeline
from tasks.domain.transition import Transition
from tasks.edit.cutting import cut_timeline
from tasks.edit.effects import plan_effects
from tasks.edit.looks import GRADES
from tasks.edit.score import Score
from tasks.edit.transitions import plan_transitions
from tests.support.analyses import SAMPLE_RATE, analysis, section, steady
from tests.support.edits import pop_song

R30 = Fraction(30)
STRIKES = {EffectKind.PULSE, EffectKind.FLASH, EffectKind.SHAKE, EffectKind.RGB_SPLIT}


class Film:
    """A song's edit with the effects that are looked at."""

    def __init__(
        self,
        song: Analysis,
        allowed: tuple[EffectKind, ...] | None,
        *,
        rate: Fraction = R30,
        cuts_only: bool = False,
        is_wide: bool = True,
    ) -> None:
        self.song = song
        self.timeline: Timeline = cut_timeline(song, rate, None)
        score = Score.of(song, self.timeline)
        self.transitions: tuple[Transition | None, ...] = plan_transitions(
            score, () if cuts_only else None, 0, has_flashes=EffectKind.FLASH in (allowed or ())
        )
        self.effects = plan_effects(score, self.transitions, allowed, is_wide=is_wide)

    def of(self, kind: EffectKind) -> list[Effect]:
        return [effect for effect in self.effects if effect.kind is kind]

    def shot_at(self, frame: int) -> Shot:
        return next(shot for shot in self.timeline.shots if shot.frames.start <= frame < shot.frames.end)

    def begins(self, label: str) -> list[int]:
        shots = self.timeline.shots
        return [b.frames.start for a, b in pairwise(shots) if b.section == label and a.section != label]


@pytest.mark.parametrize("rate", [Fraction(24), R30, Fraction(60), Fraction(30000, 1001)], ids=str)
@pytest.mark.parametrize("bpm", [80, 120, 170])
def test_strikes_begin_and_end_on_frames_of_beats(rate: Fraction, bpm: float) -> None:
    song = pop_song(bpm, drop=True)
    beats = {nearest_frame(beat.time_s, rate) for beat in song.beats}
    film = Film(song, tuple(STRIKES), rate=rate)
    assert {effect.kind for effect in film.effects} == STRIKES
    for effect in film.effects:
        assert effect.start_frame in beats
        if effect.kind is EffectKind.SHAKE:
            assert effect.end_frame - effect.start_frame <= 6
        else:
            assert effect.end_frame in beats or effect.end_frame == film.timeline.frames
        assert effect.curve is Curve.DECAY


@pytest.mark.parametrize("kind", EffectKind)
@pytest.mark.parametrize(
    "song",
    [pop_song(), pop_song(drop=True), pop_song(76), steady(30, 120.0), analysis(30 * SAMPLE_RATE)],
    ids=["chorus", "drop", "slow", "one part", "no beat"],
)
def test_a_kind_that_is_asked_for_is_used_and_no_other(kind: EffectKind, song: Analysis) -> None:
    assert {effect.kind for effect in Film(song, (kind,)).effects} == {kind}


@pytest.mark.parametrize("song", [pop_song(), pop_song(drop=True), pop_song(140)], ids=["chorus", "drop", "fast"])
def test_of_all_kinds_that_are_asked_for_each_is_used(song: Analysis) -> None:
    used = {effect.kind for effect in Film(song, tuple(EffectKind)).effects}
    assert used >= set(EffectKind) - set(GRADES)
    assert used & set(GRADES)


def test_an_empty_choice_means_no_effects() -> None:
    assert Film(pop_song(), ()).effects == ()


def test_left_to_taste_an_edit_is_sparing_and_still_alive() -> None:
    film = Film(pop_song(), None)
    named = Film(pop_song(), tuple(EffectKind))
    assert 0 < len(film.effects) < len(named.effects)
    loud = {shot.frames for shot in film.timeline.shots if shot.section == "chorus"}
    assert {film.shot_at(effect.start_frame).frames for effect in film.of(EffectKind.PULSE)} <= loud
    assert len(film.of(EffectKind.FLASH)) <= len(film.begins("chorus"))


def test_a_pulse_falls_on_every_beat_of_loud_sections_if_asked_for() -> None:
    film = Film(pop_song(120), (EffectKind.PULSE,))
    loud = [part for part in film.song.sections if part.label == "chorus"]
    beats = {
        nearest_frame(beat.time_s, R30)
        for beat in film.song.beats
        for part in loud
        if part.start_s - 0.1 <= beat.time_s < part.end_s - 0.1
    }
    assert {effect.start_frame for effect in film.effects} == beats


def test_above_170_beats_a_minute_every_second_beat_is_left_out() -> None:
    starts = [effect.start_frame for effect in Film(pop_song(184), (EffectKind.PULSE,)).effects]
    assert min(after - before for before, after in pairwise(starts)) >= 19


def test_flashes_mark_the_turns_into_loud_sections() -> None:
    film = Film(pop_song(), None, cuts_only=True)
    assert [effect.start_frame for effect in film.of(EffectKind.FLASH)] == film.begins("chorus")


def test_a_drop_shakes_and_the_picture_stands_still_before_it() -> None:
    film = Film(pop_song(drop=True), None)
    [drop] = film.begins("drop")
    assert drop in {effect.start_frame for effect in film.of(EffectKind.SHAKE)}
    [freeze] = film.of(EffectKind.FREEZE)
    assert freeze.end_frame == drop
    assert freeze.end_frame - freeze.start_frame == 15
    assert freeze.curve is Curve.HOLD


def test_a_ramp_ends_where_the_chorus_begins() -> None:
    film = Film(pop_song(), None)
    assert {effect.end_frame for effect in film.of(EffectKind.SPEED_RAMP)} <= set(film.begins("chorus"))
    assert film.of(EffectKind.SPEED_RAMP)
    for effect in film.of(EffectKind.SPEED_RAMP):
        assert film.shot_at(effect.start_frame) is film.shot_at(effect.end_frame - 1)


@pytest.mark.parametrize("cuts_only", [True, False])
def test_moods_cross_over_the_frames_of_the_transition(cuts_only: bool) -> None:  # noqa: FBT001 - a parameter
    song = pop_song()
    sections = tuple(
        replace(part, valence=0.7 if place % 2 else 0.3, arousal=0.5) for place, part in enumerate(song.sections)
    )
    film = Film(replace(song, sections=sections), None, cuts_only=cuts_only)
    grades = [effect for effect in film.effects if effect.kind in GRADES]
    assert len({effect.kind for effect in grades}) >= 3
    blends = {
        shot.frames.start: transition.frames
        for shot, transition in zip(film.timeline.shots, film.transitions, strict=True)
        if transition is not None
    }
    for effect in grades:
        if effect.curve in {Curve.RISE, Curve.FALL}:
            assert effect.end_frame - effect.start_frame == blends[effect.start_frame]
    for frame in range(film.timeline.frames):
        at = [effect for effect in grades if effect.strength(frame) > 0]
        assert len(at) == 1 or (len(at) == 2 and {effect.curve for effect in at} == {Curve.RISE, Curve.FALL})


def test_one_grade_that_is_asked_for_colours_the_whole_film() -> None:
    film = Film(pop_song(), (EffectKind.GRADE_COOL,))
    [grade] = film.effects
    assert (grade.start_frame, grade.end_frame) == (0, film.timeline.frames)


def test_calm_sections_are_letterboxed_and_open_on_the_beat() -> None:
    film = Film(pop_song(), None)
    bars = film.of(EffectKind.LETTERBOX)
    verse = film.begins("verse")[0]
    assert any(bar.start_frame == 0 and bar.end_frame == verse and bar.curve is Curve.HOLD for bar in bars)
    assert any(bar.start_frame == verse and bar.end_frame == verse + 15 and bar.curve is Curve.FALL for bar in bars)
    assert Film(pop_song(), None, is_wide=False).of(EffectKind.LETTERBOX) == []


def test_light_leaks_swell_for_two_seconds_at_least() -> None:
    for allowed in (None, (EffectKind.LIGHT_LEAK,)):
        leaks = Film(pop_song(), allowed).of(EffectKind.LIGHT_LEAK)
        assert leaks
        assert all(leak.end_frame - leak.start_frame >= 60 and leak.curve is Curve.ARC for leak in leaks)
        assert all(before.end_frame <= after.start_frame for before, after in pairwise(leaks))


def test_a_loud_part_of_a_song_without_names_counts_as_loud() -> None:
    song = steady(60, 120.0, [section(0.0, 30.0, "verse", 0.2), section(30.0, 60.0, "verse", 0.9)])
    pulses = Film(song, None).of(EffectKind.PULSE)
    assert pulses
    assert all(effect.start_frame >= 890 for effect in pulses)
