"""Corrections of tempo, beats and bars."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from tasks.domain.analysis import Analysis, Beat, Meter
from tasks.domain.corrections.checks import FASTEST_BPM, SLOWEST_BPM
from tasks.domain.corrections.records import (
    BeatsAt,
    DownbeatShift,
    FixedTempo,
    GridCorrection,
    MeterIs,
    Scale,
    TempoScale,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    beats: tuple[Beat, ...]
    tempo_bpm: float | None
    tempo_confidence: float
    meter: Meter | None

    @property
    def times(self) -> list[float]:
        return [beat.time_s for beat in self.beats]

    @property
    def bar_starts(self) -> list[int]:
        return [place for place, beat in enumerate(self.beats) if beat.position == 1]


def corrected_grid(analysis: Analysis, corrections: Iterable[GridCorrection]) -> Analysis:
    """Give the analysis with the beats that the user means.

    Where bars are counted anew they are regular, from the first beat that begins one.
    """
    duration_s = float(analysis.duration_s)
    grid = heard = _Grid(
        beats=_with_positions(analysis),
        tempo_bpm=analysis.tempo_bpm,
        tempo_confidence=analysis.tempo_confidence,
        meter=analysis.meter,
    )
    for correction in corrections:
        match correction:
            case TempoScale():
                grid = _scaled(grid, correction, duration_s)
            case FixedTempo():
                grid = _fixed(grid, correction, duration_s)
            case BeatsAt():
                grid = _placed(grid, correction, duration_s)
            case MeterIs():
                meter = Meter(numerator=correction.numerator, denominator=correction.denominator)
                grid = _counted(replace(grid, meter=meter))
            case DownbeatShift():
                grid = _shifted(grid, correction)
    if grid == heard:
        return analysis
    return replace(
        analysis,
        beats=grid.beats,
        downbeats=tuple(grid.beats[place].time_s for place in grid.bar_starts),
        tempo_bpm=grid.tempo_bpm,
        tempo_confidence=grid.tempo_confidence,
        meter=grid.meter,
    )


def reached(bpm: float, correction: TempoScale) -> float:
    """Give how much faster the beat becomes: the factor, or what leads nearest to the tempo that it came to once."""
    asked = float(correction.factor.factor)
    if correction.bpm is None:
        return asked
    meant = correction.bpm
    return min([asked, 1.0, *(float(scale.factor) for scale in Scale)], key=lambda f: abs(math.log(bpm * f / meant)))


def _with_positions(analysis: Analysis) -> tuple[Beat, ...]:
    """Give the beats; where only downbeats are known, those are the first of their bars."""
    if any(beat.position is not None for beat in analysis.beats):
        return analysis.beats
    downbeats = set(analysis.downbeats)
    return tuple(replace(beat, position=1) if beat.time_s in downbeats else beat for beat in analysis.beats)


def _scaled(grid: _Grid, correction: TempoScale, duration_s: float) -> _Grid:
    if grid.tempo_bpm is None or len(grid.beats) < 2:  # noqa: PLR2004 - an interval has two ends
        return grid
    factor = reached(grid.tempo_bpm, correction)
    tempo_bpm = grid.tempo_bpm * factor
    if factor == 1.0 or not SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
        return grid
    beats = _denser(grid, round(factor), duration_s) if factor > 1 else _sparser(grid, round(1 / factor))
    return _counted(replace(grid, beats=beats, tempo_bpm=tempo_bpm, tempo_confidence=1.0))


def _denser(grid: _Grid, parts: int, duration_s: float) -> tuple[Beat, ...]:
    times = grid.times
    edges = [*times, min(2 * times[-1] - times[-2], math.nextafter(duration_s, 0.0))]
    beats = []
    for beat, (before, after) in zip(grid.beats, pairwise(edges), strict=True):
        beats.append(beat)
        between = (before + (after - before) * part / parts for part in range(1, parts))
        beats += [Beat(time_s=t, position=None, confidence=beat.confidence) for t in between if before < t < duration_s]
    return _increasing(beats)


def _sparser(grid: _Grid, parts: int) -> tuple[Beat, ...]:
    starts = grid.bar_starts
    phase = max(range(parts), key=lambda phase: (sum(start % parts == phase for start in starts), -phase))
    return grid.beats[phase::parts]


def _fixed(grid: _Grid, correction: FixedTempo, duration_s: float) -> _Grid:
    beat_s = 60.0 / correction.bpm
    before = math.floor(correction.offset_s / beat_s)
    count = before + 1 + math.floor((duration_s - correction.offset_s) / beat_s)
    places = [place - before for place in range(count)]
    times = [correction.offset_s + place * 60.0 / correction.bpm for place in places]
    beats = [Beat(time_s=t, position=1 if p == 0 else None, confidence=1.0) for p, t in zip(places, times, strict=True)]
    inside = tuple(beat for beat in beats if 0 <= beat.time_s < duration_s)
    return _counted(replace(grid, beats=inside, tempo_bpm=correction.bpm, tempo_confidence=1.0))


def _placed(grid: _Grid, correction: BeatsAt, duration_s: float) -> _Grid:
    times = [time for time in correction.times_s if time < duration_s]
    if len(times) < 2:  # noqa: PLR2004
        return grid
    tempo_bpm = 60.0 / median(after - before for before, after in pairwise(times))
    placed = replace(grid, tempo_bpm=tempo_bpm, tempo_confidence=1.0)
    if correction.positions is not None:
        ordered = zip(times, correction.positions[: len(times)], strict=True)
        beats = [Beat(time_s=time, position=position, confidence=1.0) for time, position in ordered]
    else:
        starts = [grid.beats[place].time_s for place in grid.bar_starts]
        first = _nearest(times, starts[0]) if starts else None
        beats = [Beat(time_s=t, position=1 if p == first else None, confidence=1.0) for p, t in enumerate(times)]
    if correction.extend:
        beat_s = (times[-1] - times[0]) / (len(times) - 1)
        earlier = [times[0] - beat_s * place for place in range(int(times[0] / beat_s), 0, -1)]
        later = [times[-1] + beat_s * place for place in range(1, int((duration_s - times[-1]) / beat_s) + 1)]
        beats = [*_unplaced(earlier), *beats, *_unplaced(later)]
        beats = [beat for beat in beats if 0 <= beat.time_s < duration_s]
    placed = replace(placed, beats=_increasing(beats))
    if correction.positions is None:
        return _counted(placed)
    meter = placed.meter or Meter(numerator=max(correction.positions), denominator=4)
    placed = replace(placed, meter=replace(meter, numerator=max(correction.positions)))
    return _counted(placed) if correction.extend else placed


def _shifted(grid: _Grid, correction: DownbeatShift) -> _Grid:
    if not grid.beats or grid.meter is None:
        return grid
    bar, starts = grid.meter.numerator, grid.bar_starts
    if correction.at_s is not None:
        return _counted(grid, first=_nearest(grid.times, correction.at_s) % bar)
    return _counted(grid, first=((starts[0] if starts else 0) + correction.beats) % bar)


def _counted(grid: _Grid, first: int | None = None) -> _Grid:
    """Count bars anew from the beat of number ``first``, else the first that begins one; without a meter keep them."""
    if grid.meter is None:
        return grid
    starts = grid.bar_starts
    anchor = first if first is not None else starts[0] if starts else 0
    bar = grid.meter.numerator
    beats = tuple(replace(beat, position=(place - anchor) % bar + 1) for place, beat in enumerate(grid.beats))
    return replace(grid, beats=beats)


def _unplaced(times: Iterable[float]) -> list[Beat]:
    return [Beat(time_s=time, position=None, confidence=1.0) for time in times]


def _increasing(beats: Sequence[Beat]) -> tuple[Beat, ...]:
    """Leave out a beat that lies where the one before it does, so near that numbers cannot part them."""
    kept = list(beats[:1])
    kept += [beat for before, beat in pairwise(beats) if beat.time_s > before.time_s]
    return tuple(kept)


def _nearest(times: Sequence[float], time: float) -> int:
    after = bisect_left(times, time)
    around = [place for place in (after - 1, after) if 0 <= place < len(times)]
    return min(around, key=lambda place: abs(times[place] - time))
