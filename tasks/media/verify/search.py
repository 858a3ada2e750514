"""Look for cuts without a plan, and say how sure each is.

Method
------
The score of `cuts` is taken at every frame, never knowing where one is planned. A frame is a cut if its score is the
highest within `_APART` frames and above what the motion around it asks for. How far above it is gives the confidence.
Strong flashes, fast motion and pictures that jump can look like cuts; dissolves are not looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter

from tasks.domain.document import Document
from tasks.media.verify.cuts import least_cut
from tasks.media.verify.pictures import Pictures

LEAST_SURE = 0.5
"""Confidence from which on a found cut is believed."""

_NEAR = 31
_BESIDE = np.array([1, 1, 1, 0, 1, 1, 1])  # the frame's own score left out: a swift movement is swift beside it too
_APART = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A cut that was found without a plan.

    Attributes
    ----------
    frame : int
        The first frame of the new shot.
    confidence : float
        In 0..1.
    beat_s, error_frames : float or None
        The nearest beat, in seconds of the film, and how long after it the cut is; None where no beat is near.
    """

    frame: int
    confidence: float
    beat_s: float | None = None
    error_frames: float | None = None

    def to_json(self, fps: float) -> Document:
        """Write the cut."""
        return {
            "frame": self.frame,
            "time_s": round(self.frame / fps, 6),
            "confidence": round(self.confidence, 3),
            "beat_s": None if self.beat_s is None else round(self.beat_s, 6),
            "error_frames": None if self.error_frames is None else round(self.error_frames, 6),
            "error_ms": None if self.error_frames is None else round(self.error_frames / fps * 1000, 6),
        }


def search_cuts(pictures: Pictures) -> tuple[Found, ...]:
    """Return what looks like cuts, in order."""
    score = _scores(pictures)
    if not len(score):
        return ()
    around = median_filter(score, _NEAR, mode="nearest")
    beside = median_filter(score, footprint=_BESIDE, mode="nearest")
    motion = np.maximum(around, beside)
    least = least_cut(motion)
    tops = np.flatnonzero((score > least) & (score >= maximum_filter1d(score, 2 * _APART + 1)))
    return tuple(Found(frame=int(n), confidence=float(1 - np.exp(1 - score[n] / least[n]))) for n in tops)


def sure(found: Sequence[Found]) -> list[Found]:
    """Give those that are believed."""
    return [cut for cut in found if cut.confidence >= LEAST_SURE]


def _scores(pictures: Pictures) -> NDArray[np.float64]:
    """Return how far the two frames before each are from it and the one after it."""
    one, two, three = (np.nan_to_num(changes.astype(np.float64), nan=np.inf) for changes in pictures.changes)
    after_two, after_three = (np.append(changes[1:], np.inf) for changes in (two, three))
    score = np.minimum.reduce([one, two, after_two, after_three])
    return np.where(np.isfinite(score), score, 0.0)
