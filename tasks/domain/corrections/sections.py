"""Corrections of sections. Whatever is asked, sections cover the song without gap or overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from tasks.domain.analysis import Analysis, Section
from tasks.domain.corrections.records import (
    SectionAdd,
    SectionCorrection,
    SectionDelete,
    SectionMerge,
    SectionMove,
    SectionRelabel,
    SectionsAre,
    SectionSplit,
    Span,
)

_NEAR_S = 4.0
_GIVES_WAY_S = 0.5
"""A boundary that was heard so near to one that the user sets is the same one."""

_YOURS = "You set it so."


def corrected_sections(analysis: Analysis, corrections: Iterable[SectionCorrection]) -> Analysis:
    """Give the analysis with the sections that the user means.

    What is asked outside the song, or of sections that are not there, changes nothing.
    """
    layout = _Layout(analysis.sections)
    for correction in corrections:
        layout.change(correction)
    return analysis if not layout.changed else replace(analysis, sections=tuple(layout.sections))


class _Layout:
    """Sections that are being changed; ``_set`` holds the boundaries that the user set."""

    def __init__(self, sections: tuple[Section, ...]) -> None:
        self.sections = list(sections)
        self.changed = False
        self._end_s = sections[-1].end_s
        self._set: set[float] = set()

    def change(self, correction: SectionCorrection) -> None:
        """Make the correction, as far as the sections allow it."""
        self.changed = True
        match correction:
            case SectionMove():
                self._move(correction.from_s, correction.to_s)
            case SectionAdd():
                self._add(correction.start_s, correction.end_s, correction.label)
            case SectionDelete():
                self._delete(self._at(correction.at_s))
            case SectionMerge():
                first, last = self._at(correction.first_s), self._at(correction.last_s)
                self._join(first, last)
                self._call(first, correction.label or self.sections[first].label)
            case SectionSplit():
                later = self._cut(correction.at_s)
                self._call(later, correction.label or self.sections[later].label)
            case SectionRelabel():
                self._call(self._at(correction.at_s), correction.label)
            case SectionsAre():
                for span in _closed(correction.sections, self._end_s):
                    self._add(span.start_s, span.end_s, span.label)

    def _at(self, time_s: float) -> int:
        """Give the number of the section that holds a moment; the nearest one outside the song."""
        return next((place for place, one in enumerate(self.sections) if time_s < one.end_s), len(self.sections) - 1)

    def _call(self, place: int, label: str) -> None:
        self.sections[place] = replace(self.sections[place], label=label, confidence=1.0, reason=_YOURS)

    def _cut(self, at_s: float) -> int:
        """See to it that a section begins at ``at_s`` and give its number; at the song's ends they begin already."""
        if not 0 < at_s < self._end_s:
            return self._at(at_s)
        self._set.add(at_s)
        inner = [one.start_s for one in self.sections[1:]]
        near = [start for start in inner if abs(start - at_s) < _GIVES_WAY_S and start not in self._set]
        for start in sorted(near, key=lambda start: abs(start - at_s)):
            self._shift(start, at_s)
        if at_s not in inner and not near:
            place = self._at(at_s)
            whole = self.sections[place]
            self.sections[place : place + 1] = [replace(whole, end_s=at_s), replace(whole, start_s=at_s)]
        return self._at(at_s)

    def _move(self, from_s: float, to_s: float) -> None:
        if not 0 < to_s < self._end_s:
            return
        inner = [one.start_s for one in self.sections[1:] if abs(one.start_s - from_s) <= _NEAR_S]
        if inner:
            self._shift(min(inner, key=lambda start: abs(start - from_s)), to_s)
        self._cut(to_s)

    def _shift(self, from_s: float, to_s: float) -> None:
        """Move a boundary; sections that it passes are gone."""
        before = [one for one in self.sections if one.end_s <= from_s and one.start_s < to_s]
        after = [one for one in self.sections if one.start_s >= from_s and one.end_s > to_s]
        before[-1] = replace(before[-1], end_s=to_s)
        after[0] = replace(after[0], start_s=to_s)
        self.sections = before + after

    def _add(self, start_s: float, end_s: float, label: str) -> None:
        end_s = min(end_s, self._end_s)
        if start_s >= end_s:
            return
        self._cut(end_s)
        first = self._cut(start_s)
        last = next(place for place, one in enumerate(self.sections) if one.end_s >= end_s)
        self._join(first, max(first, last))
        self._call(first, label)

    def _delete(self, place: int) -> None:
        if len(self.sections) == 1:
            return
        gone = self.sections.pop(place)
        if place:
            self.sections[place - 1] = replace(self.sections[place - 1], end_s=gone.end_s, reason=_YOURS)
        else:
            self.sections[0] = replace(self.sections[0], start_s=gone.start_s, reason=_YOURS)

    def _join(self, first: int, last: int) -> None:
        """Make one section of several; figures are means over time, its character is that of the longest."""
        parts = self.sections[first : last + 1]
        longest = max(parts, key=_length)
        joined = replace(
            parts[0],
            end_s=parts[-1].end_s,
            cluster=longest.cluster,
            energy=_mean([(one.energy, _length(one)) for one in parts]) or 0.0,
            valence=_mean([(one.valence, _length(one)) for one in parts]),
            arousal=_mean([(one.arousal, _length(one)) for one in parts]),
        )
        self.sections[first : last + 1] = [joined]


def _closed(spans: tuple[Span, ...], end_s: float) -> list[Span]:
    """Close gaps under half a second, at the song's ends too."""
    starts = [0.0 if spans[0].start_s < _GIVES_WAY_S else spans[0].start_s, *(span.start_s for span in spans[1:])]
    ends = [
        after.start_s if after.start_s - before.end_s < _GIVES_WAY_S else before.end_s
        for before, after in pairwise(spans)
    ]
    ends.append(end_s if end_s - spans[-1].end_s < _GIVES_WAY_S else spans[-1].end_s)
    return [
        replace(span, start_s=start, end_s=end)
        for span, start, end in zip(spans, starts, ends, strict=True)
        if start < end
    ]


def _length(section: Section) -> float:
    return section.end_s - section.start_s


def _mean(weighted: list[tuple[float | None, float]]) -> float | None:
    known = [(value, weight) for value, weight in weighted if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None
