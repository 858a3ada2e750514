"""Whether the memory that composing takes depends on the film's length.

usage: python -m benchmarks.compose_memory TIMES SEGMENT... SONG OUT
"""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.compose_film import Film, run
from benchmarks.compose_ways import segment_paths
from tasks.domain.segment import SegmentSpec
from tasks.media.encode import encode_segment
from tasks.media.frames import I420
from tasks.media.mux import assemble
from tasks.media.sound import Sound

_LONGER = 4
_FRAMES = 60


def measured(film: Film, folder: Path, ffmpeg: str) -> dict[str, Any]:
    """Join the film, and one of four times its length, each in a process of its own that encodes a shot first."""
    long_song = folder / "long.m4a"
    repeated = [ffmpeg, "-v", "error", "-y", "-stream_loop", str(_LONGER - 1), "-i", str(film.song)]
    run([*repeated, "-c", "copy", str(long_song)])
    peaks = []
    for times, song in ((1, film.song), (_LONGER, long_song)):
        size = [str(film.spec.width), str(film.spec.height), film.spec.preset]
        command = [sys.executable, "-m", "benchmarks.compose_memory", str(times), *size]
        command += [*map(str, segment_paths(film, folder)), str(song), str(folder / "memory.mp4")]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return {"peak_mb": round(peaks[0] / 1024), "memory_ratio": round(peaks[1] / peaks[0], 3)}


def main() -> None:
    """Print this process's peak in KiB after an encode and a join."""
    times, width, height, preset, *paths = sys.argv[1:]
    *segments, song, out = map(Path, paths)
    spec = SegmentSpec(width=int(width), height=int(height), frame_rate=Fraction(30), preset=preset, crf=23, gop=60)
    picture = I420.empty(spec.width, spec.height)
    for plane in (picture.y, picture.u, picture.v):
        plane[:] = 128
    encode_segment((picture for _ in range(_FRAMES)), spec, out)
    assemble(segments * int(times), spec, Sound(pcm=song, original=song, window=None), out)
    print(_peak_kb())


def _peak_kb() -> int:
    """Give this process's own peak; what getrusage tells begins with that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
