"""Judge when pictures are shown.

Method
------
Frame k belongs at k / rate. Pictures are counted by their steps, so that those after a gap are where they belong. A
time stamp is regular if no other tick of the track's clock is nearer to that: on a clock that can tell the rate
exactly, such as that of our films, this means equal as fractions. Drift is a median of slopes, so that one late cut or
one gap is not taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.media.verify.container import PictureTrack

_MOST_PAIRED = 400
_ONE_STEP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A step of the clock that is not one frame: ``frames`` of them without a picture of their own before ``place``."""

    place: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When the pictures are shown.

    Attributes
    ----------
    rate : Fraction
        The frame rate that explains most time stamps: the planned one or one that the container gives.
    irregular : int
        Frames that are not at k / rate.
    gaps : tuple of Gap
        Where no picture is shown for a frame or more.
    drift : float
        Seconds by which the film grows late in each second of the plan.
    places : ndarray, shape (frames,), int64
        The frame at which each picture is shown, counted by steps: k where there is no gap before it.
    keyframes : tuple of int
        The places of the pictures that need no other.
    end_s : Fraction
        When the last picture ends.
    """

    rate: Fraction
    irregular: int
    gaps: tuple[Gap, ...]
    drift: float
    places: NDArray[np.int64]
    keyframes: tuple[int, ...]
    end_s: Fraction

    def place(self, picture: int) -> int:
        """Give the frame at which a picture is shown."""
        return int(self.places[picture]) if picture < len(self.places) else picture

    def picture(self, frame: int) -> int:
        """Give the first picture that is shown at ``frame`` or later."""
        return int(np.searchsorted(self.places, frame))


def read_clock(track: PictureTrack, planned: Fraction | None) -> Clock:
    """Find the rate at which the track runs, and how well it keeps it."""
    rates = [*([planned] if planned is not None else []), *track.rates] or [Fraction(1)]
    rate = min(rates, key=lambda candidate: _unevenness(track, candidate))
    steps = _steps(track, rate)
    places = np.concatenate([[0], np.cumsum(steps)])
    end_s = (track.pts[-1] * track.time_base if track.pts else Fraction(0)) + 1 / rate
    return Clock(
        rate=rate,
        irregular=int(np.count_nonzero(_late_frames(track, rate, places))) + track.unstamped,
        gaps=tuple(Gap(place=int(places[k + 1]), frames=int(steps[k]) - 1) for k in np.flatnonzero(steps > 1)),
        places=places,
        keyframes=tuple(int(places[k]) for k in np.searchsorted(track.pts, track.keyframes)),
        drift=_steady_slope(_late_frames(track, planned or rate, places)),
        end_s=end_s,
    )


def cut_drift(planned: Sequence[int], found: Sequence[int]) -> float:
    """Return by how many frames cuts grow late with each frame of the plan.

    Cuts lie on whole frames: if they are late by two amounts only, a frame was lost or added, and that is no drift.
    """
    if len({at - plan for at, plan in zip(found, planned, strict=True)}) <= _ONE_STEP:
        return 0.0
    step = -(-len(planned) // _MOST_PAIRED)
    at = np.array(planned[::step], np.float64)
    late = np.array(found[::step], np.float64) - at
    first, second = np.triu_indices(len(at), 1)
    return float(np.median((late[second] - late[first]) / (at[second] - at[first])))


def _steps(track: PictureTrack, rate: Fraction) -> NDArray[np.int64]:
    """Return how many frames after the one before each picture is shown, at least one."""
    step = float(track.time_base * rate)
    return np.asarray(np.maximum(1, np.rint(np.diff(track.pts) * step)), np.int64)


def _unevenness(track: PictureTrack, rate: Fraction) -> tuple[int, int]:
    """Count the steps that are not one frame, and the pictures that are not at k / rate after the first."""
    step = track.time_base * rate
    ticks, frame = step.numerator, step.denominator
    uneven = sum(abs((after - before) * ticks - frame) > ticks for before, after in pairwise(track.pts))
    from_first = replace(track, pts=tuple(pts - track.pts[0] for pts in track.pts))
    return uneven, int(np.count_nonzero(_late_frames(from_first, rate, np.arange(len(track.pts)))))


def _late_frames(track: PictureTrack, rate: Fraction, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how many frames each picture is late; exactly 0 where its time stamp is regular."""
    step = track.time_base * rate  # frames in one tick
    ticks, frame = step.numerator, step.denominator
    late = [pts * ticks - k * frame for pts, k in zip(track.pts, places.tolist(), strict=False)]  # in 1 / frame
    return np.array([0.0 if 2 * abs(error) <= ticks else error / frame for error in late])


def _steady_slope(late: NDArray[np.float64]) -> float:
    lag = max(1, len(late) // 4)
    return float(np.median(late[lag:] - late[:-lag])) / lag if len(late) > lag else 0.0
