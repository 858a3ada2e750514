"""Give lyrics without times a place in the song.

Rules
-----
1. Sections in which nobody sings (intro, outro, solo, instrumental, drop) get no lines, unless a heading names them or
   nothing else is there.
2. A heading is bound to a section of its label: ``[Chorus]`` to a chorus, ``[Verse 2]`` to a verse. The parts of the
   text and the sections are matched in order, as many as can be, each as early as it can be.
3. A bound chorus is sung in its section, and again in the next choruses that no part is bound to. Other text from one
   bound part to the next is sung in the sections from that part's own to the next one's; text before the first bound
   part in the sections before it, or with it where there are none.
4. Within its sections a line's time is its share of the letters; no line runs over a section's end.
5. A line starts on the bar line nearest to its share, no two on one; on a beat where a section has fewer bars than
   lines, and where its share lies where it has fewer beats too.

Lines with times keep them. The same text and analysis always give the same times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.domain.analysis import Analysis, Section
from tasks.domain.lyrics import LONGEST_S, LyricLine, Lyrics
from tasks.domain.parts import WITHOUT_VOICE, label_of

_WEIGHT_OF_BREATH = 6
"""What a line weighs besides its letters, so that short lines have time too."""

_LEAST_S = 0.05

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Part:
    label: str | None
    lines: tuple[LyricLine, ...]


def place_lyrics(lyrics: Lyrics, analysis: Analysis) -> Lyrics:
    """Give every line a start and an end, in seconds of the song; lines that have times keep them."""
    if lyrics.is_timed or not lyrics.lines:
        return lyrics.ended() if lyrics.lines else lyrics
    parts = _parts(lyrics.lines)
    silent = WITHOUT_VOICE - {part.label for part in parts}
    sung = [section for section in analysis.sections if label_of(section.label) not in silent]
    sung = sung or list(analysis.sections)
    bound = _bindings([part.label for part in parts], [label_of(section.label) for section in sung])
    placed: list[LyricLine] = []
    for group, sections in _groups(parts, sung, bound):
        placed.extend(_poured([line for part in group for line in part.lines], sections, analysis))
    return replace(lyrics, lines=tuple(sorted(placed, key=lambda line: line.start_s or 0.0)))


def _parts(lines: Sequence[LyricLine]) -> list[_Part]:
    """Group lines by heading; lines without one by stanza."""
    starts = [0] + [
        place
        for place, (before, line) in enumerate(pairwise(lines), 1)
        if before.part != line.part
        or (line.stanza != before.stanza and (line.part is None or line.stanza > before.stanza + 1))
    ]
    parts = []
    for first, last in pairwise([*starts, len(lines)]):
        heading = lines[first].part
        parts.append(_Part(heading and label_of(heading), tuple(lines[first:last])))
    return parts


def _bindings(headings: Sequence[str | None], labels: Sequence[str]) -> list[tuple[int, int]]:
    """Match headings with sections of the same label, in order: a longest common subsequence, each match earliest."""
    reach = np.zeros((len(headings) + 1, len(labels) + 1), np.int64)
    for part in reversed(range(len(headings))):
        for section in reversed(range(len(labels))):
            matched = reach[part + 1, section + 1] + 1 if headings[part] == labels[section] else 0
            reach[part, section] = max(matched, reach[part + 1, section], reach[part, section + 1])
    pairs, part, section = [], 0, 0
    while part < len(headings) and section < len(labels) and reach[part, section]:
        if headings[part] == labels[section] and reach[part, section] == reach[part + 1, section + 1] + 1:
            pairs.append((part, section))
            part, section = part + 1, section + 1
        elif reach[part, section] == reach[part + 1, section]:
            part += 1
        else:
            section += 1
    return pairs


def _groups(
    parts: Sequence[_Part], sung: Sequence[Section], bound: Sequence[tuple[int, int]]
) -> list[tuple[Sequence[_Part], Sequence[Section]]]:
    """Give which parts are sung in which sections (rules 2 and 3)."""
    starts = list(bound)
    if not starts or (starts[0][0] > 0 and starts[0][1] > 0):
        starts.insert(0, (0, 0))
    starts[0] = (0, starts[0][1])  # where no section is left for the text before it, it is sung together with it
    groups: list[tuple[Sequence[_Part], Sequence[Section]]] = []
    chorus: _Part | None = None
    for (part, section), (next_part, next_section) in pairwise([*starts, (len(parts), len(sung))]):
        group, sections = list(parts[part:next_part]), list(sung[section:next_section])
        if group[0].label == "chorus" and label_of(sections[0].label) == "chorus":
            groups.append((group[:1], sections[:1]))
            chorus, group, sections = group[0], group[1:], sections[1:]
        if chorus is not None:
            again = [one for one in sections if label_of(one.label) == "chorus"]
            groups.extend(([chorus], [one]) for one in again)
            sections = [one for one in sections if one not in again]
        if group and not sections:
            groups[-1] = ([*groups[-1][0], *group], groups[-1][1])
        elif group:
            groups.append((group, sections))
    return groups


def _poured(lines: list[LyricLine], sections: Sequence[Section], analysis: Analysis) -> list[LyricLine]:
    """Share out sections among lines by their letters, whole lines a section, and start them on bars (rules 4, 5)."""
    weights = np.array([len(line.text) + _WEIGHT_OF_BREATH for line in lines], float)
    lengths = np.array([section.end_s - section.start_s for section in sections])
    middles = (np.cumsum(weights) - weights / 2) / weights.sum() * lengths.sum()
    homes = np.searchsorted(np.cumsum(lengths), middles, side="right").clip(0, len(sections) - 1)
    placed: list[LyricLine] = []
    for home, section in enumerate(sections):
        here = np.flatnonzero(homes == home)
        if len(here):
            starts = _starts(weights[here], section, analysis)
            ends = [*starts[1:], section.end_s]
            for place, start, end in zip(here.tolist(), starts, ends, strict=True):
                last = min(end, start + float(LONGEST_S))
                placed.append(replace(lines[place], start_s=round(start, 3), end_s=round(last, 3)))
    return placed


def _starts(weights: Times, section: Section, analysis: Analysis) -> list[float]:
    """Give each line's start in a section: its share, moved to the nearest bar or beat that is free."""
    length = section.end_s - section.start_s
    shares = section.start_s + length * (np.cumsum(weights) - weights) / weights.sum()
    beats = [beat.time_s for beat in analysis.beats]
    for grid in (analysis.downbeats, beats):
        inside = np.array([time for time in grid if section.start_s - _LEAST_S <= time < section.end_s - _LEAST_S])
        if len(inside) >= len(shares):
            return [max(float(time), section.start_s) for time in inside[_nearest(inside, shares)]]
    return [float(share) for share in shares]


def _nearest(grid: Times, times: Times) -> list[int]:
    """Choose a place of ``grid`` for each of ``times``, in order, no place twice."""
    chosen: list[int] = []
    for number, time in enumerate(times):
        first = chosen[-1] + 1 if chosen else 0
        last = len(grid) - (len(times) - number)
        chosen.append(int(np.clip(np.argmin(np.abs(grid - time)), first, last)))
    return chosen
