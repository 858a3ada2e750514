"""Where the cuts are.

Method
------
Every section gets a pace from its energy: calm sections hold a shot for about four seconds, loud ones for a bit more
than one. The pace is a number of beats (1, 2, 4, 8 or 16), counted from the section's first beat, so that cuts stay
on the same place of the bar. A cut is the frame nearest to its beat; a section's first beat is always a cut. Where no
beat was heard, cuts are evenly spaced and have no beat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tasks.domain.analysis import Analysis, Section
from tasks.domain.errors import InvalidInput
from tasks.domain.request import MIN_WINDOW_S
from tasks.domain.timebase import FrameRange, frame_count, nearest_frame
from tasks.domain.timeline import Shot, Timeline, Window

MIN_SHOT_S = Fraction(1, 2)
_CALM_S, _LOUD_S = 4.2, 1.4
_BEATS_PER_SHOT = (1, 2, 4, 8, 16)
_EVEN_S = 4.0


@dataclass(frozen=True, slots=True)
class _Cut:
    frame: int
    beat_s: float | None
    reason: str


def window_of(analysis: Analysis, start_s: Fraction | None, end_s: Fraction | None) -> Window | None:
    """Give the part of the song that is shown, or None for the whole of it.

    Raises
    ------
    InvalidInput
        If less than 2 s of the song lie in it.
    """
    start, end = start_s or Fraction(0), min(end_s or analysis.duration_s, analysis.duration_s)
    if end - start < MIN_WINDOW_S:
        raise InvalidInput(
            f"The song lasts {float(analysis.duration_s):.1f} s; choose a start and an end at least"
            f" {MIN_WINDOW_S} s apart inside it.",
            code="window_invalid",
        )
    return None if start == 0 and end == analysis.duration_s else Window(start_s=start, end_s=end)


def cut_timeline(analysis: Analysis, frame_rate: Fraction, window: Window | None) -> Timeline:
    """Plan the shots of a film of the song, or of ``window`` of it, at ``frame_rate``."""
    shown = window or Window(start_s=Fraction(0), end_s=analysis.duration_s)
    frames = frame_count(shown.duration_s, frame_rate)
    shortest = math.ceil(MIN_SHOT_S * frame_rate)
    kept = [_Cut(0, None, "the film begins")]
    for cut in _cuts(analysis, frame_rate, shown):
        if cut.frame - kept[-1].frame >= shortest and frames - cut.frame >= shortest:
            kept.append(cut)
    ends = [*(cut.frame for cut in kept[1:]), frames]
    shots = tuple(
        Shot(
            index=index,
            frames=FrameRange(cut.frame, end),
            beat_s=cut.beat_s,
            section=_section_at(analysis, shown, frame_rate, cut.frame).label,
            reason=cut.reason,
        )
        for index, (cut, end) in enumerate(zip(kept, ends, strict=True))
    )
    return Timeline(frame_rate=frame_rate, shots=shots, window=window)


def _cuts(analysis: Analysis, frame_rate: Fraction, shown: Window) -> Iterator[_Cut]:
    """Give wished cuts in order; some are too near to each other."""
    beats = [beat.time_s for beat in analysis.beats if shown.start_s < Fraction(beat.time_s) < shown.end_s]
    marks = [(beat, reason) for section in analysis.sections for beat, reason in _paced(analysis, section, beats)]
    edges = [float(shown.start_s), *(beat for beat, _ in marks), float(shown.end_s)]
    reasons = dict(marks)
    for before, after in pairwise(edges):
        if before in reasons:
            in_film = Fraction(before) - shown.start_s
            yield _Cut(nearest_frame(in_film, frame_rate), float(in_film), reasons[before])
        yield from _even(before, after, frame_rate, shown, heard=bool(beats))


def _paced(analysis: Analysis, section: Section, beats: list[float]) -> Iterator[tuple[float, str]]:
    """Give the section's cut beats: its first, and then one every so many beats."""
    tempo = analysis.tempo_bpm
    if tempo is None:
        return
    half_beat = 30.0 / tempo
    inside = [beat for beat in beats if section.start_s - half_beat <= beat < section.end_s - half_beat]
    wanted = (_CALM_S + (_LOUD_S - _CALM_S) * section.energy) * tempo / 60.0
    pace = min(_BEATS_PER_SHOT, key=lambda count: abs(math.log2(count / wanted)))
    for place, beat in enumerate(inside):
        if place == 0:
            yield beat, f"the {section.label} begins"
        elif place % pace == 0:
            yield beat, f"every {_count(pace)} of the {section.label}"


def _even(before: float, after: float, frame_rate: Fraction, shown: Window, *, heard: bool) -> Iterator[_Cut]:
    """Fill a stretch without beats with evenly spaced cuts."""
    parts = int((after - before) // _EVEN_S) if not heard else round((after - before) / (2 * _CALM_S))
    why = "a stretch without a beat, evenly divided" if heard else "no beat was heard, evenly divided"
    for part in range(1, parts):
        time_s = Fraction(before) + (Fraction(after) - Fraction(before)) * part / parts
        yield _Cut(nearest_frame(time_s - shown.start_s, frame_rate), None, why)


def _section_at(analysis: Analysis, shown: Window, frame_rate: Fraction, frame: int) -> Section:
    # a cut may lie up to half a frame before the beat that begins its section
    time_s = float(shown.start_s + (frame + Fraction(1, 2)) / frame_rate)
    return analysis.sections[analysis.section_at(time_s)]


def _count(pace: int) -> str:
    return "beat" if pace == 1 else f"{pace} beats"
