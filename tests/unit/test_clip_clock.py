"""Which picture of a clip belongs to which frame, and in what stretches it is read."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.clip import Beyond, ClipShot
from tasks.media.clip.clock import ShotClock, stretches

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(30000, 1001)]


def clock(length_s: Fraction, beyond: Beyond, rate: Fraction, speed: Fraction = Fraction(1)) -> ShotClock:
    shot = ClipShot(content_key="clip", start_s=Fraction(1, 7), length_s=length_s, speed=speed, beyond=beyond)
    return ShotClock(shot, rate)


@given(
    length_s=st.fractions(min_value=Fraction(1, 100), max_value=20, max_denominator=1000),
    beyond=st.sampled_from(Beyond),
    rate=st.sampled_from(RATES),
    speed=st.fractions(min_value=Fraction(1, 2), max_value=1, max_denominator=1000),
    frame=st.integers(min_value=-500, max_value=2000),
)
def test_no_frame_leaves_the_part(
    length_s: Fraction, beyond: Beyond, rate: Fraction, speed: Fraction, frame: int
) -> None:
    found = clock(length_s, beyond, rate, speed)
    place = found.place(frame)
    assert 0 <= found.time_s(place) - Fraction(1, 7) < length_s
    if 0 <= frame * speed / rate < length_s:
        assert place == frame
    if beyond is Beyond.BOOMERANG:
        assert abs(found.place(frame + 1) - place) <= 1


def test_a_part_of_one_frame_is_held() -> None:
    found = clock(Fraction(1, 100), Beyond.BOOMERANG, Fraction(30))
    assert [found.place(frame) for frame in range(-3, 4)] == [0] * 7


@given(st.lists(st.integers(min_value=0, max_value=6)), st.integers(min_value=2, max_value=5))
def test_stretches_are_all_there_and_turn_nowhere(places: list[int], longest: int) -> None:
    parts = list(stretches(places, longest))
    assert list(chain.from_iterable(parts)) == places
    for part in parts:
        rising = sorted(part) == list(part)
        assert rising or sorted(part, reverse=True) == list(part)
        assert rising or len(part) <= longest
