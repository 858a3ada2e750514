"""How well songs are heard, and at what cost.

usage: python -m benchmarks.analysis [--count N] [--seed N] [--data DIR ...] [--peers PYTHON] [--json]

Songs are made by `benchmarks.songs` (none with the seeds below 3000, which the weights may have learnt from), or are
those of each DIR: sound files and beside each its truth, as `benchmarks.truth` reads them. Beside what is shipped
stands librosa's usual chain (beat_track, CQT chroma and MFCC, agglomerative segments), and with ``--peers`` whatever
of madmom, essentia, aubio and MSAF the given interpreter can import; they run as a program of their own.

Every score is the mean over the songs with its 95 % interval (bootstrap over songs). CPU is in seconds per minute of
sound, of this process and its children: first without decoding, then the whole over the floor, which is decoding and
one short-time Fourier transform.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import librosa
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from benchmarks.scoring import NAMES, Scores, bootstrap, score
from benchmarks.songs import songs, write
from benchmarks.truth import songs_of
from tasks import audio
from tasks.audio.decode import HEARD_RATE, Decoder, Ear
from tasks.media.ffmpeg import locate
from tasks.media.probe import sound_header

Sound = NDArray[np.float32]
Result = TypeVar("Result")

OURS, LIBROSA = "vibecraft", "librosa"
HELD_SEED = 3000
_MAX_S = 900
_WINDOW, _HOP = 1024, 256
_SECTION_S = 18.0
_SOME_BEATS = 8


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=28, help="songs to make")
    parser.add_argument("--seed", type=int, default=HELD_SEED)
    parser.add_argument("--data", type=Path, action="append", default=[], help="score the songs of a folder instead")
    parser.add_argument("--peers", type=Path, help="an interpreter that has other libraries")
    parser.add_argument("--json", action="store_true", help="print one object, with every song")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.data:
            for samples, truth in songs(arguments.count, arguments.seed):
                write(Path(folder), samples, truth)
        rows = [
            row
            for data in arguments.data or [Path(folder)]
            for path, truth in songs_of(data)
            for row in _rows(path, truth, arguments.peers)
        ]
    print(json.dumps({"schema": 1, "songs": rows, "means": summary(rows)}) if arguments.json else table(rows))


def summary(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give each system's mean and interval of everything that was measured."""
    means: dict[str, dict[str, Any]] = {}
    for system in dict.fromkeys(row["system"] for row in rows):
        means[system] = {"songs": sum(row["system"] == system for row in rows)}
        for key in (*NAMES, "cpu", "ratio"):
            values = [row[key] for row in rows if row["system"] == system and key in row]
            if values:
                means[system][key] = {"mean": float(np.mean(values)), "interval": bootstrap(values)}
    return means


def table(rows: list[dict[str, Any]]) -> str:
    """Write the means as a table in Markdown."""
    means = summary(rows)
    titles = NAMES | {"cpu": "CPU s/min", "ratio": "over the floor"}
    lines = ["| | " + " | ".join(f"{system} ({means[system]['songs']})" for system in means) + " |"]
    lines.append("|---|" + "---|" * len(means))
    for key, title in titles.items():
        cells = [_cell(means[system].get(key)) for system in means]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(found: dict[str, Any] | None) -> str:
    if found is None:
        return "-"
    low, high = found["interval"]
    return f"{found['mean']:.3f} ({low:.2f} to {high:.2f})"


