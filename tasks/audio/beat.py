"""Where the beats of a song are.

Conventions
-----------
Times are seconds from the first decoded sample, as float64; curves are at `FRAME_RATE`. A grid is one hypothesis: a
row of beats. Sound without a beat has none.

Method
------
In each of four overlapping ranges of tempo a bar pointer (`tasks.audio.pointer`) follows the rises, and again close to
the usual tempo of each row and to the tempos at which the song is most periodic. Rows that lie mostly on one line are
straightened as well (`tasks.audio.steady`); the row half a beat later, or less where half beats are late, is a further
hypothesis. Each beat is moved to the peak of the rises that
is nearest, found between frames by a parabola, and beats without a rise of their own are placed between their
neighbours. `tasks.audio.choice` chooses among the grids and counts their bars; `tasks.audio.free` leaves out stretches
in free time.

References
----------
Krebs, Böck, Widmer: An efficient state-space model for joint tempo and meter tracking, ISMIR 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from tasks.audio.choice import Rhythm, read
from tasks.audio.cues import prepare
from tasks.audio.features import FRAME_RATE, Rises, Spectra
from tasks.audio.free import without_free_time
from tasks.audio.grid import Grid
from tasks.audio.memory import give_back
from tasks.audio.steady import straightened
from tasks.audio.tempo import Array, Floats, Periodicity, measure, onset_envelope

RANGES_BPM = ((45.0, 82.0), (62.0, 112.0), (85.0, 155.0), (120.0, 215.0))

_RATE = float(FRAME_RATE)
_EVENTFUL = 0.05  # in log magnitude: drones stay below 0.02, the softest music reaches 0.3
_PULSE = 0.15  # noise and speech reach 0.09 in 20 s, music 0.35
_PULSE_OF_SHORT = 0.7  # more is asked of a short song, by this over its seconds: chance is larger there
_REACH_FRAMES = 3  # 35 ms
_WEAK = 0.35
_LEAST_BEATS = 4
_REGION = 16  # a beat's rise is in its first sixteenth
_STEADINESS = 100.0
_OCTAVES = 0.8
_NEARLY = 1.02  # a steady tempo: in a wide range a beat may slip by a half or into dotted time, and stay there
_PEAKS = 4
_STRONG_QUANTILE = 0.98
_SAME_OCTAVES, _SAME_S, _SAME_SHARE = 0.03, 0.03, 0.96
_LATEST = 0.18  # of a beat: a half beat that is played later is the last of three
_RATHER = 1.5
_END_S = 0.1  # a beat on the very end is no beat
_QUIET = 10 ** (-50 / 20)
_LOUD_QUANTILE = 0.95


def find_rhythm(spectra: Spectra, risen: Rises, each: Callable[..., Iterable[Any]] = map) -> Rhythm | None:
    """Find how the song may be tapped and counted; None where there is no pulse.

    Parameters
    ----------
    each : callable
        Like `map`; follows the beat in each range of tempo.
    """
    envelope = onset_envelope(risen)
    if float(np.quantile(risen.bands.mean(axis=1), 0.985)) < _EVENTFUL:
        return None
    periodicity = measure(envelope)
    if periodicity.strength < _PULSE + _PULSE_OF_SHORT * _RATE / len(envelope):
        return None
    grids = all_grids(spectra, envelope, periodicity, each)
    if not grids:
        return None
    give_back()
    rhythm = read(prepare(spectra, risen, envelope), periodicity, grids)
    steady = [without_free_time(reading, periodicity) for reading in rhythm.readings]
    if len(steady[0].grid.times) < _LEAST_BEATS:
        return None
    return replace(rhythm, readings=tuple(one for one in steady if len(one.grid.times) >= _LEAST_BEATS))


def all_grids(
    spectra: Spectra, envelope: Array, periodicity: Periodicity, each: Callable[..., Iterable[Any]] = map
) -> list[Grid]:
    """Follow the beat in each range of tempo and at each steady tempo; place beats half-way between as well."""
    grids: list[Grid] = []
    follow = partial(_followed, _gain(envelope))
    free = list(each(follow, RANGES_BPM))
    tempos = _apart([*(_usual_bpm(row) for row in free if len(row) >= _LEAST_BEATS), *periodicity.peaks(_PEAKS)])
    rows = [*free, *each(follow, [(bpm / _NEARLY, bpm * _NEARLY) for bpm in tempos])]
    for row in (*rows, *(line for line in map(straightened, rows) if line is not None)):
        on = row + np.diff(row, append=row[-1]) / (2.0 * _REGION)  # the middle of where its rise is expected
        for frames in (on, _before_late_half_beats(envelope, (on[:-1] + on[1:]) / 2)):
            grid = _refined(spectra, envelope, frames) if len(frames) >= _LEAST_BEATS else None
            if grid is not None and not any(_is_same(grid, other) for other in grids):
                grids.append(grid)
    return grids


def _usual_bpm(row: NDArray[np.int64]) -> float:
    return 60 * _RATE / float(np.median(np.diff(row)))


def _apart(tempos: list[float]) -> list[float]:
    """Leave out tempos that are nearly one that comes before."""
    kept: list[float] = []
    for bpm in tempos:
        if not any(abs(np.log2(bpm / other)) < np.log2(_NEARLY) for other in kept):
            kept.append(bpm)
    return kept


def _before_late_half_beats(envelope: Array, halves: Floats) -> Floats:
    """Move a row that lies half-way between late half beats to the beats before it, if that is where rises are.

    Where half beats are played late, as in swing, and struck harder than the beats, they are what is followed; half a
    beat after them the beat is over.
    """
    if len(halves) < _LEAST_BEATS:
        return halves
    farthest = int(_LATEST * float(np.median(np.diff(halves))))
    lags = np.arange(-farthest, _REACH_FRAMES + 1)
    places = np.clip(np.round(halves).astype(int)[:, None] + lags, 0, len(envelope) - 1)
    usual = envelope[places].mean(axis=0, dtype=np.float64)
    near, early = usual[lags >= -_REACH_FRAMES].max(), usual[lags < -_REACH_FRAMES]
    if not len(early) or early.max() < _RATHER * near:
        return halves
    return halves + float(lags[int(early.argmax())])


def _followed(gain: Floats, range_bpm: tuple[float, float]) -> NDArray[np.int64]:
    """Follow the beat within one range of tempo; gives the frame at which each beat begins."""
    from tasks.audio.pointer import follow  # noqa: PLC0415 - compiled code, whose place must be known before its import

    low, high = range_bpm
    shortest, longest = int(60 * _RATE / high), int(np.ceil(60 * _RATE / low))
    octaves = np.log2(60 * _RATE / np.arange(shortest, longest + 1) / np.sqrt(low * high))
    return follow(
        gain,
        shortest,
        longest,
        region=_REGION,
        steadiness=_STEADINESS,
        prior=-0.5 * np.square(octaves / _OCTAVES),
    )


def _gain(envelope: Array) -> Floats:
    """By how much a beat explains each frame better than none, in log odds."""
    usual = float(np.quantile(envelope, _STRONG_QUANTILE)) or 1.0
    chance = np.clip(envelope.astype(np.float64) / usual, 0, 1) * 0.95 + 0.01
    return np.asarray(np.log(chance) - np.log((1 - chance) / (_REGION - 1) + 1e-6), np.float64)


def _is_same(grid: Grid, other: Grid) -> bool:
    """Tell whether nearly all beats of two grids fall together."""
    if abs(np.log2(grid.tempo_bpm / other.tempo_bpm)) > _SAME_OCTAVES:
        return False
    nearest = np.abs(grid.times - other.times[_nearest(other.times, grid.times)])
    return bool((nearest < _SAME_S).mean() > _SAME_SHARE)


def _nearest(row: Floats, times: Floats) -> NDArray[np.int64]:
    after = np.clip(np.searchsorted(row, times), 1, len(row) - 1)
    return np.asarray(after - (times - row[after - 1] < row[after] - times), np.int64)


def _refined(spectra: Spectra, envelope: Array, frames: Floats) -> Grid | None:
    moved, support = _to_peaks(envelope, frames)
    moved = _between_neighbours(moved, support)
    moved = _continued(moved, len(envelope))
    _, support = _to_peaks(envelope, moved)
    times = moved / _RATE
    heard = _is_heard(spectra, moved) & (times >= 0) & (times < len(envelope) / _RATE - _END_S)
    times, support = times[heard], support[heard]
    if len(times) < _LEAST_BEATS:
        return None
    return Grid(times=times, support=support)


def _to_peaks(envelope: Array, frames: Floats) -> tuple[Floats, Floats]:
    """Move each position to the highest peak within 35 ms and tell how high it is, 1 for the usual beat."""
    smooth = gaussian_filter1d(envelope.astype(np.float64), 0.6)
    centre = np.round(frames).astype(int)
    around = np.clip(centre[:, None] + np.arange(-_REACH_FRAMES, _REACH_FRAMES + 1), 1, len(smooth) - 2)
    peak = around[np.arange(len(centre)), smooth[around].argmax(axis=1)]
    before, at, after = smooth[peak - 1], smooth[peak], smooth[peak + 1]
    bend = before - 2 * at + after
    is_peak = (at >= before) & (at >= after) & (bend < 0)
    shift = np.where(is_peak, 0.5 * (before - after) / np.where(bend == 0, 1, bend), 0)
    height = np.where(is_peak, at, 0)
    usual = np.median(height[height > 0]) if (height > 0).any() else 1.0
    support = np.minimum(height / usual, 1.0)
    return np.where(is_peak, peak + shift, frames), support


def _between_neighbours(frames: Floats, support: Floats) -> Floats:
    """Place beats that have no rise of their own on the line between those that have."""
    firm = support >= _WEAK
    if firm.sum() < _LEAST_BEATS:
        return frames
    index = np.arange(len(frames))
    placed = np.where(firm, frames, np.interp(index, index[firm], frames[firm]))
    first, last = index[firm][0], index[firm][-1]
    step = float(np.median(np.diff(frames)))
    placed[:first] = placed[first] - step * np.arange(first, 0, -1)
    placed[last + 1 :] = placed[last] + step * np.arange(1, len(frames) - last)
    return placed[np.concatenate(([True], np.diff(placed) > 0.3 * step))]


def _continued(frames: Floats, count: int) -> Floats:
    """Carry the grid on to both ends of the song and through gaps of whole beats."""
    row: list[float] = [float(frames[0])]
    usual = float(np.median(np.diff(frames)))
    for before, after in pairwise(frames):
        missing = round((after - before) / usual) - 1
        if missing > 0 and abs((after - before) / (missing + 1) - usual) < 0.12 * usual:
            row.extend(before + (after - before) * (n + 1) / (missing + 1) for n in range(missing))
        row.append(float(after))
    first, last = float(np.median(np.diff(frames[:9]))), float(np.median(np.diff(frames[-9:])))
    lead = np.arange(frames[0] - first, -0.5, -first)[::-1]
    tail = np.arange(frames[-1] + last, count, last)
    return np.concatenate((lead, row, tail))


def _is_heard(spectra: Spectra, frames: Floats) -> NDArray[np.bool_]:
    """Tell at which beats anything sounds, or will within the next half of a beat."""
    ahead = max(1, int(np.median(np.diff(frames)) / 2))
    loud = maximum_filter1d(spectra.rms, size=ahead, origin=-(ahead // 2), mode="constant")
    near = np.clip(np.round(frames).astype(int) - 1, 0, len(loud) - 1)
    heard: NDArray[np.bool_] = loud[near] > _QUIET * np.quantile(spectra.rms, _LOUD_QUANTILE)
    return heard
