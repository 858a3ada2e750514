"""Films with known truth: cuts, motion, grain and sound are computed, and every fault is planted on purpose.

Conventions
-----------
A `Take` says what the plan promises and what the film then shows instead. Pictures are functions of their number in
the plan, so that leaving one out, showing it twice or cutting late changes that alone. The song is no repetition of
itself: notes of random pitch at random times, each with its own place between left and right, and bursts of noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.domain.effect import Effect
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Shot, Timeline, Window
from tasks.domain.transition import Transition
from tasks.media.effects import apply_effects
from tasks.media.frames import I420, Plane
from tasks.media.transitions.kinds import DRAW, Moment

Samples = NDArray[np.float32]

SOUND_RATE = 44_100
_TICKS = 1200  # of the film's clock in one frame of a whole rate
_DARKEST, _BRIGHTEST = 16, 235


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How pictures look: their motion in pixels a frame, their grain, and a flash and a push-in on every cut."""

    width: int = 320
    height: int = 180
    speed: float = 2.0
    grain: float = 0.0
    flash: float = 0.0
    flat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One film: what is planned, and what is done to it.

    Attributes
    ----------
    lengths : tuple of int
        Frames of each planned shot.
    shown_lengths : tuple of int, optional
        Frames of each shot of the film, where it differs.
    transition : Transition, optional
        How each shot becomes the next.
    effects : tuple of Effect
        Drawn on the film's frames.
    order : callable
        Alters the numbers of the pictures that the film shows.
    compose : callable
        Alters the song, shape ``(n, channels)``.
    hear : callable
        Alters the sound, shape ``(n, channels)``, that the film carries.
    stamp : callable, optional
        The time of frame k, in seconds; k / frame_rate if not given.
    sound_starts : int
        The time stamp of the first sample, in samples.
    """

    lengths: tuple[int, ...] = (23, 31, 19, 40, 7)
    frame_rate: Fraction = Fraction(30)
    look: Look = Look()
    window: Window | None = None
    song_s: float | None = None
    shown_lengths: tuple[int, ...] | None = None
    transition: Transition | None = None
    effects: tuple[Effect, ...] = ()
    order: Callable[[list[int]], list[int]] = list
    compose: Callable[[Samples], Samples] = lambda samples: samples
    hear: Callable[[Samples], Samples] = lambda samples: samples
    stamp: Callable[[int], Fraction] | None = None
    sound_starts: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a take, and its plan."""

    video: Path
    song: Path
    timeline: Timeline


def shoot(folder: Path, take: Take) -> Made:
    """Write the song and the film of ``take`` into ``folder``."""
    timeline = plan(take)
    window_s = float(Fraction(timeline.frames) / take.frame_rate)
    samples = take.compose(melody(take.song_s or window_s))
    song, video = folder / "song.wav", folder / "film.mp4"
    soundfile.write(song, samples, SOUND_RATE, subtype="PCM_16")
    start, end = (
        (0, len(samples))
        if take.window is None
        else (
            round(take.window.start_s * SOUND_RATE),
            round(take.window.end_s * SOUND_RATE),
        )
    )
    stamp = take.stamp or (lambda k: k / take.frame_rate)
    write_film(video, take, stamp, take.hear(samples[start:end]))
    return Made(video, song, timeline)


def plan(take: Take) -> Timeline:
    """Plan cuts at the take's lengths, each less than half a frame from its beat."""
    rng = np.random.default_rng(5)
    bounds = [0, *accumulate(take.lengths)]
    return Timeline(
        frame_rate=take.frame_rate,
        window=take.window,
        shots=tuple(
            Shot(
                index=index,
                frames=FrameRange(start, end),
                beat_s=float((start + Fraction(rng.uniform(-0.45, 0.45))) / take.frame_rate) if index else None,
                section="verse",
                reason="beat",
                transition=take.transition if index else None,
            )
            for index, (start, end) in enumerate(pairwise(bounds))
        ),
    )


def pictures(take: Take) -> Iterator[I420]:
    """Give the pictures that the film shows, in order; each is good until the next is asked for."""
    yield from apply_effects(_shots(take), take.effects, 0)


def _shots(take: Take) -> Iterator[I420]:
    lengths = take.shown_lengths or take.lengths
    places = [(shot, k) for shot, length in enumerate(lengths) for k in range(length)]
    for number in take.order(list(range(len(places)))):
        shot, k = places[number]
        picture = draw(take.look, shot, k)
        if take.transition is not None and shot and k < take.transition.frames:
            old = draw(take.look, shot - 1, lengths[shot - 1] + k)
            picture = _mixed(old, picture, take.transition, k, number)
        yield picture


def _mixed(old: I420, new: I420, transition: Transition, k: int, frame: int) -> I420:
    target = I420.empty(new.y.shape[1], new.y.shape[0])
    moment = Moment(weight=transition.weight(k), step=1 / (transition.frames + 1), frame=frame)
    DRAW[transition.kind](old, new, target, moment)
    return target


