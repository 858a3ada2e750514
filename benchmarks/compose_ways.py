"""The ways to compose one film that `benchmarks.compose` measures, each in CPU seconds (user and system).

What other programs do stands here as command lines of our own, from descriptions and not from their source.
"""

from __future__ import annotations

import resource
import textwrap
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import soundfile

from benchmarks.compose_film import TAG_OPTIONS, TAGS, Film, run
from tasks.domain.clip import ClipShot
from tasks.domain.segment import SegmentPlan, SegmentSpec
from tasks.media.clip.source import ClipSource
from tasks.media.effects import apply_effects
from tasks.media.encode import encode_segment
from tasks.media.encoders import x264_options
from tasks.media.frames import I420
from tasks.media.mux import assemble
from tasks.media.sound import Sound

ORIGINAL_RATE = 24
_QUIET = ("-nostdin", "-v", "error", "-y")
_FADE = "eq=brightness=0.1:enable='lt(mod(t,2),0.04)'"


def cpu_s(act: Callable[[], object]) -> float:
    """Give the CPU seconds of this process and of children that ended meanwhile."""
    before = _spent()
    act()
    return _spent() - before


def _spent() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def encode_shot(clip: Path, plan: SegmentPlan, spec: SegmentSpec, path: Path, ffmpeg: str, *, is_proven: bool) -> int:
    """Encode one shot as the product does: the clip's pictures, effects (here none), one encode."""
    pictures = shot_pictures(clip, plan, spec, ffmpeg, is_proven=is_proven)
    return encode_segment(apply_effects(pictures, plan.effects, plan.frames.start), spec, path)


def shot_pictures(clip: Path, plan: SegmentPlan, spec: SegmentSpec, ffmpeg: str, *, is_proven: bool) -> Iterator[I420]:
    """Give the pictures of one shot in the film's form."""
    shot = ClipShot.from_json(plan.source.settings)
    size = (spec.width, spec.height)
    source = ClipSource(clip, shot, size=size, frame_rate=spec.frame_rate, ffmpeg=ffmpeg, is_proven=is_proven)
    return source.frames(plan.source.frames.start, plan.source.frames.end)


def segment_paths(film: Film, folder: Path) -> list[Path]:
    """Say where the segments of ``film`` are."""
    return [folder / f"segment{plan.index:02}.mp4" for plan in film.plans]


def encode_shots(film: Film, folder: Path, ffmpeg: str, *, is_proven: bool) -> list[float]:
    """Encode every shot and give the CPU seconds of each."""
    return [
        cpu_s(lambda c=clip, p=plan, to=path: encode_shot(c, p, film.spec, to, ffmpeg, is_proven=is_proven))  # type: ignore[misc]
        for clip, plan, path in zip(film.clips, film.plans, segment_paths(film, folder), strict=True)
    ]


def join(film: Film, folder: Path, *, pcm: Path | None = None) -> Path:
    """Join the segments and mux the song, copied, or encoded where ``pcm`` is given."""
    out = folder / "film.mp4"
    sound = Sound(pcm=pcm or film.song, original=None if pcm else film.song, window=None)
    assemble(segment_paths(film, folder), film.spec, sound, out)
    return out


def decoded_song(film: Film, folder: Path, ffmpeg: str) -> Path:
    """Decode the song to FLAC, as it is kept after it was heard."""
    pcm = folder / "song.flac"
    run([ffmpeg, *_QUIET, "-i", str(film.song), "-c:a", "flac", "-sample_fmt", "s16", str(pcm)])
    assert soundfile.info(str(pcm)).frames
    return pcm


def one_encode(film: Film, out: Path, ffmpeg: str) -> None:
    """Decode, scale, cut and encode all shots in one pass of one program, with the same options and keyframes."""
    spec = film.spec
    command = [ffmpeg, *_QUIET]
    chains = []
    for index, (clip, plan) in enumerate(zip(film.clips, film.plans, strict=True)):
        command += ["-threads", "1", "-i", str(clip)]
        chains.append(f"[{index}:v]{_formed(spec)},trim=end_frame={len(plan.frames)},setpts=PTS-STARTPTS[s{index}]")
    joined = "".join(f"[s{index}]" for index in range(len(film.plans)))
    graph = ";".join([*chains, f"{joined}concat=n={len(film.plans)}[v]"])
    cuts = ",".join(f"{float(Fraction(plan.frames.start) / spec.frame_rate):.6f}" for plan in film.plans)
    command += ["-i", str(film.song), "-filter_complex_threads", "1", "-filter_complex", graph, "-map", "[v]"]
    command += ["-map", f"{len(film.clips)}:a", "-c:a", "copy", "-c:v", "libx264", "-threads", "1"]
    command += [word for name, value in x264_options(spec).items() for word in (f"-{name}", value)]
    command += ["-force_key_frames", cuts, *TAG_OPTIONS, "-movflags", "+faststart", str(out)]
    run(command)


