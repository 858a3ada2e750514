"""What a user sets right: one record a correction, apart from what was heard.

All times are seconds of the song and none refers to a beat or a section by its number, so that a correction means
the same after the song is heard anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar

from tasks.domain.corrections.checks import (
    MOST_TIMES,
    expect_bpm,
    expect_label,
    expect_span,
    expect_time,
    invalid,
    is_count,
    made,
)

_NOTE_VALUES = (1, 2, 4, 8, 16, 32)
_MOST_BEATS_A_BAR = 32


class Scale(StrEnum):
    """How much faster the beat is than what was heard."""

    DOUBLE = "x2"
    HALF = "/2"
    TRIPLE = "x3"
    THIRD = "/3"

    @property
    def factor(self) -> Fraction:
        """The new tempo over the old one."""
        number = Fraction(self[1:])
        return number if self[0] == "x" else 1 / number


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoScale:
    """The beat is twice or three times as fast, or slow, as heard.

    Attributes
    ----------
    bpm : float or None
        What it came to when it was set, see `settle`; another analysis is then brought to this level.
    """

    kind: ClassVar[str] = "tempo_scale"
    factor: Scale
    bpm: float | None = None

    def __post_init__(self) -> None:
        if self.factor not in set(Scale):
            raise invalid(f"a tempo is scaled by {', '.join(Scale)}")
        object.__setattr__(self, "factor", Scale(self.factor))
        if self.bpm is not None:
            expect_bpm(self.bpm)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedTempo:
    """The beat is steady, ``bpm`` beats a minute through the whole song; a bar begins at ``offset_s``."""

    kind: ClassVar[str] = "tempo"
    bpm: float
    offset_s: float

    def __post_init__(self) -> None:
        expect_bpm(self.bpm)
        expect_time(self.offset_s, "offset_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatsAt:
    """The beats are exactly here: a tap list, or a grid from elsewhere.

    Attributes
    ----------
    times_s : tuple of float
        Strictly increasing.
    positions : tuple of int, or None
        Places in the bar, from 1; None counts bars as they were heard.
    extend : bool
        Whether the beat goes on at the same tempo before the first and after the last.
    """

    kind: ClassVar[str] = "beats"
    times_s: tuple[float, ...]
    positions: tuple[int, ...] | None = None
    extend: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.times_s, Sequence) or not 2 <= len(self.times_s) <= MOST_TIMES:  # noqa: PLR2004
            raise invalid(f"times_s lists 2 to {MOST_TIMES} beats")
        for time in self.times_s:
            expect_time(time, "times_s")
        if any(after <= before for before, after in pairwise(self.times_s)):
            raise invalid("times_s increase from beat to beat")
        object.__setattr__(self, "times_s", tuple(float(time) for time in self.times_s))
        if not isinstance(self.extend, bool):
            raise invalid("extend is true or false")
        if self.positions is None:
            return
        if not isinstance(self.positions, Sequence) or len(self.positions) != len(self.times_s):
            raise invalid("positions are as many as times_s")
        if not all(is_count(position) for position in self.positions):
            raise invalid("positions count from 1 within the bar")
        object.__setattr__(self, "positions", tuple(self.positions))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterIs:
    """Bars have ``numerator`` beats of ``1/denominator``."""

    kind: ClassVar[str] = "meter"
    numerator: int
    denominator: int = 4

    def __post_init__(self) -> None:
        if not (is_count(self.numerator) and self.numerator <= _MOST_BEATS_A_BAR):
            raise invalid(f"a bar has 1 to {_MOST_BEATS_A_BAR} beats")
        if isinstance(self.denominator, bool) or self.denominator not in _NOTE_VALUES:
            raise invalid(f"a beat is 1/{', 1/'.join(map(str, _NOTE_VALUES))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DownbeatShift:
    """Bars begin ``beats`` beats later (earlier, if negative) than heard.

    Attributes
    ----------
    at_s : float or None
        Where a bar begins; the beat nearest to it is then the first of its bar and ``beats`` no longer counts.
        `settle` fills it in.
    """

    kind: ClassVar[str] = "downbeat_shift"
    beats: int = 0
    at_s: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.beats, bool) or not isinstance(self.beats, int):
            raise invalid("beats is a whole number")
        if self.at_s is not None:
            expect_time(self.at_s, "at_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionMove:
    """The boundary at ``from_s`` (the nearest within 4 s) lies at ``to_s``; those that it passes are gone."""

    kind: ClassVar[str] = "section_move"
    from_s: float
    to_s: float

    def __post_init__(self) -> None:
        expect_time(self.from_s, "from_s")
        expect_time(self.to_s, "to_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionAdd:
    """``[start_s, end_s)`` is one section called ``label``; what it covers gives way."""

    kind: ClassVar[str] = "section_add"
    start_s: float
    end_s: float
    label: str

    def __post_init__(self) -> None:
        expect_span(self.start_s, self.end_s)
        expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionDelete:
    """The section that holds ``at_s`` is none: it belongs to the one before it, or to the second if it is the first."""

    kind: ClassVar[str] = "section_delete"
    at_s: float

    def __post_init__(self) -> None:
        expect_time(self.at_s, "at_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionMerge:
    """The section that holds ``first_s`` is one with all up to that which holds ``last_s``, called as the first."""

    kind: ClassVar[str] = "section_merge"
    first_s: float
    last_s: float
    label: str | None = None

    def __post_init__(self) -> None:
        expect_time(self.first_s, "first_s")
        expect_time(self.last_s, "last_s")
        if self.last_s < self.first_s:
            raise invalid("last_s is not before first_s")
        if self.label is not None:
            expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSplit:
    """A section begins at ``at_s``, called ``label`` or as what it was part of."""

    kind: ClassVar[str] = "section_split"
    at_s: float
    label: str | None = None

    def __post_init__(self) -> None:
        expect_time(self.at_s, "at_s")
        if self.label is not None:
            expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionRelabel:
    """The section that holds ``at_s`` is called ``label``."""

    kind: ClassVar[str] = "section_relabel"
    at_s: float
    label: str

    def __post_init__(self) -> None:
        expect_time(self.at_s, "at_s")
        expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A labelled stretch ``[start_s, end_s)``."""

    start_s: float
    end_s: float
    label: str

    def __post_init__(self) -> None:
        expect_span(self.start_s, self.end_s)
        expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionsAre:
    """The sections are these, from elsewhere; in gaps of half a second and more stays what was heard."""

    kind: ClassVar[str] = "sections"
    sections: tuple[Span, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.sections, Sequence) or not 1 <= len(self.sections) <= MOST_TIMES:
            raise invalid(f"sections lists 1 to {MOST_TIMES} sections")
        spans = tuple(span if isinstance(span, Span) else made(Span, span) for span in self.sections)
        if any(after.start_s < before.end_s for before, after in pairwise(spans)):
            raise invalid("sections follow each other without overlap")
        object.__setattr__(self, "sections", spans)


GridCorrection = TempoScale | FixedTempo | BeatsAt | MeterIs | DownbeatShift
SectionCorrection = (
    SectionMove | SectionAdd | SectionDelete | SectionMerge | SectionSplit | SectionRelabel | SectionsAre
)
Correction = GridCorrection | SectionCorrection
Corrections = tuple[Correction, ...]
