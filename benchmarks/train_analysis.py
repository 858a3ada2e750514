"""Learn the weights of `tasks/audio/weights.json` anew.

usage: python -m benchmarks.train_analysis OUT.json --data DIR [--data DIR ...] --origin WORDS [--workers N]

Each DIR holds songs (any container) and beside each a truth file of the same name with the ending ``json``, in the
format of `benchmarks.scoring`. The result is a function of the songs: seeded, and learnt by a deterministic method
(L-BFGS over all songs at once). Songs count alike, however long they are.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from benchmarks.scoring import score
from benchmarks.truth import songs_of, spectra_of
from cluster.environment import cores
from tasks.audio.beat import all_grids
from tasks.audio.borders import LONGEST_UNITS, border_figures
from tasks.audio.choice import count_all, evidence
from tasks.audio.cues import Cues, beat_figures, in_context, prepare
from tasks.audio.downbeat import Bars
from tasks.audio.features import HARMONY_HOP, HARMONY_RATE, HOP, Rises, Spectra, rises
from tasks.audio.grid import Grid
from tasks.audio.judge import Network
from tasks.audio.likeness import Likeness, pairs_of
from tasks.audio.tempo import Periodicity, measure, onset_envelope
from tasks.audio.units import Units, describe, unit_edges

Floats = NDArray[np.float64]
Loss = Callable[[Floats], tuple[float, Floats]]

_FOLDS = 2
_HABIT_SHARE, _BORDER_COST = 0.6, -2.0  # the best of a few on songs left out of learning the odds
_NEAR_S = 0.05
_ON_GRID = 0.9
_SOFTNESS = 0.08
_DIGITS = 5
_STEP = HARMONY_HOP // HOP
_FEWEST_BEATS = 8


@dataclass(slots=True, kw_only=True)
class Form:
    """The sections of one song: its units, which of them begin a section, and what is alike."""

    units: Units
    figures: Floats
    is_border: Floats
    borders: NDArray[np.int64]
    pairs: Floats
    is_alike: Floats


@dataclass(slots=True, kw_only=True)
class Lesson:
    """One song with all that is known of it."""

    truth: dict[str, Any]
    cues: Cues
    periodicity: Periodicity
    grids: list[Grid]
    figures: Floats
    is_first: Floats
    form: Form | None


def lesson(spectra: Spectra, truth: dict[str, Any], *, is_excerpt: bool = False) -> Lesson:
    """Prepare a song: its grids, and the beats of those that are right with whether each begins a bar."""
    risen = rises(spectra)
    envelope = onset_envelope(risen)
    cues = prepare(spectra, risen, envelope)
    periodicity = measure(envelope)
    grids = all_grids(spectra, envelope, periodicity)
    rows = [grid.times for grid in grids if _beat_f(truth, grid) >= _ON_GRID] + [np.array(truth["beats"])]
    downbeats = np.array(truth["downbeats"] or [np.inf])
    figures = [some for row in rows for some in in_context(beat_figures(cues, row))]
    is_first = [np.abs(row[:, None] - downbeats[None]).min(axis=1) < _NEAR_S for row in rows]
    return Lesson(
        truth=truth,
        cues=cues,
        periodicity=periodicity,
        grids=grids,
        figures=np.vstack(figures),
        is_first=np.concatenate(is_first).astype(np.float64),
        form=form_of(spectra, risen, truth) if truth["downbeats"] and not is_excerpt else None,
    )


def excerpt(spectra: Spectra, truth: dict[str, Any], random: np.random.Generator) -> tuple[Spectra, dict[str, Any]]:
    """Cut 10 to 40 s out of a song, because songs may be short; sections are left out."""
    length_s = float(random.uniform(10, 40))
    first = int(random.uniform(0, max(0.0, truth["duration"] - length_s)) * float(HARMONY_RATE))
    count = int(length_s * float(HARMONY_RATE))
    start_s, end_s = first / float(HARMONY_RATE), (first + count) / float(HARMONY_RATE)
    fast, slow = slice(first * _STEP, (first + count) * _STEP), slice(first, first + count)
    part = Spectra(
        mel_roots=spectra.mel_roots[fast],
        rms=spectra.rms[fast],
        centroid_hz=spectra.centroid_hz[fast],
        chroma=spectra.chroma[slow],
        bass_chroma=spectra.bass_chroma[slow],
    )
    cut = {name: [time - start_s for time in truth[name] if start_s <= time < end_s] for name in ("beats", "downbeats")}
    return part, {**truth, **cut, "duration": end_s - start_s, "silences": [], "sections": []}


def learn_downbeats(lessons: list[Lesson], *, hidden: int = 16, decay: float = 5e-4, seed: int) -> Network:
    """Learn to tell downbeats from other beats: logistic loss, songs weighing alike."""
    songs = [(one.figures, one.is_first) for one in lessons if one.truth["downbeats"]]
    return _learn_logistic(songs, hidden=hidden, decay=decay, seed=seed)


def learn_readings(
    rows: list[Floats], worths: list[Floats], *, hidden: int = 6, decay: float = 1e-2, seed: int
) -> Network:
    """Learn to choose: the chance of the readings, weighed by how near each is to the song's best, shall be large."""
    figures = np.vstack(rows)
    ends = np.cumsum([len(row) for row in rows])
    parts = [slice(end - len(row), end) for end, row in zip(ends, rows, strict=True)]
    good = [np.exp((worth - worth.max()) / _SOFTNESS) for worth in worths]

    def loss(value: Floats) -> tuple[float, Floats]:
        cost, slope = 0.0, np.zeros(len(value))
        for part, right in zip(parts, good, strict=True):
            chance = np.exp(value[part] - value[part].max())
            chance /= chance.sum()
            hit = float(chance @ right)
            cost -= np.log(hit) / len(parts)
            slope[part] = (chance - chance * right / hit) / len(parts)
        return cost, slope

    return fit(figures, loss, hidden=hidden, decay=decay, seed=seed)


