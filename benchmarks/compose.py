"""What composing a film costs beside one encode of the same frames, beside other programs, and after one change.

usage: python -m benchmarks.compose [--size 720p|1080p] [--preset veryfast|medium] [--rounds N] [--pairs N]
       [--other-shots N] [--peers PYTHON] [--work DIR] [--json]

A film of 60 s is cut from 24 clips of mixed size and rate, which are made first (into DIR, and found there again). CPU
is user and system time of this process and of all that it starts; everything is loaded before anything is measured.

ratio_to_one_encode   encode, join and mux over one ffmpeg pass that decodes, scales and encodes the same frames with
                      the same x264 settings and keyframes: with the guarded child, and (``_proven``) in this process.
                      Rounds are interleaved; each ratio is of one round, and the median is given
ray_daemon_ratio      what Ray's own processes use for one film, over the same pass; 0 pairs leave it out
verify_ratio          measuring the finished film as `vibecraft verify` does, over the same pass
ratio_to_original     the public original's chain (``compose_ways.original``) over ours at medium, per output frame,
                      on the first shots
ratio_to_moviepy      moviepy, from the interpreter PYTHON that has it, over ours on the same shots; null without
recompose_fraction    one shot changed: its encode, join and mux over the whole; of the mean shot, and of the longest
join_mux_fraction     join and mux over the whole, the song's AAC copied; sound_fraction: encoding it as AAC instead
makespan2_fraction    time on two workers over that on one, computed from the CPU of each shot, longest first;
                      makespan2_measured: the median of interleaved pairs on Ray
memory_ratio          peak memory of encoding a shot and joining a film four times as long, over that of the film
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks import compose_ways as ways
from benchmarks.compose_film import CRF, Film, make_clips, make_song, plan_film
from benchmarks.compose_memory import measured as memory_measured
from benchmarks.compose_ray import pairs_on_ray
from tasks.domain.segment import SegmentSpec
from tasks.domain.timeline import Shot, Timeline
from tasks.media.ffmpeg import locate
from tasks.media.verify import verify

_SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
_RATE = Fraction(30)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=_SIZES, default="720p")
    parser.add_argument("--preset", choices=("veryfast", "medium"), default="veryfast")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=5, help="of films on Ray, on one worker and on two")
    parser.add_argument("--other-shots", type=int, default=6, help="of the film that other programs make")
    parser.add_argument("--peers", default=sys.executable, help="an interpreter that has moviepy")
    parser.add_argument("--work", type=Path, help="keep the clips here")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = arguments.work or Path(text)
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(folder, arguments)
    if arguments.json:
        print(json.dumps({"schema": 1, **found}))
    else:
        print("\n".join(f"{name:22} {value}" for name, value in found.items()))


def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure everything that was asked for."""
    ffmpeg = locate()
    clips, song = make_clips(folder, ffmpeg), make_song(folder, ffmpeg)
    film = plan_film(clips, song, spec_of(arguments.size, arguments.preset))
    ways.encode_shots(film.first(1), folder, ffmpeg, is_proven=False)  # loads everything
    found: dict[str, Any] = {"size": arguments.size, "preset": arguments.preset, "frames": film.frames}
    rounds = [_round(film, folder, ffmpeg) for _ in range(arguments.rounds)]
    found |= _summary(rounds)
    floor = statistics.median(each["one_encode"] for each in rounds)
    found["verify_ratio"] = round(ways.cpu_s(lambda: _verify(film, folder, ffmpeg)) / floor, 3)
    pcm = ways.decoded_song(film, folder, ffmpeg)
    sound = ways.cpu_s(lambda: ways.join(film, folder, pcm=pcm)) - rounds[-1]["join"]
    found["sound_fraction"] = round(max(0.0, sound) / sum(rounds[-1]["shots"]), 4)
    found |= memory_measured(film, folder, ffmpeg)
    if arguments.pairs:
        on_ray = pairs_on_ray(film, folder, ffmpeg, arguments.pairs)
        found |= {**on_ray, "ray_daemon_ratio": round(on_ray["daemon_cpu_s"] / floor, 3)}
    return found | _others(film, folder, ffmpeg, arguments)


