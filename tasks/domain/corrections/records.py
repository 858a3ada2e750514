"""What a user sets right: one record a correction, apart from what was heard.

All times are seconds of the song and none refers to a beat or a section by its number, so that a correction means
the same after the song is heard anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from dataclasses import fields as fields_of
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any, ClassVar

from tasks.domain.document import SCHEMA, Document
from tasks.domain.errors import InvalidInput

LONGEST_LABEL = 80
MOST_TIMES = 100_000
MOST_CORRECTIONS = 200
SLOWEST_BPM, FASTEST_BPM = 10.0, 1000.0

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
            _expect_bpm(self.bpm)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedTempo:
    """The beat is steady, ``bpm`` beats a minute through the whole song; a bar begins at ``offset_s``."""

    kind: ClassVar[str] = "tempo"
    bpm: float
    offset_s: float

    def __post_init__(self) -> None:
        _expect_bpm(self.bpm)
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
        if not all(_is_count(position) for position in self.positions):
            raise invalid("positions count from 1 within the bar")
        object.__setattr__(self, "positions", tuple(self.positions))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterIs:
    """Bars have ``numerator`` beats of ``1/denominator``."""

    kind: ClassVar[str] = "meter"
    numerator: int
    denominator: int = 4

    def __post_init__(self) -> None:
        if not (_is_count(self.numerator) and self.numerator <= _MOST_BEATS_A_BAR):
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
        _expect_label(self.label)


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
            _expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSplit:
    """A section begins at ``at_s``, called ``label`` or as what it was part of."""

    kind: ClassVar[str] = "section_split"
    at_s: float
    label: str | None = None

    def __post_init__(self) -> None:
        expect_time(self.at_s, "at_s")
        if self.label is not None:
            _expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionRelabel:
    """The section that holds ``at_s`` is called ``label``."""

    kind: ClassVar[str] = "section_relabel"
    at_s: float
    label: str

    def __post_init__(self) -> None:
        expect_time(self.at_s, "at_s")
        _expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A labelled stretch ``[start_s, end_s)``."""

    start_s: float
    end_s: float
    label: str

    def __post_init__(self) -> None:
        expect_span(self.start_s, self.end_s)
        _expect_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionsAre:
    """The sections are these, from elsewhere; in gaps of half a second and more stays what was heard."""

    kind: ClassVar[str] = "sections"
    sections: tuple[Span, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.sections, Sequence) or not 1 <= len(self.sections) <= MOST_TIMES:
            raise invalid(f"sections lists 1 to {MOST_TIMES} sections")
        spans = tuple(span if isinstance(span, Span) else _made(Span, span) for span in self.sections)
        if any(after.start_s < before.end_s for before, after in pairwise(spans)):
            raise invalid("sections follow each other without overlap")
        object.__setattr__(self, "sections", spans)


GridCorrection = TempoScale | FixedTempo | BeatsAt | MeterIs | DownbeatShift
SectionCorrection = (
    SectionMove | SectionAdd | SectionDelete | SectionMerge | SectionSplit | SectionRelabel | SectionsAre
)
Correction = GridCorrection | SectionCorrection
Corrections = tuple[Correction, ...]

_RECORDS: dict[str, type[Correction]] = {
    record.kind: record
    for record in (
        TempoScale,
        FixedTempo,
        BeatsAt,
        MeterIs,
        DownbeatShift,
        SectionMove,
        SectionAdd,
        SectionDelete,
        SectionMerge,
        SectionSplit,
        SectionRelabel,
        SectionsAre,
    )
}


def to_json(corrections: Corrections) -> Document:
    """Write the versioned document."""
    return {"schema": SCHEMA, "corrections": [{"kind": one.kind, **asdict(one)} for one in corrections]}


def from_json(document: Any) -> Corrections:
    """Read what `to_json` wrote, or what a user wrote in its form.

    Raises
    ------
    InvalidInput
        If it is not of that form; the sentence names the correction and what is wrong with it.
    """
    if not isinstance(document, dict) or not isinstance(document.get("corrections"), list | tuple):
        raise invalid("a list named corrections is needed")
    if document.get("schema", SCHEMA) != SCHEMA:
        raise invalid(f"schema {SCHEMA} is understood, not {document['schema']!r}")
    expect_few(document["corrections"])
    return tuple(_read(number, given) for number, given in enumerate(document["corrections"], 1))


def invalid(why: str) -> InvalidInput:
    """Make the error of a correction that cannot be meant."""
    return InvalidInput(f"The corrections cannot be used: {why}.", code="corrections_invalid")


def expect_few(corrections: Sequence[Any]) -> None:
    """Refuse more corrections than a song needs."""
    if len(corrections) > MOST_CORRECTIONS:
        raise invalid(f"{MOST_CORRECTIONS} corrections at most are kept of a song")


def expect_time(seconds: float, name: str) -> None:
    """Refuse what is no moment of a song."""
    if not (_is_number(seconds) and math.isfinite(seconds) and seconds >= 0):
        raise invalid(f"{name} is in seconds, 0 or more")


def expect_span(start_s: float, end_s: float) -> None:
    """Refuse what is no stretch of a song."""
    expect_time(start_s, "start_s")
    expect_time(end_s, "end_s")
    if end_s <= start_s:
        raise invalid("end_s lies after start_s")


def _read(number: int, given: Any) -> Correction:
    kind = given.get("kind") if isinstance(given, dict) else None
    record = _RECORDS.get(kind) if isinstance(kind, str) else None
    if record is None:
        raise invalid(f"number {number} has no kind that is known; choose one of {', '.join(_RECORDS)}")
    try:
        made: Correction = _made(record, {name: value for name, value in given.items() if name != "kind"})
    except InvalidInput as error:
        why = error.message.partition(": ")[2].removesuffix(".")
        raise invalid(f"number {number} ({kind}): {why}") from error
    return made


def _made(record: Any, fields: Any) -> Any:
    if not isinstance(fields, dict):
        raise invalid(f"names and values are expected, not {type(fields).__name__}")
    known = [field.name for field in fields_of(record)]
    if unknown := [str(name) for name in fields if name not in known]:
        raise invalid(f"there is no {unknown[0]}; it has {', '.join(known)}")
    try:
        return record(**fields)
    except TypeError as error:
        raise invalid(f"it needs {', '.join(known)}") from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _expect_bpm(bpm: float) -> None:
    if not (_is_number(bpm) and SLOWEST_BPM <= bpm <= FASTEST_BPM):
        raise invalid(f"bpm lies between {SLOWEST_BPM:g} and {FASTEST_BPM:g}")


def _expect_label(label: str) -> None:
    if not isinstance(label, str) or not label.strip() or len(label) > LONGEST_LABEL or not label.isprintable():
        raise invalid(f"a label has 1 to {LONGEST_LABEL} printable characters")