def fit(figures: Floats, loss: Loss, *, hidden: int, decay: float, seed: int) -> Network:
    """Fit a network by L-BFGS; ``decay`` times the squared weights (of figures of unit spread) is added to the loss."""
    middle, spread = figures.mean(axis=0), figures.std(axis=0) + 1e-6
    scaled = np.hstack(((figures - middle) / spread, np.ones((len(figures), 1))))
    count = scaled.shape[1]
    start = np.random.default_rng(seed).normal(0, 0.5 / np.sqrt(count), count * hidden + hidden + 1)

    def cost(flat: Floats) -> tuple[float, Floats]:
        inward, outward = flat[: count * hidden].reshape(count, hidden), flat[count * hidden :]
        units = np.tanh(scaled @ inward)
        value, slope = loss(units @ outward[:-1] + outward[-1])
        back = (slope[:, None] * outward[:-1]) * (1 - units**2)
        penalised = flat.copy()
        penalised[count * hidden - hidden : count * hidden] = 0
        penalised[-1] = 0
        gradient = np.concatenate(((scaled.T @ back).ravel(), units.T @ slope, [slope.sum()])) + 2 * decay * penalised
        return value + decay * float(penalised @ penalised), gradient

    found = scipy.optimize.minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    inward = found[: count * hidden].reshape(count, hidden)
    inward[:-1] /= spread[:, None]
    inward[-1] -= middle @ inward[:-1]
    return Network(inward=inward, outward=found[count * hidden :])


def readings_of(one: Lesson, downbeat: Network) -> tuple[Floats, Floats, list[tuple[Grid, Bars]]]:
    """Describe a song's readings and tell what each is worth."""
    pairs = count_all(one.cues, one.grids, downbeat)
    return evidence(one.cues, one.periodicity, pairs), np.array([worth(one.truth, *pair) for pair in pairs]), pairs


def worth(truth: dict[str, Any], grid: Grid, bars: Bars) -> float:
    """Tell how good a reading is: beats count half, downbeats a third, exact beats the rest."""
    found = score(truth, {"beats": grid.times, "downbeats": grid.times[bars.positions == 1]})
    return found["beat_f"] / 2 + found.get("downbeat_f", 1.0) / 3 + found["beat_f20"] / 6


def _beat_f(truth: dict[str, Any], grid: Grid) -> float:
    return score(truth, {"beats": grid.times})["beat_f"]


def form_of(spectra: Spectra, risen: Rises, truth: dict[str, Any]) -> Form:
    """Describe the sections of a song on its true bars."""
    beats = np.array(truth["beats"])
    grid = Grid(times=beats, support=np.ones(len(beats)))
    bars = Bars(
        beats_a_bar=truth["meter"], positions=np.array(truth["beat_pos"]), gain=0.0, slips=0.0, lead=0.0, apart=0.0
    )
    units = describe(spectra, risen, unit_edges(grid, bars, truth["duration"]))
    count = len(units.edges) - 1
    starts = np.array([section["start"] for section in truth["sections"]])
    nearest = np.abs(units.edges[None, :-1] - starts[:, None]).argmin(axis=1)
    borders, kept = np.unique(np.where(starts == 0, 0, nearest), return_index=True)
    letters = [truth["sections"][index]["letter"] for index in kept]
    is_border = np.zeros(count)
    is_border[borders[1:]] = 1
    borders = np.append(borders, count)
    return Form(
        units=units,
        figures=border_figures(units)[1:],
        is_border=is_border[1:],
        borders=borders,
        pairs=Likeness(units).figures(pairs_of(borders)),
        is_alike=np.array([float(a == b) for n, a in enumerate(letters) for b in letters[n + 1 :]]),
    )


