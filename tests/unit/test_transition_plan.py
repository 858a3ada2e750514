"""Which cuts become transitions, of what kind and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.analysis import Analysis, Section
from tasks.domain.timeline import Shot
from tasks.domain.transition import Transition, TransitionKind
from tasks.edit.cutting import cut_timeline
from tasks.edit.score import Score
from tasks.edit.transitions import plan_transitions
from tests.support.analyses import section, steady
from tests.support.edits import RATES, pop_song, songs

R30 = Fraction(30)
ALL = tuple(TransitionKind)


def planned(
    song: Analysis, allowed: tuple[TransitionKind, ...] | None, seed: int = 0, rate: Fraction = R30
) -> list[tuple[Shot, Transition | None]]:
    timeline = cut_timeline(song, rate, None, seed=seed)
    return list(zip(timeline.shots, plan_transitions(Score.of(song, timeline), allowed, seed), strict=True))


@given(songs(), st.sampled_from(RATES), st.integers(0, 5), st.one_of(st.none(), st.sets(st.sampled_from(ALL))))
@settings(max_examples=150)
def test_no_picture_mixes_three_shots(
    song: Analysis, rate: Fraction, seed: int, allowed: set[TransitionKind] | None
) -> None:
    film = planned(song, None if allowed is None else tuple(allowed), seed, rate)
    assert film[0][1] is None
    for shot, transition in film:
        if transition is not None:
            assert 2 <= transition.frames <= len(shot.frames) // 2
            assert allowed is None or transition.kind in allowed


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("bpm", [72, 120, 150])
def test_cuts_dominate(seed: int, bpm: float) -> None:
    film = planned(pop_song(bpm), None, seed)
    marked = [transition for _, transition in film if transition is not None]
    assert 0 < len(marked) <= 0.4 * len(film)


@pytest.mark.parametrize("seed", range(8))
def test_calm_sections_dissolve_and_loud_ones_begin_with_a_bang(seed: int) -> None:
    film = planned(pop_song(drop=True), None, seed)
    for (before, _), (shot, transition) in pairwise(film):
        turns = before.section != shot.section
        if shot.section == "outro" and turns:
            assert transition is not None
            assert transition.kind is TransitionKind.DISSOLVE
            assert transition.frames >= 24
        if shot.section == "drop" and turns:
            assert transition is not None
            assert transition.kind in {TransitionKind.FLASH, TransitionKind.GLITCH, TransitionKind.ZOOM}
            assert transition.frames <= 12
        if shot.section in {"intro", "break"} and transition is not None:
            assert transition.kind is TransitionKind.DISSOLVE
        if shot.section in {"chorus", "drop"}:
            assert transition is None or transition.kind is not TransitionKind.DISSOLVE


def test_an_empty_choice_means_cuts_alone() -> None:
    assert all(transition is None for _, transition in planned(pop_song(), ()))


@pytest.mark.parametrize("kind", ALL)
def test_a_kind_that_is_asked_for_alone_is_used_at_turns(kind: TransitionKind) -> None:
    kinds = [transition.kind for _, transition in planned(pop_song(), (kind,)) if transition is not None]
    assert set(kinds) == {kind}
    assert len(kinds) >= (2 if kind is TransitionKind.WIPE else 4)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "sections", [pop_song().sections, [section(0.0, 80.0, "verse", 0.5)]], ids=["song", "one part"]
)
def test_every_kind_that_is_asked_for_is_used(seed: int, sections: Sequence[Section]) -> None:
    song = steady(80, 120.0, sections)
    assert {transition.kind for _, transition in planned(song, ALL, seed) if transition is not None} == set(ALL)


def test_a_faster_song_has_shorter_transitions() -> None:
    def longest(bpm: float) -> int:
        film = planned(pop_song(bpm), (TransitionKind.ZOOM,))
        return max(transition.frames for _, transition in film if transition is not None)

    assert longest(160) < longest(80)


def test_two_turns_are_not_marked_alike_where_there_is_a_choice() -> None:
    chosen = (TransitionKind.ZOOM, TransitionKind.WHIP)
    film = planned(pop_song(), chosen)
    turns = [film[place][1] for place in range(1, len(film)) if film[place - 1][0].section != film[place][0].section]
    kinds = [transition.kind for transition in turns if transition is not None]
    assert all(before is not after for before, after in pairwise(kinds))


@pytest.mark.parametrize("rate", [Fraction(24), R30, Fraction(60)], ids=str)
def test_what_rushes_past_is_over_before_it_flickers(rate: Fraction) -> None:
    film = planned(pop_song(60), (TransitionKind.WHIP, TransitionKind.MATCH, TransitionKind.GLITCH), rate=rate)
    assert max(transition.frames for _, transition in film if transition is not None) <= 6
