"""Which beats cuts are measured against, and how well the film's own sound agrees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.domain.timeline import Timeline
from tasks.media.verify.measured import Beats, BeatSource

_NEAR_S = 0.07  # beats this near to each other are the same one
_LEAST_AGREEING = 6
_LEAST_SHARE = 0.5
_MOST_SPREAD_S = 0.012  # of the middle half around the median


def beats_of(timeline: Timeline | None, given: Sequence[float] | None, own: Sequence[float]) -> Beats:
    """Choose the beats that decide: given ones, else the plan's, else those of the film's own sound.

    Parameters
    ----------
    given : sequence of float, optional
        Seconds of the song.
    own : sequence of float
        Seconds of the film.
    """
    start_s = float(timeline.window.start_s) if timeline and timeline.window else 0.0
    planned = () if timeline is None else tuple(cut.beat_s for cut in timeline.cuts if cut.beat_s is not None)
    heard = tuple(own)
    if given:
        times, source = tuple(sorted(beat - start_s for beat in given)), BeatSource.FILE
    elif planned:
        times, source = tuple(sorted(planned)), BeatSource.PLAN
    else:
        return Beats(source=BeatSource.SOUND if heard else None, times=heard, own=heard, own_lag_ms=None)
    return Beats(source=source, times=times, own=heard, own_lag_ms=_lag_ms(times, heard))


def beat_of_cut(timeline: Timeline, place: int, beats: Beats) -> float | None:
    """Return the beat of cut ``place`` in seconds of the film: the plan's, or the nearest of given ones.

    A cut that the plan sets without a beat has none either way.
    """
    cut = timeline.cuts[place]
    if cut.beat_s is None or beats.source is not BeatSource.FILE:
        return cut.beat_s
    return nearest(beats.times, float(cut.frames.start / timeline.frame_rate))


def nearest(times: Sequence[float], time: float) -> float | None:
    """Return the one of ``times``, rising, that is nearest to ``time``; None if there is none."""
    if not times:
        return None
    place = int(np.searchsorted(times, time))
    return min(times[max(0, place - 1) : place + 1], key=lambda beat: abs(beat - time))


def _lag_ms(times: Sequence[float], own: Sequence[float]) -> float | None:
    """Return the median lag of beats that are heard behind those given; None where they do not agree on one."""
    pairs = [(nearest(own, time), time) for time in times]
    late: NDArray[np.float64] = np.array([heard - time for heard, time in pairs if heard is not None])
    late = late[np.abs(late) < _NEAR_S]
    if len(late) < max(_LEAST_AGREEING, _LEAST_SHARE * len(times)):
        return None
    low, middle, high = np.percentile(late, (25, 50, 75))
    return float(middle) * 1000 if high - low < _MOST_SPREAD_S else None
