"""What other libraries hear in a song: a program for an interpreter that has them, which ours need not have.

usage: PYTHON analysis_peers.py SONG

Prints one JSON object a line for each of madmom, essentia, aubio and MSAF that can be imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from typing import Any

_FRAMES_A_SECOND = 100


def by_madmom(path: str) -> dict[str, Any]:
    """Hear beats and bars by recurrent networks and a bar pointer."""
    downbeats = importlib.import_module("madmom.features.downbeats")
    activations = downbeats.RNNDownBeatProcessor()(path)
    rows = downbeats.DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=_FRAMES_A_SECOND)(activations)
    return {"beats": rows[:, 0].tolist(), "downbeats": rows[rows[:, 1] == 1, 0].tolist()}


def by_essentia(path: str) -> dict[str, Any]:
    """Hear beats by the Degara method."""
    standard = importlib.import_module("essentia.standard")
    sound = standard.MonoLoader(filename=path, sampleRate=44_100)()
    return {"beats": standard.BeatTrackerDegara()(sound).tolist()}


def by_aubio(path: str) -> dict[str, Any]:
    """Hear beats as aubio does by default."""
    aubio = importlib.import_module("aubio")
    source = aubio.source(path, 0, 512)
    tracker = aubio.tempo("default", 1024, 512, source.samplerate)
    beats = []
    while True:
        samples, read = source()
        if tracker(samples):
            beats.append(float(tracker.get_last_s()))
        if read < source.hop_size:
            return {"beats": beats}


def by_msaf(path: str) -> dict[str, Any]:
    """Hear sections by spectral clustering."""
    edges, labels = importlib.import_module("msaf").process(path, boundaries_id="scluster", labels_id="scluster")
    rows = zip(edges[:-1], edges[1:], labels, strict=True)
    return {"sections": [{"start": float(a), "end": float(b), "letter": str(letter)} for a, b, letter in rows]}


PEERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "madmom": by_madmom, "essentia": by_essentia, "aubio": by_aubio, "msaf": by_msaf,
}  # fmt: skip


def main() -> None:
    """Let every peer that is there hear the song."""
    for name, hear in PEERS.items():
        if importlib.util.find_spec(name) is None:
            continue
        importlib.import_module(name)
        started = time.process_time()
        found = hear(sys.argv[1])
        cost = time.process_time() - started
        steps = sorted(b - a for a, b in zip(found.get("beats", ())[:-1], found.get("beats", ())[1:], strict=True))
        if steps:
            found["tempo_bpm"] = 60 / steps[len(steps) // 2]
        print(json.dumps({"system": name, "cpu_s": cost, **found}))


if __name__ == "__main__":
    main()
