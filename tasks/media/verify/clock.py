"""Judge when pictures are shown.

Method
------
Frame k belongs at k / rate. A time stamp is regular if no other tick of the track's clock is nearer to that: on a
clock that can tell the rate exactly, such as that of our films, this means equal as fractions. Drift is a median of
slopes, so that one late cut or one gap is not taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tasks.media.verify.container import PictureTrack

_MOST_PAIRED = 400
_ONE_STEP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When the pictures are shown.

    Attributes
    ----------
    rate : Fraction
        The frame rate that explains most time stamps: the planned one or one that the container gives.
    irregular : int
        Frames that are not at k / rate.
    drift : float
        Seconds by which the film grows late in each second of the plan.
    end_s : Fraction
        When the last picture ends.
    """

    rate: Fraction
    irregular: int
    drift: float
    end_s: Fraction


def read_clock(track: PictureTrack, planned: Fraction | None) -> Clock:
    """Find the rate at which the track runs, and how well it keeps it."""
    rates = [*([planned] if planned is not None else []), *track.rates] or [Fraction(1)]
    from_first = replace(track, pts=tuple(pts - track.pts[0] for pts in track.pts))
    rate = min(rates, key=lambda candidate: np.count_nonzero(_late_frames(from_first, candidate)))
    end_s = (track.pts[-1] * track.time_base if track.pts else Fraction(0)) + 1 / rate
    return Clock(
        rate=rate,
        irregular=int(np.count_nonzero(_late_frames(track, rate))) + track.unstamped,
        drift=_steady_slope(_late_frames(track, planned or rate)),
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


def _late_frames(track: PictureTrack, rate: Fraction) -> NDArray[np.float64]:
    """Return how many frames each picture is late; exactly 0 where its time stamp is regular."""
    step = track.time_base * rate  # frames in one tick
    ticks, frame = step.numerator, step.denominator
    late = [pts * ticks - k * frame for k, pts in enumerate(track.pts)]  # in 1 / frame
    return np.array([0.0 if 2 * abs(error) <= ticks else error / frame for error in late])


def _steady_slope(late: NDArray[np.float64]) -> float:
    lag = max(1, len(late) // 4)
    return float(np.median(late[lag:] - late[:-lag])) / lag if len(late) > lag else 0.0