def _formed(spec: SegmentSpec) -> str:
    """Write the filters that bring a clip to the film's form: the same work as our chain does."""
    cover = f"scale={spec.width}:{spec.height}:force_original_aspect_ratio=increase:flags=bicubic+accurate_rnd"
    crop = f"crop={spec.width}:{spec.height},setsar=1"
    return f"{TAGS},{cover},{crop},fps={spec.frame_rate}:start_time=0,format=yuv420p"


def original(film: Film, folder: Path, ffmpeg: str) -> int:
    """Compose as the public original does, and give the number of frames that come out.

    Every picture is encoded five times, each time by x264 at its defaults (medium, crf 23), at 24 frames a second: each
    clip is brought to the form; the clips are joined; the whole is cut to the song; every fourth beat gets its effect;
    pictures and sound are muxed.
    """
    size = f"{film.spec.width}:{film.spec.height}"
    pad = f"scale={size}:force_original_aspect_ratio=decrease,pad={size}:(ow-iw)/2:(oh-ih)/2,fps={ORIGINAL_RATE}"
    coding = ("-c:v", "libx264", "-preset", "medium", "-crf", "23", "-threads", "1")
    listed = []
    for index, (clip, plan) in enumerate(zip(film.clips, film.plans, strict=True)):
        form = folder / f"form{index:02}.mp4"
        seconds = f"{float(Fraction(len(plan.frames)) / film.spec.frame_rate):.3f}"
        run([ffmpeg, *_QUIET, "-i", str(clip), "-t", seconds, "-vf", pad, "-an", *coding, str(form)])
        listed.append(f"file '{form}'\n")
    names, parts = folder / "names.txt", [folder / f"stage{stage}.mp4" for stage in range(4)]
    names.write_text("".join(listed))
    seconds = f"{float(Fraction(film.frames) / film.spec.frame_rate):.3f}"
    run([ffmpeg, *_QUIET, "-f", "concat", "-safe", "0", "-i", str(names), *coding, "-an", str(parts[0])])
    run([ffmpeg, *_QUIET, "-i", str(parts[0]), "-t", seconds, *coding, str(parts[1])])
    run([ffmpeg, *_QUIET, "-i", str(parts[1]), "-vf", _FADE, *coding, str(parts[2])])
    sound = ("-map", "0:v", "-map", "1:a", "-c:a", "aac", "-b:a", "192k", "-t", seconds)
    run([ffmpeg, *_QUIET, "-i", str(parts[2]), "-i", str(film.song), *sound, *coding, str(parts[3])])
    return round(Fraction(film.frames) / film.spec.frame_rate * ORIGINAL_RATE)


def moviepy(film: Film, folder: Path, python: str) -> None:
    """Compose with moviepy, in a process of its own of the given interpreter: its usual calls, the same x264 preset."""
    shots = [
        (str(clip), float(Fraction(len(plan.frames)) / film.spec.frame_rate))
        for clip, plan in zip(film.clips, film.plans, strict=True)
    ]
    script = textwrap.dedent(f"""
        from moviepy import AudioFileClip, VideoFileClip, concatenate_videoclips
        shots = {shots!r}
        size = ({film.spec.width}, {film.spec.height})
        clips = [VideoFileClip(path).subclipped(0, seconds).resized(size) for path, seconds in shots]
        film = concatenate_videoclips(clips)
        film = film.with_audio(AudioFileClip({str(film.song)!r}).subclipped(0, film.duration))
        film.write_videofile({str(folder / "moviepy.mp4")!r}, fps={float(film.spec.frame_rate)}, codec="libx264",
            preset={film.spec.preset!r}, audio_codec="aac", threads=1, logger=None,
            ffmpeg_params=["-crf", "{film.spec.crf}"])
    """)
    run([python, "-c", script])