def draw(look: Look, shot: int, k: int) -> I420:
    """Draw picture ``k`` of a shot: a texture of its own that moves, or one flat colour."""
    rng = np.random.default_rng([11, shot])
    size = (look.height, look.width)
    if look.flat:
        half = (look.height // 2, look.width // 2)
        return I420(*(np.full(plane, rng.integers(40, 200), np.uint8) for plane in (size, half, half)))
    angle = rng.uniform(0, 2 * np.pi)
    shift = k * look.speed * np.array([np.cos(angle), np.sin(angle)])
    zoom = 1 + 0.06 * look.flash * np.exp(-k / 3)
    textures = _textures(shot, look.width, look.height)
    light = _moved(textures[0], shift, zoom) + np.float32(90 * look.flash * np.exp(-k / 2.5))
    if look.grain:
        light += np.random.default_rng([13, shot, k]).normal(0, look.grain, size).astype(np.float32)
    u, v = (_moved(texture, shift / 2, zoom) for texture in textures[1:])
    return I420(_byte(light), _byte(u), _byte(v))


@lru_cache(maxsize=4)
def _textures(shot: int, width: int, height: int) -> tuple[NDArray[np.float32], ...]:
    rng = np.random.default_rng([12, shot])
    colours = [_texture(rng, (height // 2, width // 2)) / np.float32(3) + np.float32(85) for _ in "uv"]
    return (_texture(rng, (height, width)), *colours)


def _texture(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    height, width = size
    coarse = rng.uniform(0, 1, (height // 30 + 2, width // 30 + 2)).astype(np.float32)
    fine = rng.uniform(0, 1, (height // 6 + 2, width // 6 + 2)).astype(np.float32)
    texture = 40 + 110 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(texture + 40 * cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _moved(texture: NDArray[np.float32], shift: NDArray[np.float64], zoom: float) -> NDArray[np.float32]:
    height, width = texture.shape
    middle = np.array([width / 2, height / 2])
    matrix = np.column_stack([np.eye(2) * zoom, middle * (1 - zoom) + shift])
    moved = cv2.warpAffine(texture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.float32)


def _byte(plane: NDArray[np.float32]) -> Plane:
    return np.clip(np.rint(plane), _DARKEST, _BRIGHTEST).astype(np.uint8)


def melody(seconds: float, seed: int = 3) -> Samples:
    """Make a stereo song that repeats nothing, shape ``(n, 2)``, in -1..1."""
    rng = np.random.default_rng(seed)
    total = round(seconds * SOUND_RATE)
    sound = np.zeros((total, 2), np.float32)
    at = 0.0
    while at < seconds:
        length = rng.uniform(0.08, 0.5)
        time = np.arange(round(length * SOUND_RATE)) / SOUND_RATE
        if rng.uniform() < 0.3:
            note = rng.normal(0, 0.3, len(time)) * np.exp(-time * 30)
        else:
            note = np.sin(2 * np.pi * 110 * 2 ** (rng.integers(0, 48) / 12) * time) * np.exp(-time * 5)
        place = rng.uniform(0.1, 0.9)
        start = round(at * SOUND_RATE)
        note = note[: total - start]
        sound[start : start + len(note)] += (0.3 * note[:, None] * [1 - place, place]).astype(np.float32)
        at += rng.uniform(0.03, 0.2)
    return sound


def write_film(path: Path, take: Take, stamp: Callable[[int], Fraction], samples: Samples) -> None:
    """Encode the take's pictures by x264 and the sound as AAC into one MP4, its index first."""
    whole = take.frame_rate.denominator == 1
    clock = Fraction(1, take.frame_rate.numerator * (_TICKS if whole else 1))
    options = {"movflags": "+faststart", "video_track_timescale": str(1 / clock)}
    with av.open(str(path), "w", format="mp4", options=options) as film:
        video = film.add_stream("libx264", rate=take.frame_rate, options={"preset": "veryfast", "crf": "21"})
        video.width, video.height, video.pix_fmt = take.look.width, take.look.height, "yuv420p"
        video.codec_context.time_base = clock
        video.codec_context.thread_count = 1
        sound = film.add_stream("aac", rate=SOUND_RATE, layout=_layout(samples))
        sound.bit_rate = 192_000
        for k, picture in enumerate(pictures(take)):
            frame = av.VideoFrame.from_ndarray(_joined(picture), format="yuv420p")
            frame.pts, frame.time_base = round(stamp(k) / clock), clock
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        planar = np.ascontiguousarray(samples.T, np.float32)
        block = av.AudioFrame.from_ndarray(planar, format="fltp", layout=_layout(samples))
        block.sample_rate, block.pts = SOUND_RATE, take.sound_starts
        film.mux(sound.encode(block))
        film.mux(sound.encode(None))


def _layout(samples: Samples) -> str:
    return "mono" if samples.shape[1] == 1 else "stereo"


def _joined(picture: I420) -> Plane:
    return np.concatenate([plane.reshape(-1, picture.y.shape[1]) for plane in (picture.y, picture.u, picture.v)])


def damage(path: Path, frame: int, count: int = 120) -> None:
    """Overwrite ``count`` bytes inside the packet that holds picture ``frame`` in decoding order."""
    with av.open(str(path)) as film:
        packets = [packet for packet in film.demux(film.streams.video[0]) if packet.size]
        position, size = packets[frame].pos, packets[frame].size
    assert position is not None
    data = bytearray(path.read_bytes())
    count = min(count, size - 40)
    data[position + 20 : position + 20 + count] = np.random.default_rng(1).bytes(count)
    path.write_bytes(data)


def delayed(seconds: float) -> Callable[[Samples], Samples]:
    """Make the sound come later by ``seconds``; earlier where they are negative."""
    shift = round(seconds * SOUND_RATE)

    def late(samples: Samples) -> Samples:
        silence = np.zeros((abs(shift), samples.shape[1]), np.float32)
        if shift >= 0:
            return np.concatenate([silence, samples[: len(samples) - shift]])
        return np.concatenate([samples[-shift:], silence])

    return late


def shown_in_order(*, drop: Sequence[int] = (), double: Sequence[int] = ()) -> Callable[[list[int]], list[int]]:
    """Leave pictures out, and show others twice."""

    def altered(numbers: list[int]) -> list[int]:
        kept = [number for number in numbers if number not in drop]
        return [number for kept_one in kept for number in [kept_one] * (2 if kept_one in double else 1)]

    return altered
