"""Films made outside: by ffmpeg's own sources, filters and muxers, with nothing of ours in the way."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import soundfile

from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline
from tasks.domain.transition import Transition
from tasks.media.ffmpeg import locate
from tests.support.films import SOUND_RATE, melody

Piece = tuple[int, int, int]
"""A shot, and the half-open range of its own pictures."""

RATE = 30
CUTS = (0, 31, 52, 88, 120, 143, 180)
EARLIER = 5
"""The first picture of its shot that a piece of a clean film shows."""

CLEAN: tuple[Piece, ...] = tuple(
    (shot, EARLIER, EARLIER + end - start) for shot, (start, end) in enumerate(pairwise(CUTS))
)

_SIZE = "160x90"
_COLOURS = "c0=0xd03020:c1=0x20b040:c2=0x2040d0:c3=0xe0c030:c4=0x802080"  # without them they are drawn by lot
_SHOTS = (
    f"testsrc2=s={_SIZE}:r=30",
    f"mandelbrot=s={_SIZE}:r=30:maxiter=300:start_scale=0.4:end_scale=0.05:end_pts=200",
    f"testsrc2=s={_SIZE}:r=30,hue=h=140,hflip",
    f"gradients=s={_SIZE}:r=30:speed=0.08:seed=3:n=5:{_COLOURS},hue=s=2",
    f"testsrc2=s={_SIZE}:r=30,negate,vflip",
    f"mandelbrot=s={_SIZE}:r=30:maxiter=300:start_scale=3:end_scale=0.6:end_pts=200,hue=h=90",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is made: its pieces in order, what is done to all pictures and to the sound, and how it is written."""

    pieces: Sequence[Piece] = CLEAN
    pictures: str = "null"
    sound: str | None = "anull"
    output: Sequence[str] = ("-fps_mode", "cfr", "-r", "30")
    suffix: str = ".mp4"


def write_song(folder: Path, seconds: float = CUTS[-1] / RATE) -> Path:
    path = folder / "song.wav"
    soundfile.write(path, melody(seconds), SOUND_RATE, subtype="PCM_16")
    return path


def make(folder: Path, song: Path, film: Outside) -> Path:
    """Let ffmpeg make the film."""
    parts = [
        f"{_SHOTS[shot]},format=yuv420p,trim=start_frame={start}:end_frame={end},setpts=N/30/TB[p{n}]"
        for n, (shot, start, end) in enumerate(film.pieces)
    ]
    joined = "".join(f"[p{n}]" for n in range(len(parts))) + f"concat=n={len(parts)}:v=1:a=0,{film.pictures}[v]"
    heard = [] if film.sound is None else [f"[0:a]{film.sound}[a]"]
    maps = ["-map", "[v]", *([] if film.sound is None else ["-map", "[a]", "-c:a", "aac", "-b:a", "192k"])]
    path = folder / f"outside{film.suffix}"
    command = [
        *(locate(), "-v", "error", "-y", "-i", str(song), "-filter_complex", ";".join([*parts, joined, *heard])),
        *(*maps, "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-threads", "1"),
        *(*film.output, str(path)),
    ]
    subprocess.run(command, check=True)
    return path


def planned(cuts: Sequence[int] = CUTS, transitions: dict[int, Transition] | None = None) -> Timeline:
    """Plan cuts at ``cuts``, each on a beat of its own; ``transitions`` by the frame that they begin at."""
    return Timeline(
        frame_rate=Fraction(RATE),
        window=None,
        shots=tuple(
            Shot(
                index=index,
                frames=FrameRange(start, end),
                beat_s=start / RATE + 0.003 if index else None,
                section="",
                reason="",
                transition=(transitions or {}).get(start),
            )
            for index, (start, end) in enumerate(pairwise(cuts))
        ),
    )
