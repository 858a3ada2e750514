"""Beats and sections from elsewhere, checked: what every reader gives."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.domain.corrections import BeatsAt, Corrections, SectionsAre, Span
from tasks.domain.corrections.checks import LONGEST_LABEL, MOST_TIMES
from tasks.domain.errors import InvalidInput

SLACK_S = 1.0
"""How far beyond the song a mark may lie; another decoder may count a padded end."""

_OVERLAP_S = 1e-3  # what rounding does to the end of one section and the start of the next
_POSITION = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?")
_UNNAMED = "section"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """A grid, sections, or both.

    Attributes
    ----------
    beats : tuple of float
        Seconds, strictly increasing, within the song.
    positions : tuple of int, or None
        The place of each beat in its bar, from 1.
    sections : tuple of Span
        In order, without overlap, within the song.
    """

    beats: tuple[float, ...] = ()
    positions: tuple[int, ...] | None = None
    sections: tuple[Span, ...] = ()

    def corrections(self) -> Corrections:
        """Give what a user corrects by importing them."""
        grid = (BeatsAt(times_s=self.beats, positions=self.positions),) if self.beats else ()
        return (*grid, SectionsAre(sections=self.sections)) if self.sections else grid


@dataclass(frozen=True, slots=True)
class Source:
    """Whose marks are read: the file's name and the song's length."""

    name: str
    duration_s: float

    def not_format(self, what: str, hint: str) -> InvalidInput:
        """Make the error of a file that is not what its name says."""
        return InvalidInput(f"{self.name} is no {what}; {hint}.", code="import_not_format")

    def wrong_time(self, why: str) -> InvalidInput:
        """Make the error of times that no song has."""
        return InvalidInput(f"The times in {self.name} cannot be used: {why}.", code="import_times_invalid")

    def empty(self) -> InvalidInput:
        """Make the error of a file without marks."""
        return InvalidInput(
            f"{self.name} holds neither beats nor sections; give a file with at least two beats or one section.",
            code="import_empty",
        )


Beat = tuple[float, str]
"""A time in seconds and what stands beside it."""


def marks(source: Source, beats: Sequence[Beat], spans: Sequence[tuple[float, float, str]]) -> Marks:
    """Check what a reader found, in the order of the file.

    Raises
    ------
    InvalidInput
        If nothing is there, or times are not finite, negative, not increasing or beyond the song.
    """
    if not beats and not spans:
        raise source.empty()
    times = [time for time, _ in beats]
    _expect_times(source, times, "beats")
    inside = [beat for beat in beats if beat[0] < source.duration_s]
    if beats and len(inside) < 2:  # noqa: PLR2004 - one beat makes no grid
        raise source.empty()
    return Marks(
        beats=tuple(time for time, _ in inside),
        positions=_positions([text for _, text in inside]),
        sections=_sections(source, spans),
    )


def spans_from_starts(starts: Sequence[tuple[float, str]], duration_s: float) -> list[tuple[float, float, str]]:
    """Let each section last until the next begins, the last one until the song ends."""
    last = starts[-1][0] if starts else 0.0
    edges = [*(start for start, _ in starts), max(duration_s, last)]
    spans = [(a, b, label) for (a, b), (_, label) in zip(pairwise(edges), starts, strict=True)]
    is_end_mark = len(spans) > 1 and duration_s - last < SLACK_S
    return spans[:-1] if is_end_mark else spans


def position_of(text: str) -> int | None:
    """Read a place in the bar: ``3``, or ``12.3`` for the third beat of bar 12; None if it is neither."""
    found = _POSITION.fullmatch(text.strip())
    if found is None:
        return None
    whole, part = int(found[1]), int(found[2] or 0)
    return (part or whole) or None


def _positions(texts: Sequence[str]) -> tuple[int, ...] | None:
    places = [position_of(text) for text in texts]
    known = [place for place in places if place is not None]
    return tuple(known) if known and len(known) == len(places) else None


def _sections(source: Source, spans: Sequence[tuple[float, float, str]]) -> tuple[Span, ...]:
    _expect_times(source, [start for start, _, _ in spans], "sections")
    sections = []
    for start, end, label in spans:
        if not math.isfinite(end) or end <= start:
            raise source.wrong_time(f"the section at {start:g} s ends at {end:g} s; sections end after their start")
        if end > source.duration_s + SLACK_S:
            raise _beyond(source, end)
        if start < source.duration_s:
            sections.append(Span(start_s=start, end_s=min(end, source.duration_s), label=_label(label)))
    for place, (before, after) in enumerate(pairwise(sections)):
        if after.start_s < before.end_s - _OVERLAP_S:
            raise source.wrong_time(f"the section at {after.start_s:g} s begins before the one before it ends")
        sections[place] = replace(before, end_s=min(before.end_s, after.start_s))
    return tuple(sections)


def _expect_times(source: Source, times: Sequence[float], what: str) -> None:
    if len(times) > MOST_TIMES:
        raise source.wrong_time(f"there are more than {MOST_TIMES} {what}")
    for time in times:
        if not math.isfinite(time) or time < 0:
            raise source.wrong_time(f"{time:g} s is no moment of a song; times are 0 or more")
        if time > source.duration_s + SLACK_S:
            raise _beyond(source, time)
    for before, after in pairwise(times):
        if after <= before:
            raise source.wrong_time(f"{what} increase, but {after:g} s comes after {before:g} s")


def _beyond(source: Source, time: float) -> InvalidInput:
    return source.wrong_time(f"{time:.2f} s lies beyond the song, which ends at {source.duration_s:.2f} s")


def _label(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()[:LONGEST_LABEL] or _UNNAMED
