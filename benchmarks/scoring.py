"""How near what was heard is to what was played.

Conventions
-----------
Truth and estimate are JSON objects with ``beats`` and ``downbeats`` (seconds), ``tempo_bpm`` and ``sections`` (objects
with ``start``, ``end`` and ``letter``, or ``label`` where there is no letter). Truth has ``duration``, ``tempo_ok``
(every tempo a listener would accept) and ``silences`` (pairs of seconds) besides; where it has no downbeats they are
not scored. What is estimated inside a silence, before the first true beat or after the last one is neither asked for
nor held against anyone.

References
----------
Raffel et al.: mir_eval: A transparent implementation of common MIR metrics, ISMIR 2014.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import mir_eval
import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Scores = dict[str, float]

NAMES = {
    "beat_f": "beat F 70 ms",
    "beat_f20": "beat F 20 ms",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "bias_ms": "bias ms",
    "downbeat_f": "downbeat F",
    "tempo": "tempo 4 %",
    "boundary_05": "boundary 0.5 s",
    "boundary_3": "boundary 3 s",
    "pairwise": "pairwise F",
}
"""The scores by key, as tables call them. All but the bias lie in 0..1; the bias is the median of estimate minus truth
over beats within 70 ms, and missing where there are none."""

_EDGE_S = 0.1
_NEAR_S = 0.07
_TEMPO_SHARE = 0.04
_FEW = 3


def score(truth: Mapping[str, Any], estimate: Mapping[str, Any]) -> Scores:
    """Score one song; what the estimate does not hold (``None`` or missing) is not scored."""
    scores: Scores = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mir_eval warns of every empty list, which here is an answer
        if estimate.get("beats") is not None:
            scores |= _beat_scores(_inside(truth, truth["beats"]), _inside(truth, estimate["beats"]))
        if truth["downbeats"] and estimate.get("downbeats") is not None:
            true, found = _inside(truth, truth["downbeats"]), _inside(truth, estimate["downbeats"])
            scores["downbeat_f"] = float(mir_eval.beat.f_measure(true, found))
        if "tempo_bpm" in estimate:
            tempo = estimate["tempo_bpm"] or 0.0
            scores["tempo"] = float(any(abs(tempo / right - 1) < _TEMPO_SHARE for right in truth["tempo_ok"]))
        if estimate.get("sections"):
            scores |= _section_scores(truth, estimate["sections"])
    return scores


def bootstrap(values: Sequence[float], *, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Give the 95 % interval of the mean, by drawing as many songs again and again with replacement."""
    if not values:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).choice(np.asarray(values, np.float64), (draws, len(values)))
    low, high = np.quantile(drawn.mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _inside(truth: Mapping[str, Any], times: Sequence[float]) -> Times:
    beats = np.sort(np.asarray(truth["beats"], np.float64))
    row = np.sort(np.asarray(times, np.float64))
    for start, end in truth.get("silences", ()):
        row = row[(row < start - _EDGE_S) | (row > end - _EDGE_S)]
    return np.asarray(row[(row > beats[0] - _EDGE_S) & (row < beats[-1] + _EDGE_S)], np.float64)


def _beat_scores(true: Times, found: Times) -> Scores:
    scores = {
        "beat_f": float(mir_eval.beat.f_measure(true, found)),
        "beat_f20": float(mir_eval.beat.f_measure(true, found, 0.02)),
        "cmlt": 0.0,
        "amlt": 0.0,
    }
    if len(found) >= _FEW:
        _, scores["cmlt"], _, scores["amlt"] = (float(value) for value in mir_eval.beat.continuity(true, found))
        apart = found[np.abs(found[None] - true[:, None]).argmin(axis=1)] - true
        near = apart[np.abs(apart) <= _NEAR_S]
        if len(near):
            scores["bias_ms"] = 1000 * float(np.median(near))
    return scores


def _section_scores(truth: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> Scores:
    true, true_letters = _intervals(truth["sections"], truth["duration"])
    found, letters = _intervals(sections, truth["duration"])
    return {
        "boundary_05": float(mir_eval.segment.detection(true, found, 0.5, trim=True)[2]),
        "boundary_3": float(mir_eval.segment.detection(true, found, 3.0, trim=True)[2]),
        "pairwise": float(mir_eval.segment.pairwise(true, true_letters, found, letters)[2]),
    }


def _intervals(sections: Sequence[Mapping[str, Any]], duration_s: float) -> tuple[Times, list[str]]:
    rows = np.array([[section["start"], section["end"]] for section in sections], np.float64)
    letters = [str(section.get("letter", section.get("label"))) for section in sections]
    intervals, names = mir_eval.util.adjust_intervals(rows, letters, 0, duration_s)
    return np.asarray(intervals, np.float64), list(names)
