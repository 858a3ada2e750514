"""What joining segments costs in quality and size, and what the presets give.

usage: python -m benchmarks.quality [--size 720p|1080p] [--shots N] [--presets] [--work DIR] [--json]

The pictures of the first shots of `benchmarks.compose`'s film are kept without loss. They are encoded once as a whole,
by one pass with the same x264 settings and the same keyframes, and as segments that are joined; VMAF of both is
measured against the pictures themselves, so that decoding and scaling have no part in it.

vmaf_difference   joined minus whole, in points of the mean and of the lowest hundredth of the pictures
size_ratio        bytes of the joined film's pictures over the whole's

With --presets each preset of each codec: CPU seconds over those of H.264's standard, VMAF, megabytes a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.compose import spec_of
from benchmarks.compose_film import TAG_OPTIONS, Film, make_clips, make_song, plan_film, run
from benchmarks.compose_ways import cpu_s, encode_shots, join, shot_pictures
from tasks.domain.segment import Codec, Preset, SegmentSpec
from tasks.media.encode import encode_segment
from tasks.media.encoders import can_encode, x264_options
from tasks.media.ffmpeg import locate
from tasks.media.frames import I420

Figures = dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("720p", "1080p"), default="720p")
    parser.add_argument("--shots", type=int, default=6)
    parser.add_argument("--presets", action="store_true")
    parser.add_argument("--work", type=Path, help="keep the clips here")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    ffmpeg = locate()
    with tempfile.TemporaryDirectory() as text:
        folder = arguments.work or Path(text)
        folder.mkdir(parents=True, exist_ok=True)
        clips, song = make_clips(folder, ffmpeg), make_song(folder, ffmpeg)
        found: Figures = {"size": arguments.size}
        for preset in ("veryfast", "medium"):
            film = plan_film(clips, song, spec_of(arguments.size, preset)).first(arguments.shots)
            truth = _kept(film, folder, ffmpeg)
            found[preset] = _joined_against_whole(film, truth, folder, ffmpeg)
        if arguments.presets:
            found["presets"] = _presets(film, truth, folder, ffmpeg)
    if arguments.json:
        print(json.dumps({"schema": 1, **found}))
    else:
        print("\n".join(f"{name:10} {value}" for name, value in _lines(found)))


def _lines(found: Figures) -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        if name == "presets":
            yield from (("", row) for row in value)
        else:
            yield name, value


def _pictures(film: Film, ffmpeg: str) -> Iterator[I420]:
    shots = zip(film.clips, film.plans, strict=True)
    return chain.from_iterable(shot_pictures(clip, plan, film.spec, ffmpeg, is_proven=True) for clip, plan in shots)


def _kept(film: Film, folder: Path, ffmpeg: str) -> Path:
    """Keep the film's pictures without loss."""
    spec, path = film.spec, folder / "truth.mkv"
    form = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{spec.width}x{spec.height}", "-r", str(spec.frame_rate)]
    lossless = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", *TAG_OPTIONS, str(path)]
    command = [ffmpeg, "-v", "error", "-y", *form, "-color_range", "tv", "-colorspace", "bt709", "-i", "-", *lossless]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        for picture in _pictures(film, ffmpeg):
            for plane in (picture.y, picture.u, picture.v):
                writer.stdin.write(np.ascontiguousarray(plane).tobytes())
        writer.stdin.close()
        assert writer.wait() == 0
    return path


def _joined_against_whole(film: Film, truth: Path, folder: Path, ffmpeg: str) -> Figures:
    whole = folder / "whole.mp4"
    cuts = ",".join(f"{float(Fraction(plan.frames.start) / film.spec.frame_rate):.6f}" for plan in film.plans)
    options = [word for name, value in x264_options(film.spec).items() for word in (f"-{name}", value)]
    coding = ["-c:v", "libx264", "-threads", "1", *options, "-force_key_frames", cuts, *TAG_OPTIONS, str(whole)]
    run([ffmpeg, "-v", "error", "-y", "-i", str(truth), *coding])
    encode_shots(film, folder, ffmpeg, is_proven=True)
    joined = join(film, folder)
    scores = [_vmaf(path, truth, folder, ffmpeg) for path in (joined, whole)]
    sizes = [_picture_bytes(path) for path in (joined, whole)]
    return {
        "vmaf": scores[0][0],
        "vmaf_difference": [round(ours - theirs, 3) for ours, theirs in zip(*scores, strict=True)],
        "size_ratio": round(sizes[0] / sizes[1], 4),
    }


def _presets(film: Film, truth: Path, folder: Path, ffmpeg: str) -> list[Figures]:
    size, rate = (film.spec.width, film.spec.height), film.spec.frame_rate
    pictures = [I420(*(np.array(plane) for plane in (p.y, p.u, p.v))) for p in _pictures(film.first(2), ffmpeg)]
    minutes = len(pictures) / float(rate) / 60
    rows: list[Figures] = []
    for codec in (codec for codec in Codec if can_encode(codec)):
        for preset in Preset:
            path, spec = folder / "preset.mp4", SegmentSpec.for_preset(preset, size, rate, codec)
            seconds = cpu_s(lambda s=spec, p=path: encode_segment(iter(pictures), s, p))  # type: ignore[misc]
            megabytes = round(_picture_bytes(path) / minutes / 1e6, 1)
            vmaf = _vmaf(path, truth, folder, ffmpeg)
            row = {
                "codec": codec.value,
                "preset": preset.value,
                "cpu_s": seconds,
                "vmaf": vmaf,
                "mb_per_min": megabytes,
            }
            rows.append(row)
    usual = next(row["cpu_s"] for row in rows if (row["codec"], row["preset"]) == ("h264", "standard"))
    return [{**row, "cpu_s": round(row["cpu_s"], 2), "cpu_ratio": round(row["cpu_s"] / usual, 2)} for row in rows]


def _vmaf(path: Path, truth: Path, folder: Path, ffmpeg: str) -> tuple[float, float]:
    """Give the mean of VMAF and its lowest hundredth, over the pictures that both have."""
    log = folder / "vmaf.json"
    graph = (
        f"[0:v]settb=AVTB,setpts=N[a];[1:v]settb=AVTB,setpts=N[b];[a][b]libvmaf=log_fmt=json:log_path={log}:shortest=1"
    )
    run([ffmpeg, "-v", "error", "-i", str(path), "-i", str(truth), "-lavfi", graph, "-f", "null", "-"])
    scores = [frame["metrics"]["vmaf"] for frame in json.loads(log.read_text())["frames"]]
    return round(float(np.mean(scores)), 3), round(float(np.percentile(scores, 1)), 3)


def _picture_bytes(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(packet.size for packet in container.demux(container.streams.video[0]))


if __name__ == "__main__":
    main()
