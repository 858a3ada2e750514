"""Frames are integers, rates are rational."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.errors import InvalidRecord
from tasks.domain.timebase import FrameRange, frame_count, nearest_frame, parse_rate, rate_text

RATES = st.sampled_from([Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(30000, 1001)])


@given(st.integers(1, 10**9), st.integers(8000, 192000), RATES)
def test_a_film_is_within_half_a_frame_of_its_song(samples: int, sample_rate: int, rate: Fraction) -> None:
    duration = Fraction(samples, sample_rate)
    difference = frame_count(duration, rate) / rate - duration
    assert abs(difference) <= Fraction(1, 2) / rate


@given(st.floats(0, 10_000), RATES)
def test_the_nearest_frame_is_at_most_half_a_frame_away(time_s: float, rate: Fraction) -> None:
    assert abs(nearest_frame(time_s, rate) - Fraction(time_s) * rate) <= Fraction(1, 2)


def test_a_tie_goes_to_the_later_frame() -> None:
    assert nearest_frame(0.25, Fraction(30)) == 8


@given(RATES)
def test_a_rate_survives_being_written(rate: Fraction) -> None:
    assert parse_rate(rate_text(rate)) == rate


@pytest.mark.parametrize("text", ["", "fast", "0/1", "-30", "30/0"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InvalidRecord):
        parse_rate(text)


def test_an_empty_range_cannot_be_made() -> None:
    with pytest.raises(InvalidRecord):
        FrameRange(3, 3)
