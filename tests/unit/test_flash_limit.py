"""No second of a plan flashes more than three times, counted by another rule than the limiter's own."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.request import VideoRequest
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline
from tasks.domain.transition import Transition, TransitionKind
from tasks.edit.cutting import cut_timeline
from tasks.edit.flash_limit import MOST_BRIGHT, SOFT_FLASH, limit_flashes
from tasks.edit.storyboard import plan_segments
from tests.support.edits import RATES, pop_song

BRIGHT = {TransitionKind.FLASH, TransitionKind.GLITCH}
STRIKES = [EffectKind.FLASH, EffectKind.PULSE, EffectKind.SHAKE, EffectKind.RGB_SPLIT, EffectKind.LIGHT_LEAK]


def timeline_of(rate: Fraction, lengths: list[int]) -> Timeline:
    edges = [0, *np.cumsum(lengths).tolist()]
    shots = tuple(
        Shot(index=index, frames=FrameRange(start, end), beat_s=None, section="chorus", reason="")
        for index, (start, end) in enumerate(pairwise(edges))
    )
    return Timeline(frame_rate=rate, shots=shots, window=None)


def linear(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give relative luminance of grey as sRGB defines it."""
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def luminance(
    timeline: Timeline, transitions: tuple[Transition | None, ...], effects: tuple[Effect, ...]
) -> NDArray[np.float64]:
    """Draw the film in one pixel: dark and bright shots in turns, flashes and flash transitions over them."""
    code = np.empty(timeline.frames)
    for shot, transition in zip(timeline.shots, transitions, strict=True):
        grey = 0.65 if shot.index % 2 else 0.15
        code[shot.frames.start : shot.frames.end] = grey
        if transition is not None and transition.kind in BRIGHT:
            for place in range(transition.frames):
                white = 4 * transition.weight(place) * (1 - transition.weight(place))
                code[shot.frames.start + place] = grey * (1 - white) + white
    for effect in effects:
        if effect.kind in {EffectKind.FLASH, EffectKind.LIGHT_LEAK}:
            for frame in range(effect.start_frame, effect.end_frame):
                code[frame] += (1 - code[frame]) * effect.strength(frame)
    return linear(code)


def changes(levels: NDArray[np.float64]) -> list[int]:
    """Give the frames of opposing changes of a tenth or more whose darker side is below 0.8."""
    found: list[int] = []
    extreme, direction = levels[0], 0
    for frame, level in enumerate(levels):
        step = level - extreme
        if direction and step * direction > 0:
            extreme = level
        elif abs(step) >= 0.1 and min(level, extreme) < 0.8:
            found.append(frame)
            extreme, direction = level, 1 if step > 0 else -1
    return found


def flashes_in_a_second(frames: list[int], rate: Fraction) -> int:
    """Count the pairs of opposing changes in the fullest second."""
    return max((sum(start <= at < start + rate for at in frames) for start in frames), default=0) // 2


