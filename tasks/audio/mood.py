"""An estimate of how a song feels, for choosing colours and movement, not for claims about the song.

Conventions
-----------
Valence (sad to happy) and arousal (calm to excited) lie in 0..1, with 0.5 for a usual recording. The same holds of
danceability and tension.

Method
------
Each is a weighted sum of standardised figures put through a logistic curve; the means and spreads are fixed, so songs
can be compared. Arousal rises with how much happens per second, with brightness and with tempo and falls with the
range of levels; valence with the major mode (correlation with the major less the minor key profile), and weakly with
tempo and brightness. Literature agrees well on arousal and little on valence, whose weights therefore are small.
Danceability is the strength and evenness of the pulse and how near the tempo is to walking and dancing; tension is
minor mode, roughness of the harmony (how evenly its energy is spread over the pitch classes) and arousal.

References
----------
Russell: A circumplex model of affect, Journal of Personality and Social Psychology 39, 1980.
Husain, Thompson, Schellenberg: Effects of musical tempo and mode on arousal, mood, and spatial abilities, Music
Perception 20, 2002.
Eerola, Lartillot, Toiviainen: Prediction of multidimensional emotional ratings in music from audio using multivariate
regression models, ISMIR 2009.
Krumhansl: Cognitive Foundations of Musical Pitch, 1990.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.audio.features import FRAME_RATE, HARMONY_RATE, Rises, Spectra
from tasks.audio.grid import Grid
from tasks.audio.key import mode_lean
from tasks.audio.tempo import Floats
from tasks.domain.analysis import Mood

_USUAL_RISE, _RISE_SPREAD = 0.10, 0.05  # mean rise of all bands, log magnitude a frame
_USUAL_HZ, _OCTAVES_OF_HZ = 2000.0, 0.7
_USUAL_BPM, _OCTAVES_OF_BPM = 105.0, 0.45
_USUAL_RANGE, _RANGE_SPREAD = 0.25, 0.12  # spread of log10 levels
_LEAN_SPREAD = 0.35
_SILENT = 1e-4
_DANCE_BPM, _DANCE_OCTAVES = 118.0, 0.35
_HIGH, _LOW = 0.58, 0.42


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the beat tells of mood: tempo, how even it is (0..1) and how firmly it is struck (0..1)."""

    bpm: float | None
    even: float
    firm: float

    @classmethod
    def of(cls, grid: Grid | None) -> Pace:
        """Read it off a grid; a song without a beat has none."""
        if grid is None:
            return cls(bpm=None, even=0.0, firm=0.0)
        steps = np.diff(grid.times)
        wobble = float(np.median(np.abs(np.diff(steps)))) / grid.interval_s if len(steps) > 1 else 0.0
        return cls(bpm=grid.tempo_bpm, even=max(0.0, 1 - 12 * wobble), firm=float(grid.support.mean()))


def song_mood(spectra: Spectra, risen: Rises, pace: Pace, duration_s: float) -> Mood | None:
    """Estimate the mood of a whole song; None for silence."""
    if float(spectra.rms.max()) <= _SILENT:
        return None
    found = moods(spectra, risen, pace, np.array((0.0, duration_s)))[0]
    near = 0.0 if pace.bpm is None else float(np.exp(-0.5 * (np.log2(pace.bpm / _DANCE_BPM) / _DANCE_OCTAVES) ** 2))
    dance = 0.0 if pace.bpm is None else 0.4 * pace.firm + 0.3 * pace.even + 0.3 * near
    chroma = np.sqrt(np.maximum(spectra.chroma, 0)).astype(np.float64)
    total = chroma.sum(axis=1, keepdims=True)
    share = chroma[total[:, 0] > 0] / total[total[:, 0] > 0]
    spread = float(-(share * np.log2(np.maximum(share, 1e-12))).sum(axis=1).mean()) / np.log2(12) if len(share) else 0.0
    tension = _curve(1.2 * (0.5 - found.valence) * 2 + 1.2 * (found.arousal - 0.5) * 2 + 6 * (spread - 0.85))
    return Mood(
        valence=round(found.valence, 3),
        arousal=round(found.arousal, 3),
        danceability=round(min(1.0, dance), 3),
        tension=round(tension, 3),
        tags=_tags(found, dance),
    )


@dataclass(frozen=True, slots=True)
class Feeling:
    """Valence and arousal of a stretch."""

    valence: float
    arousal: float


def moods(spectra: Spectra, risen: Rises, pace: Pace, edges_s: Floats) -> list[Feeling]:
    """Estimate the mood between successive edges, in seconds."""
    rate, slow = float(FRAME_RATE), float(HARMONY_RATE)
    return [
        _feeling(
            spectra.rms[_cut(start, end, rate, len(spectra.rms))],
            risen.bands[_cut(start, end, rate, len(spectra.rms))],
            spectra.centroid_hz[_cut(start, end, rate, len(spectra.rms))],
            spectra.chroma[_cut(start, end, slow, len(spectra.chroma))],
            pace,
        )
        for start, end in pairwise(edges_s)
    ]


def _feeling(
    rms: NDArray[np.float32],
    rises: NDArray[np.float32],
    hz: NDArray[np.float32],
    chroma: NDArray[np.float32],
    pace: Pace,
) -> Feeling:
    loud = rms > _SILENT
    if not loud.any():
        return Feeling(0.5, 0.0)
    busy = (float(rises.mean(dtype=np.float64)) - _USUAL_RISE) / _RISE_SPREAD
    bright = float(np.log2(max(float(hz[loud].mean(dtype=np.float64)), 1.0) / _USUAL_HZ)) / _OCTAVES_OF_HZ
    quick = 0.0 if pace.bpm is None else float(np.log2(pace.bpm / _USUAL_BPM)) / _OCTAVES_OF_BPM
    wide = (float(np.log10(rms[loud].astype(np.float64)).std()) - _USUAL_RANGE) / _RANGE_SPREAD
    lean = mode_lean(chroma) / _LEAN_SPREAD
    arousal = 0.6 * _bounded(busy) + 0.4 * _bounded(bright) + 0.3 * _bounded(quick) - 0.2 * _bounded(wide)
    valence = 0.5 * _bounded(lean) + 0.25 * _bounded(quick) + 0.15 * _bounded(bright)
    return Feeling(round(_curve(valence), 3), round(_curve(arousal), 3))


def _cut(start_s: float, end_s: float, rate: float, count: int) -> slice:
    first = min(max(0, round(start_s * rate)), count - 1)
    return slice(first, max(first + 1, min(count, round(end_s * rate))))


def _bounded(value: float) -> float:
    return min(2.5, max(-2.5, value))


def _curve(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def _tags(found: Feeling, dance: float) -> tuple[str, ...]:
    """Name the quarter of the circumplex, where the song is clearly in one."""
    names = {
        (True, True): "joyful", (True, False): "tense", (False, True): "peaceful", (False, False): "sad",
    }  # fmt: skip
    tags = []
    if found.arousal > _HIGH or found.arousal < _LOW:
        tags.append("energetic" if found.arousal > _HIGH else "calm")
    if abs(found.valence - 0.5) > _HIGH - 0.5 and tags:
        tags.append(names[found.arousal > 0.5, found.valence > 0.5])  # noqa: PLR2004
    if dance > 0.75:  # noqa: PLR2004
        tags.append("danceable")
    return tuple(tags)