def _rows(path: Path, truth: dict[str, Any], peers: Path | None) -> Iterator[dict[str, Any]]:
    print(truth["name"], file=sys.stderr)
    minutes = truth["duration"] / 60
    ffmpeg = locate()
    heard, decoding = _cost(lambda: _decoded(path, ffmpeg))
    _, transform = _cost(lambda: _transformed(heard))
    analysis, whole = _cost(lambda: audio.analyze(path, ffmpeg=ffmpeg))
    sections = [{"start": part.start_s, "end": part.end_s, "letter": part.cluster} for part in analysis.sections]
    estimate = {
        "beats": [beat.time_s for beat in analysis.beats],
        "downbeats": list(analysis.downbeats),
        "tempo_bpm": analysis.tempo_bpm,
        "sections": sections,
    }
    floor = decoding + transform
    yield _row(OURS, truth, estimate) | {"cpu": (whole - decoding) / minutes, "ratio": whole / floor}
    estimate, cost = _cost(lambda: _by_librosa(heard))
    yield _row(LIBROSA, truth, estimate) | {"cpu": cost / minutes, "ratio": (decoding + cost) / floor}
    if peers is not None:
        for found in _by_peers(peers, path, ffmpeg):
            yield _row(found["system"], truth, found) | {
                "cpu": found["cpu_s"] / minutes,
                "ratio": (decoding + found["cpu_s"]) / floor,
            }


def _by_peers(peers: Path, path: Path, ffmpeg: str) -> Iterator[dict[str, Any]]:
    """Let the peers hear a song; they get it as a WAV, which every one of them reads by itself."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / f"{path.stem}.wav"
        subprocess.run([ffmpeg, "-v", "error", "-i", path, "-ac", "1", "-ar", "44100", wav], check=True)
        # isolated: the program's own folder holds a module named like one of Python's
        command: list[str | Path] = [peers.absolute(), "-I", Path(__file__).with_name("analysis_peers.py"), wav]
        ran = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd=folder)  # MSAF leaves files
    yield from (json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{"))


def _row(system: str, truth: dict[str, Any], estimate: dict[str, Any]) -> dict[str, Any]:
    scores: Scores = score(truth, estimate)
    return {"system": system, "song": truth["name"], **scores}


def _cost(work: Callable[[], Result]) -> tuple[Result, float]:
    """Do something and give its CPU seconds, with those of the children that it waited for."""
    before = _cpu_s()
    result = work()
    return result, _cpu_s() - before


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _decoded(path: Path, ffmpeg: str) -> Sound:
    decoder = Decoder(path, sound_header(path, None), ffmpeg=ffmpeg, max_s=_MAX_S)
    ear = Ear(decoder.sample_rate)
    with closing(decoder.blocks()) as blocks:
        parts = [ear.hear(block) for block in blocks]
    return np.concatenate([*parts, ear.hear(np.zeros((0, decoder.channels), np.float32), last=True)])


def _transformed(heard: Sound) -> None:
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(heard, _WINDOW)[::_HOP]
    for at in range(0, len(frames), 2048):
        np.abs(scipy.fft.rfft(frames[at : at + 2048] * window, axis=1))


def _by_librosa(heard: Sound) -> dict[str, Any]:
    """Let librosa hear a song as its manual does."""
    tempo, frames = librosa.beat.beat_track(y=heard, sr=HEARD_RATE)
    beats = librosa.frames_to_time(frames, sr=HEARD_RATE)
    duration_s = len(heard) / HEARD_RATE
    estimate: dict[str, Any] = {"beats": beats.tolist(), "tempo_bpm": float(np.atleast_1d(tempo)[0]) or None}
    if len(beats) < _SOME_BEATS:
        return estimate
    chroma = librosa.feature.chroma_cqt(y=heard, sr=HEARD_RATE)
    timbre = librosa.feature.mfcc(y=heard, sr=HEARD_RATE, n_mfcc=13)
    rows = np.vstack(
        [librosa.util.sync(rows, frames.tolist()) for rows in (chroma, librosa.util.normalize(timbre, axis=1))]
    )
    count = min(max(2, round(duration_s / _SECTION_S)), rows.shape[1])
    borders = librosa.segment.agglomerative(rows, count)
    edges = np.concatenate(([0.0], beats))[borders]
    edges = np.append(edges, duration_s)
    sections = [
        {"start": float(start), "end": float(end), "letter": str(number)}
        for number, (start, end) in enumerate(pairwise(edges))
    ]
    return estimate | {"sections": sections}


if __name__ == "__main__":
    main()
