"""Which clip a shot shows, which part of it, and how it fits."""

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
from tasks.domain.clip import Beyond, ClipShot, Fit
from tasks.domain.footage import FootageFacts
from tasks.domain.request import Deal
from tasks.edit.cutting import cut_timeline
from tasks.edit.footage import Dealt, deal_footage
from tasks.edit.score import Score
from tasks.edit.transitions import Transitions, plan_transitions
from tests.support.analyses import section, steady
from tests.support.edits import RATES, clip, pop_song, songs

R30 = Fraction(30)


def dealt(
    song: Analysis, footage: list[FootageFacts], deal: Deal = Deal.ORDER, seed: int = 0, rate: Fraction = R30
) -> tuple[Score, Transitions, tuple[ClipShot, ...]]:
    timeline = cut_timeline(song, rate, None, seed=seed)
    score = Score.of(song, timeline)
    transitions = plan_transitions(score, None, seed)
    clips = deal_footage(score, transitions, footage, deal=deal, fit=Fit.BLUR, seed=seed)
    return score, transitions, tuple(each.clip for each in clips)


def need_s(score: Score, transitions: Transitions, shot: int) -> Fraction:
    """Count the seconds of a shot with what the next transition still shows of it."""
    following = transitions[shot + 1] if shot + 1 < len(transitions) else None
    return (len(score.timeline.shots[shot].frames) + (following.frames if following else 0)) / score.frame_rate