def spec_of(size: str, preset: str) -> SegmentSpec:
    """Give the form that is measured: crf 23 and a keyframe at least every two seconds."""
    width, height = _SIZES[size]
    return SegmentSpec(width=width, height=height, frame_rate=_RATE, preset=preset, crf=CRF, gop=2 * int(_RATE))


def _round(film: Film, folder: Path, ffmpeg: str) -> dict[str, Any]:
    one = ways.cpu_s(lambda: ways.one_encode(film, folder / "one.mp4", ffmpeg))
    proven = sum(ways.encode_shots(film, folder, ffmpeg, is_proven=True))
    shots = ways.encode_shots(film, folder, ffmpeg, is_proven=False)
    join = ways.cpu_s(lambda: ways.join(film, folder))
    return {"one_encode": one, "shots": shots, "proven": proven, "join": join}


def _summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    def median_of(ratio: Callable[[dict[str, Any]], float]) -> float:
        return round(statistics.median(ratio(each) for each in rounds), 4)

    return {
        "one_encode_cpu_s": median_of(lambda each: each["one_encode"]),
        "ratio_to_one_encode": median_of(lambda each: _whole(each) / each["one_encode"]),
        "ratio_to_one_encode_proven": median_of(lambda each: (each["proven"] + each["join"]) / each["one_encode"]),
        "recompose_fraction": median_of(lambda each: (statistics.mean(each["shots"]) + each["join"]) / _whole(each)),
        "recompose_fraction_longest": median_of(lambda each: (max(each["shots"]) + each["join"]) / _whole(each)),
        "join_mux_fraction": median_of(lambda each: each["join"] / _whole(each)),
        "makespan2_fraction": median_of(lambda each: (_two_workers(each["shots"]) + each["join"]) / _whole(each)),
    }


def _whole(each: dict[str, Any]) -> float:
    return float(sum(each["shots"]) + each["join"])


def _two_workers(shots: list[float]) -> float:
    """Give the time of two workers that take the longest shot left."""
    busy = [0.0, 0.0]
    for shot in sorted(shots, reverse=True):
        busy[busy.index(min(busy))] += shot
    return max(busy)


def _verify(film: Film, folder: Path, ffmpeg: str) -> None:
    shots = tuple(Shot(index=plan.index, frames=plan.frames, beat_s=None, section="", reason="") for plan in film.plans)
    timeline = Timeline(frame_rate=film.spec.frame_rate, shots=shots, window=None)
    verify(folder / "film.mp4", film.song, ffmpeg=ffmpeg, timeline=timeline)


def _others(film: Film, folder: Path, ffmpeg: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare with other programs on the first shots, ours at the preset that each of them uses."""
    if not arguments.other_shots:
        return {}
    part = film.first(arguments.other_shots)
    medium = plan_film(film.clips, film.song, spec_of(arguments.size, "medium")).first(arguments.other_shots)
    ours = {each.spec.preset: _ours(each, folder, ffmpeg) / each.frames for each in (part, medium)}
    frames = 0

    def original() -> None:
        nonlocal frames
        frames = ways.original(part, folder, ffmpeg)

    theirs = ways.cpu_s(original)
    found: dict[str, Any] = {
        "other_frames": part.frames,
        "ratio_to_original": round(theirs / frames / ours["medium"], 2),
        "ratio_to_moviepy": None,
    }
    has_moviepy = subprocess.run([arguments.peers, "-c", "import moviepy"], capture_output=True, check=False)
    if has_moviepy.returncode == 0:
        seconds = ways.cpu_s(lambda: ways.moviepy(part, folder, arguments.peers))
        found["ratio_to_moviepy"] = round(seconds / part.frames / ours[arguments.preset], 2)
    return found


def _ours(film: Film, folder: Path, ffmpeg: str) -> float:
    return sum(ways.encode_shots(film, folder, ffmpeg, is_proven=False)) + ways.cpu_s(lambda: ways.join(film, folder))


if __name__ == "__main__":
    main()
