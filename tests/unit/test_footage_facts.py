"""What was seen in a clip, as a record."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from tasks.domain.clip import Matrix
from tasks.domain.errors import InvalidRecord
from tasks.domain.footage import FootageFacts

FACTS = FootageFacts(
    id="footage_1",
    content_key="footage/abc",
    width=1080,
    height=1920,
    duration_s=Fraction(2),
    frame_rate=Fraction(30000, 1001),
    motion=(0.1, 0.2, 0.3, 0.4),
    focus=(0.5, 0.4),
    untagged=True,
    matrix=Matrix.BT709,
    focus_track=((0.2, 0.5), (0.4, 0.5), (0.6, 0.5), (0.8, 0.3)),
    flashes=(0.0, 0.5, 2.0, 4.0),
    frames=60,
    note="It breaks off after 2.0 of 3.0 s; what is there is used.",
)


def test_a_record_is_read_as_it_was_written() -> None:
    assert FootageFacts.from_json(FACTS.to_json()) == FACTS
    older = FACTS.to_json()
    for name in ("focus_track", "flashes", "frames", "is_hdr", "note"):
        del older[name]
    assert FootageFacts.from_json(older) == replace(FACTS, focus_track=(), flashes=(), frames=0, note=None)


def test_flashes_are_those_of_the_part_that_is_shown() -> None:
    assert FACTS.flashes_of(Fraction(0), Fraction(1)) == 0.5
    assert FACTS.flashes_of(Fraction(1, 2), Fraction(3, 4)) == 2.0
    assert FACTS.flashes_of(Fraction(3), Fraction(1)) == 0.0


def test_the_place_of_interest_is_that_of_the_part_that_is_shown() -> None:
    assert FACTS.focus_of(Fraction(0), Fraction(1, 2)) == (0.2, 0.5)
    assert FACTS.focus_of(Fraction(1, 2), Fraction(1)) == pytest.approx((0.5, 0.5))
    assert FACTS.focus_of(Fraction(8, 5), Fraction(9)) == (0.8, 0.3)
    assert FACTS.focus_of(Fraction(50), Fraction(1)) == FACTS.focus
    assert replace(FACTS, focus_track=()).focus_of(Fraction(0), Fraction(1)) == FACTS.focus


@pytest.mark.parametrize(
    "wrong", [{"width": 0}, {"duration_s": Fraction(0)}, {"motion": (1.2,)}, {"focus": (0.5, -0.1)}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord):
        replace(FACTS, **wrong)  # type: ignore[arg-type]
