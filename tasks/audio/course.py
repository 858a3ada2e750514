"""How a song feels as it goes on: energy, valence and arousal every few seconds.

Method
------
The song is cut into stretches of `STEP_S` seconds, the last one up to half as long again; each is estimated by itself,
as sections are (`tasks.audio.structure`, `tasks.audio.mood`).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tasks.audio.features import FRAME_RATE, Rises, Spectra
from tasks.audio.mood import Pace, moods
from tasks.audio.structure import loud_parts, section_energy
from tasks.domain.analysis import MoodPoint

STEP_S = 5.0
"""Seconds between two points."""


def mood_over_time(spectra: Spectra, risen: Rises, pace: Pace, duration_s: float) -> tuple[MoodPoint, ...]:
    """Estimate the mood in the middle of every stretch of the song, in order."""
    count = max(1, round(duration_s / STEP_S))
    edges = np.array([*(STEP_S * step for step in range(count)), duration_s])
    loud, every = loud_parts(spectra, risen), risen.bands.mean(axis=1)
    frames = np.minimum(np.round(edges * float(FRAME_RATE)).astype(int), len(spectra.rms))
    feelings = moods(spectra, risen, pace, edges)
    return tuple(
        MoodPoint(
            time_s=round(float(edges[index] + edges[index + 1]) / 2, 3),
            energy=round(section_energy((spectra.rms[start:end], every[start:end], loud)), 3),
            valence=feelings[index].valence,
            arousal=feelings[index].arousal,
        )
        for index, (start, end) in enumerate(pairwise(frames))
    )
