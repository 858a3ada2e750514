"""Where the beats of a song are.

Conventions
-----------
Times are seconds from the first decoded sample, as float64; curves are at `FRAME_RATE`. A grid is one hypothesis: a
row of beats. Sound without a beat has none.

Method
------
Along each tempo curve of `tasks.audio.tempo` librosa's dynamic programming places beats on the rises; the row half a
beat later and the rows of every second beat are further hypotheses. Each beat is moved to the peak of the rises that
is nearest, found between frames by a parabola, and beats without a rise of their own are placed between their
neighbours. `tasks.audio.choice` chooses among the grids.

References
----------
Ellis: Beat tracking by dynamic programming, Journal of New Music Research 36, 2007.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from tasks.audio.choice import choose
from tasks.audio.decode import HEARD_RATE
from tasks.audio.features import FRAME_RATE, HOP, Rises, Spectra
from tasks.audio.grid import Grid
from tasks.audio.tempo import Array, Floats, TempoCurve, onset_envelope, tempo_curves

_RATE = float(FRAME_RATE)
_EVENTFUL = 0.05  # in log magnitude: drones stay below 0.02, the softest music reaches 0.3
_PULSE = 0.15  # noise and speech reach 0.09 in 20 s, music 0.35
_PULSE_OF_SHORT = 0.7  # more is asked of a short song, by this over its seconds: chance is larger there
_REACH_FRAMES = 3  # 35 ms
_WEAK = 0.35
_LEAST_BEATS = 4
_HALVED_BPM = 100.0
_END_S = 0.1  # a beat on the very end is no beat
_QUIET = 10 ** (-50 / 20)
_LOUD_QUANTILE = 0.95


def find_beats(spectra: Spectra, risen: Rises) -> Grid | None:
    """Find the beats, or None where there is no pulse to be found."""
    envelope = onset_envelope(risen)
    if float(np.quantile(risen.bands.mean(axis=1), 0.985)) < _EVENTFUL:
        return None
    grids = all_grids(spectra, envelope)
    if not grids:
        return None
    return choose(spectra, risen, envelope, grids)


def all_grids(spectra: Spectra, envelope: Array) -> list[Grid]:
    """Give every hypothesis; none where the song has no pulse."""
    found = list(tempo_curves(envelope))
    least = _PULSE + _PULSE_OF_SHORT * _RATE / len(envelope)
    if max(curve.strength for curve in found) < least:
        return []
    return [grid for curve in found if curve.strength >= _PULSE / 2 for grid in _grids(spectra, envelope, curve)]


def _grids(spectra: Spectra, envelope: Array, curve: TempoCurve) -> list[Grid]:
    """Place beats along a tempo curve, half a beat beside them and, where they are fast, on every second."""
    import librosa.beat  # noqa: PLC0415 - its import compiles for seconds where nothing is cached

    _, frames = librosa.beat.beat_track(
        onset_envelope=envelope, sr=HEARD_RATE, hop_length=HOP, trim=False, bpm=curve.bpm
    )
    on = frames.astype(np.float64)
    rows = [on, (on[:-1] + on[1:]) / 2]
    if float(np.median(curve.bpm)) > _HALVED_BPM:
        rows += [on[::2], on[1::2]]
    refined = (_refined(spectra, envelope, row, curve.strength) for row in rows if len(row) >= _LEAST_BEATS)
    return [grid for grid in refined if grid is not None]


def _refined(spectra: Spectra, envelope: Array, frames: Floats, strength: float) -> Grid | None:
    moved, support = _to_peaks(envelope, frames)
    moved = _between_neighbours(moved, support)
    moved = _continued(moved, len(envelope))
    _, support = _to_peaks(envelope, moved)
    times = moved / _RATE
    heard = _is_heard(spectra, moved) & (times >= 0) & (times < len(envelope) / _RATE - _END_S)
    times, support = times[heard], support[heard]
    if len(times) < _LEAST_BEATS:
        return None
    return Grid(times=times, support=support, strength=strength)


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
