"""Which of several readings of a song's rhythm a listener would tap.

Method
------
A song has many true periods: half and double the beat, the off-beats, bars of two or four. Every reading, a row of
beats and a number of them in a bar, is described by what rises on its beats and between them, by whether bass drum,
snare and harmony take turns, by where the harmony changes, by its tempo and how periodic the song is at simple ratios
of it, by how steadily it goes and how much of it lies on one line, and by how clearly it falls into bars. A small
network scores the readings; it was trained to make the expected score of the chosen one (beats and downbeats against
the truth) as large as possible.

References
----------
Krebs, Korzeniowski, Grachten, Widmer: Unsupervised learning and refinement of rhythmic patterns for beat and downbeat
tracking, EUSIPCO 2014 (several tempo ranges side by side).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from tasks.audio.cues import SHARES, Cues, change_at, rises_at
from tasks.audio.downbeat import METERS, Bars, count_bars, downbeat_odds
from tasks.audio.grid import Grid
from tasks.audio.judge import Network, networks
from tasks.audio.steady import off_line
from tasks.audio.tempo import Floats, Periodicity
from tasks.domain.analysis import Meter
from tasks.domain.document import Document

_USUAL_BPM = 100.0
_RUN = 16
_RATIOS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 1.0, 3 / 2, 2.0, 3.0, 4.0)  # of the beat's length
_STRONG = 0.5
_SAME_TEMPO = 0.04
_ALTERNATIVES = 2
_LEAST_THIRD, _THIRDS_LEAD = 0.15, 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to tap and count a song; ``chance`` is how likely this one is among those of the song."""

    grid: Grid
    bars: Bars
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """All readings of a song, the likeliest first, and what they were read from."""

    cues: Cues
    readings: tuple[Reading, ...]

    def tempo_chance(self, index: int) -> float:
        """How likely the tempo of a reading is, whatever the phase and the bars."""
        bpm = self.readings[index].grid.tempo_bpm
        return min(1.0, sum(one.chance for one in self.readings if _is_near(one.grid.tempo_bpm, bpm)))

    def meter(self, index: int) -> Meter:
        """Name the meter of a reading: beats of a quarter, or of three eighths where every beat is cut in three."""
        reading = self.readings[index]
        thirds, halves = (
            [rises_at(self.cues, reading.grid.times, k / n)[:, 0].mean() for k in range(1, n)] for n in (3, 4)
        )
        if min(thirds) > max(_LEAST_THIRD, _THIRDS_LEAD * max(halves)):
            return Meter(numerator=3 * reading.bars.beats_a_bar, denominator=8)
        return Meter(numerator=reading.bars.beats_a_bar, denominator=4)

    def alternatives(self) -> tuple[Document, ...]:
        """Give the best readings at other tempos, as half and double time are: up to two, the likelier first."""
        tempos = [self.readings[0].grid.tempo_bpm]
        found: list[Document] = []
        for index, reading in enumerate(self.readings):
            bpm = reading.grid.tempo_bpm
            if len(found) < _ALTERNATIVES and not any(_is_near(bpm, other) for other in tempos):
                tempos.append(bpm)
                found.append({
                    "tempo_bpm": round(bpm, 3),
                    "confidence": round(self.tempo_chance(index), 3),
                    "meter": asdict(self.meter(index)),
                    "beats": [round(float(time), 6) for time in reading.grid.times],
                    "downbeats": [round(float(time), 6) for time in reading.grid.times[reading.bars.positions == 1]],
                })  # fmt: skip
        return tuple(found)


def read(cues: Cues, periodicity: Periodicity, grids: list[Grid]) -> Rhythm:
    """Read the song in every way."""
    known = networks()
    pairs = count_all(cues, grids, known["downbeat"])
    value = known["reading"].judge(evidence(cues, periodicity, pairs))
    weight = np.exp(value - value.max())
    chances = weight / weight.sum()
    order = np.argsort(-chances, kind="stable")
    readings = [Reading(grid=pairs[at][0], bars=pairs[at][1], chance=float(chances[at])) for at in order]
    return Rhythm(cues=cues, readings=tuple(readings))


