"""The film that `benchmarks.compose` makes: clips of mixed size and rate, cut into shots, with a song."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from tasks.domain.clip import ClipShot
from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.timebase import FrameRange, frame_count

SHOTS, SECONDS = 24, 60
CRF = 23
_SIZES = ("1280x720", "864x480", "1024x576", "720x1280")
_RATES = ("24", "25", "30")
_SPARE_S = 0.5
_COLOURS = "c0=0x1b998b:c1=0xf46036:c2=0x2e294e:c3=0xe71d36:c4=0xc5d86d:c5=0x7d8cc4"  # ffmpeg draws others by lot
_SOURCES = (
    "testsrc2=size={size}:rate={rate},hue=h={turn}",
    "mandelbrot=size={size}:rate={rate}:maxiter=120:start_scale=0.{digit},hue=h={turn}",
    f"gradients=size={{size}}:rate={{rate}}:n=6:seed={{seed}}:speed=0.05:type=spiral:{_COLOURS}",
    "life=size={size}:rate={rate}:mold=12:seed={seed}:life_color=0x88ffaa:death_color=0x203050,gblur=2,hue=h={turn}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What is composed: ``clips[n]`` is the footage of ``plans[n]``."""

    spec: SegmentSpec
    plans: tuple[SegmentPlan, ...]
    clips: tuple[Path, ...]
    song: Path

    @property
    def frames(self) -> int:
        """Length of the film in frames."""
        return self.plans[-1].frames.end

    def first(self, shots: int) -> Film:
        """Give the film of the first ``shots`` shots alone."""
        return Film(spec=self.spec, plans=self.plans[:shots], clips=self.clips[:shots], song=self.song)


def bounds_of(frame_rate: Fraction, shots: int = SHOTS, seconds: int = SECONDS) -> list[int]:
    """Cut ``seconds`` into shots of 0.75 to 1.25 times their mean length."""
    shares = np.random.default_rng(24).uniform(0.75, 1.25, shots)
    ends = np.cumsum(shares) / shares.sum()
    total = frame_count(Fraction(seconds), frame_rate)
    return [0, *(round(end * total) for end in ends[:-1]), total]


def make_clips(folder: Path, ffmpeg: str) -> tuple[Path, ...]:
    """Make the footage: synthetic scenes with grain, each a little longer than its shot."""
    bounds = bounds_of(Fraction(30))
    clips = []
    for shot in range(SHOTS):
        clip = folder / f"clip{shot:02}.mp4"
        size, rate = _SIZES[shot % len(_SIZES)], _RATES[shot % len(_RATES)]
        scene = _SOURCES[shot * 7 % 5 % len(_SOURCES)].format(
            size=size, rate=rate, turn=shot * 37 % 360, digit=shot % 9 + 1, seed=shot + 1
        )
        seconds = (bounds[shot + 1] - bounds[shot]) / 30 + _SPARE_S
        grain = f"noise=alls={3 if shot % 2 else 1}:allf=t:all_seed={shot + 1}"
        pictures = f"{scene},gblur=sigma=1.2,{grain},format=yuv420p,{TAGS}"
        coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-t", f"{seconds:.3f}"]
        if not clip.exists():
            run([ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", pictures, *coding, *TAG_OPTIONS, str(clip)])
        clips.append(clip)
    return tuple(clips)


TAGS = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
TAG_OPTIONS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")


def make_song(folder: Path, ffmpeg: str) -> Path:
    """Make a song of the film's length in AAC, so that its sound is copied and only pictures cost time."""
    song = folder / "song.m4a"
    tones = (
        f"aevalsrc=0.3*sin(220*PI*t)*exp(-4*mod(t\\,0.5))|0.3*sin(330*PI*t)*exp(-4*mod(t\\,0.5)):d={SECONDS}:s=44100"
    )
    run([ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", tones, "-c:a", "aac", "-b:a", "192k", str(song)])
    return song


def plan_film(clips: tuple[Path, ...], song: Path, spec: SegmentSpec) -> Film:
    """Give every clip its shot, from its beginning, without effects: the pictures of the one encode beside it."""
    bounds = bounds_of(spec.frame_rate)
    plans = []
    for index, clip in enumerate(clips):
        frames = FrameRange(bounds[index], bounds[index + 1])
        length_s = len(frames) / spec.frame_rate
        shot = ClipShot(content_key=clip.name, start_s=Fraction(0), length_s=length_s)
        source = Source(kind=SourceKind.CLIP, settings=shot.to_json(), frames=FrameRange(0, len(frames)))
        plans.append(SegmentPlan(index=index, shot=index, frames=frames, source=source))
    return Film(spec=spec, plans=tuple(plans), clips=clips, song=song)


def run(command: list[str]) -> None:
    """Run a program to its end; `CalledProcessError` if it fails."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
