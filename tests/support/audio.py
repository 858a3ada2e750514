"""Sounds whose truth is known, written in any container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

Sound = NDArray[np.float32]
Times = NDArray[np.float64]

RATE = 44_100


def beat_times(bpm: float, seconds: float, first_s: float = 0.4) -> Times:
    return np.arange(first_s, seconds - 0.2, 60.0 / bpm)


def clicks(bpm: float, seconds: float, *, rate: int = RATE, first_s: float = 0.4) -> tuple[Sound, Times]:
    """One channel with a short burst of 1.5 kHz at every beat."""
    beats = beat_times(bpm, seconds, first_s)
    total = np.zeros((round(seconds * rate), 1), np.float32)
    time = np.arange(round(0.02 * rate)) / rate
    burst = (0.8 * np.sin(2 * np.pi * 1500 * time) * np.exp(-time / 0.003)).astype(np.float32)
    for beat in beats:
        _add(total[:, 0], burst, round(beat * rate))
    return total, beats


def pulse_song(
    bpm: float, seconds: float, *, rate: int = RATE, channels: int = 2, beats_a_bar: int = 4, first_s: float = 0.4
) -> tuple[Sound, Times]:
    """Bass drum on the first beat of a bar, snare on the others, hats between, a new chord every bar."""
    beats = beat_times(bpm, seconds, first_s)
    total = np.zeros(round(seconds * rate), np.float32)
    random = np.random.default_rng(11)
    time = np.arange(round(0.2 * rate)) / rate
    kick = 0.9 * np.sin(2 * np.pi * (50 * time + 3 * (1 - np.exp(-time / 0.03)))) * np.exp(-time / 0.08)
    for number, beat in enumerate(beats):
        at, half = round(beat * rate), round((beat + 30 / bpm) * rate)
        snare = 0.4 * random.standard_normal(len(time)) * np.exp(-time / 0.05)
        hat = 0.1 * random.standard_normal(len(time)) * np.exp(-time / 0.015)
        strong = {0, 2} if beats_a_bar == 4 else {0}
        _add(total, kick if number % beats_a_bar in strong else snare, at)
        _add(total, hat, half)
        if number % beats_a_bar == 0:
            _add(total, _chord((0, 5, 7, 3)[number // beats_a_bar % 4], beats_a_bar * 60 / bpm, rate), at)
    total *= 0.8 / np.abs(total).max()
    return np.repeat(total[:, None], channels, axis=1), beats


def noise(seconds: float, *, rate: int = RATE, level: float = 0.1) -> Sound:
    return (level * np.random.default_rng(3).standard_normal((round(seconds * rate), 1))).astype(np.float32)


def silence(seconds: float, *, rate: int = RATE, channels: int = 1) -> Sound:
    return np.zeros((round(seconds * rate), channels), np.float32)


def tone(hz: float, seconds: float, *, rate: int = RATE) -> Sound:
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)[:, None]


def write(
    path: Path,
    sound: Sound | None,
    codec: str,
    *,
    rate: int = RATE,
    video_s: float = 0.0,
    container: Any = None,
    **stream: Any,
) -> Path:
    """Encode a sound (float32, shape (n, channels)), pictures, or both, in the container that the name asks for."""
    if codec == "vorbis" and sound is not None:
        soundfile.write(path, sound, rate, format="OGG", subtype="VORBIS")
        return path
    with av.open(str(path), "w", container_options=container or {}) as file:
        pictures = file.add_stream("libx264", rate=10) if video_s else None
        voice = None
        if sound is not None:
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[sound.shape[1]]
            voice = file.add_stream(codec, rate=stream.pop("coded_rate", rate), layout=layout, **stream)
        if pictures is not None:
            _film(file, pictures, video_s)
        if voice is not None and sound is not None:
            assert isinstance(voice, AudioStream)
            for at in range(0, len(sound), rate):
                block = np.ascontiguousarray(sound[at : at + rate].reshape(1, -1))
                frame = av.AudioFrame.from_ndarray(block, "flt", layout)
                frame.sample_rate, frame.pts = rate, at
                file.mux(voice.encode(frame))
            file.mux(voice.encode(None))
    return path


def _film(file: OutputContainer, pictures: VideoStream, seconds: float) -> None:
    pictures.width = pictures.height = 64
    pictures.pix_fmt = "yuv420p"
    for number in range(round(seconds * 10)):
        file.mux(pictures.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), number % 255, np.uint8), "rgb24")))
    file.mux(pictures.encode(None))


def _chord(root: int, seconds: float, rate: int) -> Sound:
    time = np.arange(round(seconds * rate)) / rate
    notes = [220.0 * 2 ** ((root + step) / 12) for step in (0, 4, 7)]
    fade = np.minimum(1, time / 0.01) * np.minimum(1, (time[-1] - time) / 0.02)
    return np.asarray(0.05 * fade * np.sum([np.sin(2 * np.pi * hz * time) for hz in notes], axis=0), np.float32)


def _add(total: NDArray[np.float32], part: NDArray[Any], at: int) -> None:
    room = total[at : at + len(part)]
    room += part[: len(room)].astype(np.float32)
