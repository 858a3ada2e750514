"""How a song is put together: sections, which of them are alike, and what they are called.

Conventions
-----------
Sections leave no gap: the first starts at exactly 0, the last ends with the song, and every border between lies on a
downbeat (on every fourth beat where bars are not known, on even steps where there is no beat). Energy is 0..1 of the
song's own loud parts.

Method
------
`tasks.audio.borders` finds where sections may begin, `tasks.audio.likeness` which are alike, `tasks.audio.form` settles
what is doubtful, and `tasks.audio.naming` names the sections by energy, repetition and place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.audio.borders import Habit, border_odds, pick
from tasks.audio.downbeat import Bars
from tasks.audio.features import FRAME_RATE, Rises, Spectra
from tasks.audio.form import settle
from tasks.audio.grid import Grid
from tasks.audio.judge import form_habit, networks
from tasks.audio.likeness import Likeness
from tasks.audio.memory import give_back
from tasks.audio.mood import Pace, moods
from tasks.audio.naming import Portrait, named
from tasks.audio.units import describe, unit_edges
from tasks.domain.analysis import Section


def find_sections(
    spectra: Spectra,
    risen: Rises,
    grid: Grid | None,
    bars: Bars | None,
    duration_s: float,
    *,
    each: Callable[..., Iterable[Any]] = map,
) -> tuple[Section, ...]:
    """Divide the song into named sections.

    Parameters
    ----------
    each : callable
        Like `map`; describes the sections, wherever the caller lets them be described.
    """
    units = describe(spectra, risen, unit_edges(grid, bars, duration_s))
    judges, habit = networks(), Habit(*form_habit())
    odds = border_odds(units, judges["border"])
    give_back()
    form = settle(pick(odds, habit), odds, habit, Likeness(units, judges["likeness"]))
    borders, kinds, sure = form.borders, form.kinds, form.sure
    times = units.edges[borders]
    frames = np.clip(np.round(times * float(FRAME_RATE)).astype(int), 0, len(spectra.rms))
    loud = loud_parts(spectra, risen)
    every = risen.bands.mean(axis=1)
    cut = [
        (spectra.rms[a:b], every[a:b], loud)
        for a, b in zip(frames[:-1], np.maximum(frames[1:], frames[:-1] + 1), strict=True)
    ]
    energies = [float(energy) for energy in each(section_energy, cut)]
    estimates = moods(spectra, risen, Pace.of(grid), times)
    kicks = [float(units.busy[a:b, 0].mean()) for a, b in pairwise(borders)]
    usual_kick = max(float(np.quantile(units.busy[:, 0], 0.75)), 1e-9)
    portraits = [
        Portrait(
            start_s=float(times[index]),
            end_s=float(times[index + 1]),
            units=int(borders[index + 1] - borders[index]),
            cluster=int(kinds[index]),
            sure=float(sure[index]),
            energy=energies[index],
            kick=kicks[index] / usual_kick,
            valence=estimates[index].valence,
            arousal=estimates[index].arousal,
        )
        for index in range(len(kinds))
    ]
    return named(portraits)


def section_energy(part: tuple[NDArray[np.float32], NDArray[np.float32], tuple[float, float]]) -> float:
    """Energy of a section in 0..1 from its levels, its rises and the song's loud values of both."""
    level, risen, (loud_level, loud_rise) = part
    if loud_level <= 0 or not len(level):
        return 0.0
    strong = float(np.sqrt(np.square(level, dtype=np.float64).mean())) / loud_level
    busy = float(risen.mean(dtype=np.float64)) / loud_rise if loud_rise > 0 else 0.0
    return min(1.0, 0.7 * min(1.0, strong) + 0.3 * min(1.0, busy))


def loud_parts(spectra: Spectra, risen: Rises) -> tuple[float, float]:
    """Give level and rise of the song's loud parts: the 90th percentile of stretches of four seconds."""
    length = max(1, min(len(spectra.rms), int(4 * float(FRAME_RATE))))
    count = len(spectra.rms) // length
    level = np.sqrt(np.square(spectra.rms[: count * length], dtype=np.float64).reshape(count, length).mean(axis=1))
    busy = risen.bands[: count * length].mean(axis=1, dtype=np.float64).reshape(count, length).mean(axis=1)
    return float(np.quantile(level, 0.9)), float(np.quantile(busy, 0.9))