clips_drawn = st.lists(
    st.builds(
        clip,
        st.sampled_from("abcdefgh"),
        st.fractions(Fraction(1, 30), 90),
        st.lists(st.floats(0, 1), max_size=40).map(tuple),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda facts: facts.id,
)


@given(songs(), clips_drawn, st.sampled_from(Deal), st.integers(0, 5), st.sampled_from(RATES))
@settings(max_examples=100)
def test_every_shot_has_enough_of_a_part_inside_its_clip(
    song: Analysis, footage: list[FootageFacts], deal: Deal, seed: int, rate: Fraction
) -> None:
    score, transitions, clips = dealt(song, footage, deal, seed, rate)
    assert len(clips) == len(score.timeline.shots)
    known = {facts.content_key: facts for facts in footage}
    for index, shown in enumerate(clips):
        facts, need = known[shown.content_key], need_s(score, transitions, index)
        assert 0 <= shown.start_s < shown.start_s + shown.length_s <= facts.duration_s
        assert shown.length_s >= need * shown.speed or shown.speed == Fraction(1, 2)
        assert (shown.speed == 1) == (facts.duration_s >= need)
        assert ClipShot.from_json(shown.to_json()) == shown
    for before, after in pairwise(clips):
        assert deal is Deal.ORDER or len(footage) == 1 or before.content_key != after.content_key


def test_in_order_each_clip_is_used_before_any_comes_again() -> None:
    footage = [clip(name, 60) for name in "cab"]
    _, _, clips = dealt(pop_song(), footage)
    assert [shown.content_key for shown in clips] == [footage[place % 3].content_key for place in range(len(clips))]


def test_a_long_clip_goes_on_where_it_was_left() -> None:
    score, transitions, clips = dealt(pop_song(), [clip("a", 600, (0.5,) * 1200)])
    for index, (before, after) in enumerate(pairwise(clips)):
        assert after.start_s >= before.start_s + need_s(score, transitions, index)


def test_loud_shots_show_the_liveliest_part_and_calm_ones_the_calmest() -> None:
    song = steady(40, 120.0, [section(0.0, 20.0, "intro", 0.0), section(20.0, 40.0, "chorus", 1.0)])
    # still at first, lively in the middle of each half of each stretch
    motion = ((0.0,) * 20 + (1.0,) * 20) * 20
    score, _, clips = dealt(song, [clip("a", 400, motion)])
    for shot, shown in zip(score.timeline.shots, clips, strict=True):
        seen = motion[int(shown.start_s * 2) : -int(-(shown.start_s + shown.length_s) * 2 // 1)]
        assert fmean(seen) > 0.9 if shot.section == "chorus" else fmean(seen) < 0.1


def test_by_motion_lively_footage_goes_to_loud_shots() -> None:
    motions = {name: (place / 5,) for place, name in enumerate("abcdef")}
    footage = [clip(name, 60, motion) for name, motion in motions.items()]
    score, _, clips = dealt(pop_song(), footage, Deal.MOTION)
    by_label: dict[str, list[float]] = {}
    for shot, shown in zip(score.timeline.shots, clips, strict=True):
        by_label.setdefault(shot.section, []).append(motions[shown.content_key.removeprefix("footage/")[0]][0])
    assert fmean(by_label["chorus"]) > fmean(by_label["intro"] + by_label["outro"]) + 0.2
    uses = Counter(shown.content_key for shown in clips)
    assert set(uses) == {facts.content_key for facts in footage}


def test_a_clip_is_never_shown_twice_in_a_row_if_there_are_two() -> None:
    for seed in range(5):
        _, _, clips = dealt(pop_song(), [clip("a", 60, (0.9,)), clip("b", 60, (0.1,))], Deal.MOTION, seed)
        assert all(before.content_key != after.content_key for before, after in pairwise(clips))


@pytest.mark.parametrize(
    ("duration_s", "motion", "speed", "beyond"),
    [
        (60, 0.8, 1, Beyond.BOOMERANG),
        (Fraction(3, 2), 0.8, Fraction(3, 4), Beyond.BOOMERANG),
        (Fraction(1, 2), 0.8, Fraction(1, 2), Beyond.BOOMERANG),
        (Fraction(1, 2), 0.05, Fraction(1, 2), Beyond.FREEZE),
        (Fraction(1, 30), 0.0, Fraction(1, 2), Beyond.FREEZE),
    ],
    ids=["trimmed", "slowed", "lively and too short", "still and too short", "one picture"],
)
def test_a_clip_is_brought_to_the_length_of_a_shot(
    duration_s: Fraction, motion: float, speed: Fraction, beyond: Beyond
) -> None:
    song = steady(2, 120.0)
    _, _, [shown] = dealt(song, [clip("a", duration_s, (motion,) * 120)])
    assert shown.speed == speed
    assert shown.beyond is beyond
    assert shown.fit is Fit.BLUR
    assert shown.focus == (0.4, 0.5)


def test_a_part_that_flashes_too_often_is_passed_by_or_held() -> None:
    song = steady(8, 120.0)
    score = Score.of(song, cut_timeline(song, R30, None, seed=0))
    transitions = plan_transitions(score, None, 0)
    calm = replace(clip("a", 60), flashes=(0.0,) * 60 + (5.0,) * 20 + (0.0,) * 40)
    strobe = replace(clip("b", 60), flashes=(5.0,) * 120)

    def deal(facts: FootageFacts, *, limit: bool) -> tuple[Dealt, ...]:
        return deal_footage(score, transitions, [facts], deal=Deal.ORDER, fit=Fit.FILL, seed=0, limit_flashes=limit)

    for each in deal(calm, limit=True):
        assert (each.flashes, each.is_held) == (0.0, False)
    for each in deal(strobe, limit=True):
        assert (each.flashes, each.is_held) == (5.0, True)
        assert (each.clip.length_s, each.clip.speed) == (Fraction(1, 30), Fraction(1))
        assert each.clip.beyond is Beyond.FREEZE
    for each in deal(strobe, limit=False):
        assert not each.is_held
        assert each.clip.length_s > Fraction(1, 30)


def test_dealing_is_the_same_every_time() -> None:
    footage = [clip(name, 20, (place / 4,)) for place, name in enumerate("abcd")]
    for deal in Deal:
        assert dealt(pop_song(), footage, deal, 3)[2] == dealt(pop_song(), footage, deal, 3)[2]