def count_all(cues: Cues, grids: list[Grid], downbeat: Network) -> list[tuple[Grid, Bars]]:
    """Count each grid's bars in every way."""
    return [(grid, bars) for grid in grids for bars in count_bars(downbeat_odds(cues, grid, downbeat))]


def evidence(cues: Cues, periodicity: Periodicity, pairs: list[tuple[Grid, Bars]]) -> Floats:
    """Describe each reading, shape (readings, figures)."""
    described: dict[int, list[float]] = {}
    for grid, _ in pairs:
        if id(grid) not in described:
            described[id(grid)] = _of_grid(cues, periodicity, grid)
    return np.array([[*described[id(grid)], *_of_bars(cues, grid, bars)] for grid, bars in pairs])


def _of_grid(cues: Cues, periodicity: Periodicity, grid: Grid) -> list[float]:
    times, step = grid.times, grid.interval_s
    octaves = float(np.log2(grid.tempo_bpm / _USUAL_BPM))
    at = [rises_at(cues, times, share) for share in SHARES]
    on, half = at[0], at[3]
    means = np.stack([values.mean(axis=0) for values in at])
    turns = [_turns(on[:, band]) for band in (1, 2, 3, 4)]
    moves = [change_at(cues.chroma, times + share * step, 0.4) for share in (0.0, 1 / 2, 1 / 3)]
    bass = [change_at(cues.bass, times + share * step, 0.4) for share in (0.0, 1 / 2)]
    steps = np.diff(times)
    return [
        octaves,
        octaves**2,
        octaves**3,
        *means.ravel().tolist(),
        *(abs(turn) for turn in turns),
        float(np.sign(turns[0] * turns[2]) * np.sqrt(abs(turns[0] * turns[2]))),
        10 * float(moves[0].mean() - moves[1].mean()),
        10 * float(moves[0].mean() - moves[2].mean()),
        10 * float(bass[0].mean() - bass[1].mean()),
        10 * abs(_turns(moves[0])),
        10 * abs(_turns(bass[0])),
        10 * float(np.minimum(np.abs(np.diff(steps)) / np.median(steps), 1).mean()),
        10 * float(np.std(steps) / step),
        float(grid.support.mean()),
        float((on[:, 0] > _STRONG).mean()),
        float((half[:, 0] > _STRONG).mean()),
        float((on[:, 1] > _STRONG).mean()),
        *(periodicity.at(grid.tempo_bpm / ratio) for ratio in _RATIOS),
        10 * off_line(times),
    ]


def _of_bars(cues: Cues, grid: Grid, bars: Bars) -> list[float]:
    first = bars.positions == 1
    moves = 10 * change_at(cues.chroma, grid.times, 0.4)
    kick = rises_at(cues, grid.times, 0)[:, 1]
    return [
        *(float(bars.beats_a_bar == beats) for beats in METERS),
        bars.gain,
        bars.lead,
        bars.apart,
        10 * bars.slips,
        float(np.log2(bars.beats_a_bar * grid.interval_s / 2)),
        float(moves[first].mean() - moves[~first].mean()) if first.any() and not first.all() else 0.0,
        float(kick[first].mean() - kick[~first].mean()) if first.any() and not first.all() else 0.0,
    ]


def _turns(values: Floats) -> float:
    """How much more happens on even beats than on odd ones, judged in runs of 16 so that a lost beat spoils little."""
    values = values[: len(values) // _RUN * _RUN] if len(values) >= _RUN else values[: len(values) // 2 * 2]
    runs = values.reshape(-1, min(_RUN, len(values)))
    differences = runs[:, ::2].mean(axis=1) - runs[:, 1::2].mean(axis=1)
    return float(np.abs(differences).mean() * np.sign(differences.sum()))


def _is_near(bpm: float, other: float) -> bool:
    return abs(bpm / other - 1) < _SAME_TEMPO