def learn(lessons: list[Lesson], origin: str) -> dict[str, Any]:
    """Learn all weights from whole songs and excerpts.

    What the choice among readings is told by the network of the downbeats comes from one that has not heard the song,
    since it will not have heard the songs to come.
    """
    whole = [one for one in lessons if one.form is not None]
    fold = np.random.default_rng(0).permutation(len(whole)) % _FOLDS
    name_of = {one.truth["name"]: int(number) for one, number in zip(whole, fold, strict=True)}
    strange = [
        learn_downbeats([one for one, at in zip(whole, fold, strict=True) if at != number], seed=number)
        for number in range(_FOLDS)
    ]
    described = [readings_of(one, strange[name_of.get(one.truth["name"], 0)]) for one in lessons if one.grids]
    reading = learn_readings([rows for rows, _, _ in described], [worths for _, worths, _ in described], seed=1)
    forms = [one.form for one in whole if one.form is not None]
    found = {
        "downbeat": learn_downbeats(whole, seed=_FOLDS),
        "reading": reading,
        "border": learn_borders(forms, seed=1),
        "likeness": learn_likeness(forms, seed=1),
    }
    habit = _HABIT_SHARE * usual_lengths(forms)
    return document(found, origin) | {"form": {"habit": _rounded(habit), "border_cost": _BORDER_COST}}


def learn_borders(forms: list[Form], *, hidden: int = 8, decay: float = 1e-3, seed: int) -> Network:
    """Learn where sections begin."""
    return _learn_logistic([(one.figures, one.is_border) for one in forms], hidden=hidden, decay=decay, seed=seed)


def learn_likeness(forms: list[Form], *, hidden: int = 2, decay: float = 1e-3, seed: int) -> Network:
    """Learn which sections are alike."""
    return _learn_logistic(
        [(one.pairs, one.is_alike) for one in forms if len(one.pairs)], hidden=hidden, decay=decay, seed=seed
    )


def usual_lengths(forms: list[Form]) -> Floats:
    """Log chance of each length of a section in units, songs counting alike; the first and the last do not count."""
    total = np.full(LONGEST_UNITS + 1, 0.002)
    for one in forms:
        lengths = np.diff(one.borders)[1:-1]
        lengths = lengths[lengths <= LONGEST_UNITS]
        for length in lengths:
            total[length] += 1 / len(lengths) / len(forms)
    total[0] = 1e-9
    return np.asarray(np.log(total / total.sum()), np.float64)


def _learn_logistic(songs: list[tuple[Floats, Floats]], *, hidden: int, decay: float, seed: int) -> Network:
    figures = np.vstack([rows for rows, _ in songs])
    target = np.concatenate([answers for _, answers in songs])
    weight = np.concatenate([np.full(len(answers), 1 / len(answers) / len(songs)) for _, answers in songs])

    def loss(odds: Floats) -> tuple[float, Floats]:
        chance = 1 / (1 + np.exp(-odds))
        cost = -float((weight * (target * np.log(chance + 1e-12) + (1 - target) * np.log(1 - chance + 1e-12))).sum())
        return cost, weight * (chance - target)

    return fit(figures, loss, hidden=hidden, decay=decay, seed=seed)


def document(networks: dict[str, Network], origin: str) -> dict[str, Any]:
    """Write networks as they ship."""
    return {
        "origin": origin,
        "networks": {
            name: {"inward": _rounded(one.inward), "outward": _rounded(one.outward)} for name, one in networks.items()
        },
    }


def _rounded(weights: Floats) -> Any:
    return np.vectorize(lambda value: float(f"{value:.{_DIGITS}g}"))(weights).tolist()


def main() -> None:
    """Hear the songs, learn, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--origin", required=True, help="what the songs are and under which licence")
    parser.add_argument("--workers", type=int, default=cores(), help="processes that hear songs side by side")
    arguments = parser.parse_args()
    songs = [song for folder in arguments.data for song in songs_of(folder)]
    lessons: list[Lesson] = []
    with ProcessPoolExecutor(arguments.workers, multiprocessing.get_context("spawn")) as pool:
        for number, found in enumerate(pool.map(lessons_of, *zip(*songs, strict=True)), 1):
            lessons += found
            print(f"{number} of {len(songs)}: {found[0].truth['name']}", file=sys.stderr)
    arguments.out.write_text(json.dumps(learn(lessons, arguments.origin)) + "\n", encoding="utf-8")


def lessons_of(path: Path, truth: dict[str, Any]) -> list[Lesson]:
    """Take a song whole, and a piece of it."""
    spectra = spectra_of(path)
    part, cut = excerpt(spectra, truth, np.random.default_rng(zlib.crc32(truth["name"].encode())))
    whole = [lesson(spectra, truth)]
    return whole if len(cut["beats"]) < _FEWEST_BEATS else [*whole, lesson(part, cut, is_excerpt=True)]


if __name__ == "__main__":
    main()