@st.composite
def plans(draw: st.DrawFn) -> tuple[Timeline, tuple[Transition | None, ...], tuple[Effect, ...]]:
    rate = draw(st.sampled_from(RATES))
    shortest = -(-rate // 2)
    timeline = timeline_of(rate, draw(st.lists(st.integers(shortest, 3 * shortest), min_size=1, max_size=12)))
    kinds = st.one_of(st.none(), st.sampled_from(TransitionKind))
    transitions: list[Transition | None] = [None]
    for shot in timeline.cuts:
        kind = draw(kinds)
        transitions.append(
            None if kind is None else Transition(kind=kind, frames=draw(st.integers(1, len(shot.frames) // 2)))
        )
    effects = []
    for _ in range(draw(st.integers(0, 30))):
        start = draw(st.integers(0, timeline.frames - 1))
        effects.append(
            Effect(
                kind=draw(st.sampled_from(STRIKES)),
                start_frame=start,
                end_frame=min(start + draw(st.integers(1, 2 * round(rate))), timeline.frames),
                amount=draw(st.floats(0.1, 1.0)),
                curve=draw(st.sampled_from([Curve.DECAY, Curve.HOLD])),
            )
        )
    return timeline, tuple(transitions), tuple(effects)


@given(plans())
@settings(max_examples=300)
def test_no_second_holds_more_than_the_bound(
    plan: tuple[Timeline, tuple[Transition | None, ...], tuple[Effect, ...]],
) -> None:
    timeline, transitions, effects = plan
    left = limit_flashes(timeline, transitions, effects)
    rate = timeline.frame_rate
    bright = {
        shot.frames.start
        for shot, transition in zip(timeline.shots, left.transitions, strict=True)
        if transition is not None and transition.kind in BRIGHT
    }
    bright |= {e.start_frame for e in left.effects if e.kind is EffectKind.FLASH and e.amount > SOFT_FLASH}
    strikes = bright | {effect.start_frame for effect in left.effects if effect.kind in STRIKES[1:4]}
    cuts = {shot.frames.start for shot in timeline.cuts} - strikes
    for start in strikes | cuts:
        second = range(start, start + int(rate) + 1)
        assert len(bright & set(second)) <= MOST_BRIGHT
        assert 2 * len(strikes & set(second)) + len(cuts & set(second)) <= 6


@given(plans())
@settings(max_examples=150)
def test_what_is_not_a_flash_stays_and_every_change_is_told(
    plan: tuple[Timeline, tuple[Transition | None, ...], tuple[Effect, ...]],
) -> None:
    timeline, transitions, effects = plan
    left = limit_flashes(timeline, transitions, effects)
    for before, after in zip(transitions, left.transitions, strict=True):
        assert after == before or (after is None and before is not None and before.kind in BRIGHT)
    lost = len(transitions) - sum(a == b for a, b in zip(transitions, left.transitions, strict=True))
    lost += len(set(effects)) - len(set(effects) & set(left.effects))
    assert len([note for note in left.notes if note.kind != "cut"]) >= lost
    assert all(note.reason for note in left.notes)
    again = limit_flashes(timeline, left.transitions, left.effects)
    assert (again.transitions, again.effects) == (left.transitions, left.effects)


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("bpm", [100, 120, 160, 200, 240])
@pytest.mark.parametrize("seed", range(3))
def test_a_film_with_all_effects_is_safe_between_dark_and_bright_shots(rate: Fraction, bpm: float, seed: int) -> None:
    song = pop_song(bpm, drop=bool(seed % 2))
    request = VideoRequest(
        frame_rate=rate,
        effects=tuple(EffectKind),
        transitions=(TransitionKind.FLASH, TransitionKind.GLITCH),
        shortest_shot_s=Fraction(1, 4),
    )
    timeline = cut_timeline(song, rate, None, shortest_shot_s=request.shortest_shot_s, seed=seed)
    plan = plan_segments(song, timeline, request, seed=seed, keys={})
    transitions: list[Transition | None] = [None] * len(timeline.shots)
    for segment in plan.segments:
        transitions[segment.shot] = segment.transition or transitions[segment.shot]
    effects = tuple({effect for segment in plan.segments for effect in segment.effects})
    levels = luminance(timeline, tuple(transitions), effects)
    assert flashes_in_a_second(changes(levels), rate) <= 3


def strobe(kind: EffectKind, every: int, amount: float) -> tuple[Effect, ...]:
    return tuple(
        Effect(kind=kind, start_frame=start, end_frame=start + every, amount=amount, curve=Curve.DECAY)
        for start in range(0, 300 - every, every)
    )


def test_a_strobe_is_softened_until_it_is_no_flash() -> None:
    timeline, flashes = timeline_of(Fraction(30), [300]), strobe(EffectKind.FLASH, 5, 0.8)
    assert flashes_in_a_second(changes(luminance(timeline, (None,), flashes)), Fraction(30)) > 3
    left = limit_flashes(timeline, (None,), flashes)
    assert flashes_in_a_second(changes(luminance(timeline, (None,), left.effects)), Fraction(30)) <= MOST_BRIGHT
    assert len(left.effects) == len(flashes)
    assert len(left.notes) == sum(effect.amount == SOFT_FLASH for effect in left.effects)
    assert all("within one second" in note.reason for note in left.notes)


def test_a_softened_flash_is_no_flash_on_any_picture() -> None:
    code = np.linspace(0, 1, 1001)
    assert (linear(code + (1 - code) * SOFT_FLASH) - linear(code)).max() < 0.1


def test_a_film_that_flashes_twice_a_second_is_left_as_it_is() -> None:
    timeline, flashes = timeline_of(Fraction(30), [300]), strobe(EffectKind.FLASH, 16, 0.5)
    left = limit_flashes(timeline, (None,), flashes)
    assert left.effects == flashes
    assert left.notes == ()


@pytest.mark.parametrize(("own", "flashes"), [(0.0, 2), (1.0, 2), (1.5, 1), (3.0, 0)])
def test_where_the_footage_flashes_fewer_flashes_are_planned(own: float, flashes: int) -> None:
    timeline = timeline_of(Fraction(30), [300])
    left = limit_flashes(timeline, (None,), strobe(EffectKind.FLASH, 10, 0.8), [own])
    bright = [effect.start_frame for effect in left.effects if effect.amount > SOFT_FLASH]
    assert max((sum(start <= at <= start + 30 for at in bright) for start in bright), default=0) == flashes
    assert all(("footage" in note.reason) == (own > 1) for note in left.notes)


def test_pulses_that_are_too_many_are_thinned() -> None:
    timeline = timeline_of(Fraction(30), [300])
    left = limit_flashes(timeline, (None,), strobe(EffectKind.PULSE, 6, 0.4))
    starts = [effect.start_frame for effect in left.effects]
    assert all(sum(start <= at <= start + 30 for at in starts) <= 3 for start in starts)
    assert starts


def test_cuts_that_are_too_many_are_told_and_kept() -> None:
    timeline = timeline_of(Fraction(30), [3] * 60)
    left = limit_flashes(timeline, (None,) * 60, ())
    assert left.notes
    assert {note.kind for note in left.notes} == {"cut"}


def test_the_limit_can_be_switched_off_and_the_plan_says_so() -> None:
    song = pop_song(240)
    request = VideoRequest(effects=(EffectKind.FLASH,), transitions=(TransitionKind.FLASH,))
    timeline = cut_timeline(song, Fraction(30), None)
    plan = plan_segments(song, timeline, request, seed=0, keys={}).to_json()
    assert plan["flash_limit"]["is_on"] is True
    open_request = VideoRequest.from_json({**request.to_json(), "limit_flashes": False})
    plan = plan_segments(song, timeline, open_request, seed=0, keys={}).to_json()
    assert plan["flash_limit"] == {"is_on": False, "softened": []}
