"""Compare a film's sound with its song.

Conventions
-----------
What is compared has `COMPARED_RATE` and one or two channels, shape ``(n, channels)``, float32. Lengths are exact: they
are counted before that. The film's time stamps are honoured, so that a track that starts late is late; the song's
first decoded sample is its time 0, as everywhere.

Method
------
Cross-correlation of each channel with its own, summed over the whole song block by block. The lag is where that of
the signals' differences peaks, which keeps long bass notes from flattening the peak; between samples it is
interpolated by a windowed sinc. Of peaks that are equally high, as in a loop, the nearest to 0 is taken.
Similarity is the normalised correlation there, of the worst channel: it does not mind loudness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import ffmpeg as ffmpeg_python
import numpy as np
import scipy.fft
import soxr
from numpy.typing import NDArray

from tasks.domain.errors import ChildFailed
from tasks.domain.timeline import Window
from tasks.media.sandbox import GUARDED_INPUT, Child, Limits, guarded
from tasks.media.verify.container import SoundTrack

COMPARED_RATE = 8000
"""Sample rate of what is compared, in Hz."""

REACH_S = 1
"""The greatest lag that is looked for, in seconds."""

Samples = NDArray[np.float32]
_STEREO = 2
_FLOAT_BYTES = 4
_REACH = REACH_S * COMPARED_RATE
_FFT = 1 << 17
_BLOCK = _FFT - 2 * _REACH - 2
_AS_HIGH = 0.995
_SINC = 32  # samples on either side of an interpolated one
_FINE = 64  # steps between two samples
_SILENT_POWER = 1e-8  # -80 dB of full scale
_SILENT_SHARE = 1e-5  # of the louder channel: -50 dB
_LIMITS = Limits(cpu_s=1800)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One sound track, decoded.

    Attributes
    ----------
    samples : ndarray, shape (n, channels), float32
        The window of it, at `COMPARED_RATE`.
    channels, sample_rate : int
        Channels and rate of the track itself.
    duration_s : Fraction
        Its whole decoded length.
    errors : tuple of str
        What the decoder complained of.
    """

    samples: Samples
    channels: int
    sample_rate: int
    duration_s: Fraction
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a film's sound compares with its song; ``lag_s`` is positive where the film's is late."""

    lag_s: float
    similarity: float


def hear_song(song: Path, track: SoundTrack, window: Window | None, *, ffmpeg: str) -> Heard:
    """Decode the song; keep the window of it."""
    return _hear(song, track, partial(_command, ffmpeg, track, film=False), window)


def hear_film(video: Path, track: SoundTrack, *, ffmpeg: str) -> Heard:
    """Decode the film's sound as a player would time it; damage counts."""
    return _hear(video, track, partial(_command, ffmpeg, track, film=True), None)


def compare(song: Samples, film: Samples) -> Likeness:
    """Find the lag of the film's sound and how alike the two are."""
    pairs = _pairs(song, film)
    correlations = [_correlate(one, other) for one, other in pairs]
    total = np.sum(correlations, axis=0)
    if not np.any(total):
        return Likeness(0.0, min(_similarity(one, other, 0.0) for one, other in pairs))
    lag = _peak(-np.diff(total, 2))
    alike = (
        _similarity(one, other, _between(correlation, lag + _REACH + 1))
        for (one, other), correlation in zip(pairs, correlations, strict=True)
    )
    return Likeness(lag / COMPARED_RATE, min(alike))


def width(samples: Samples) -> float:
    """Return the share of power that lies in the difference of the two channels, in 0..1; 0 for one channel."""
    if samples.shape[1] < _STEREO:
        return 0.0
    power = 2 * float(np.square(samples, dtype=np.float64).sum())
    return float(np.square(samples[:, 0] - samples[:, 1], dtype=np.float64).sum()) / power if power > 0 else 0.0


def _command(ffmpeg: str, track: SoundTrack, descriptor: int, *, film: bool) -> list[str]:
    strict = {"err_detect": "explode"} if film else {}
    sound = ffmpeg_python.input("fd:", fd=descriptor, **strict, **GUARDED_INPUT)["a:0"]
    if film:
        sound = sound.filter("aresample", **{"async": 1, "first_pts": 0})
    channels = min(track.channels, _STEREO)
    raw = sound.output("pipe:1", format="f32le", ar=track.sample_rate, ac=channels, threads=1)
    command: list[str] = raw.global_args("-nostdin", "-v", "error").compile(cmd=ffmpeg)
    return command


def _hear(path: Path, track: SoundTrack, command: Callable[[int], list[str]], window: Window | None) -> Heard:
    channels = min(track.channels, _STEREO)
    start = round(window.start_s * track.sample_rate) if window else 0
    stop = round(window.end_s * track.sample_rate) if window else None
    resampler = soxr.ResampleStream(track.sample_rate, COMPARED_RATE, channels, dtype="float32")
    kept: list[Samples] = []
    complaints: list[str] = []
    count = 0
    with guarded(path, command, _LIMITS) as child:
        for block in _blocks(child, track.sample_rate, channels, complaints):
            inside = block[max(0, start - count) : None if stop is None else max(0, stop - count)]
            kept.append(resampler.resample_chunk(np.nan_to_num(inside)))
            count += len(block)
    kept.append(resampler.resample_chunk(np.empty((0, channels), np.float32), last=True))
    return Heard(
        samples=np.concatenate(kept),
        channels=track.channels,
        sample_rate=track.sample_rate,
        duration_s=Fraction(count, track.sample_rate),
        errors=tuple(complaints),
    )


def _blocks(child: Child, length: int, channels: int, complaints: list[str]) -> Iterator[Samples]:
    buffer = np.empty((length, channels), np.float32)
    view = memoryview(buffer.data).cast("B")
    failure = None
    try:
        while got := child.read_into(view) // (_FLOAT_BYTES * channels):
            yield buffer[:got]
        child.finish()
    except ChildFailed as error:
        failure = error
    complaints += child.stderr.splitlines()
    if failure is not None and not complaints:
        complaints.append(failure.message)


def _pairs(song: Samples, film: Samples) -> list[tuple[Samples, Samples]]:
    """Pair the channels that should be alike; where the film has only one, it should be the song's middle."""
    if film.shape[1] < song.shape[1]:
        return [(song.mean(axis=1), film[:, 0])]
    loudest = [max(float(_power(side).max()), _SILENT_POWER / _SILENT_SHARE) for side in (song, film)]
    pairs = []
    for channel in range(film.shape[1]):
        one, other = song[:, min(channel, song.shape[1] - 1)], film[:, channel]
        silent = [float(_power(x)) < _SILENT_SHARE * most for x, most in zip((one, other), loudest, strict=True)]
        pairs.append((one * 0 if silent[0] else one, other * 0 if silent[1] else other))
    return pairs


def _power(samples: Samples) -> NDArray[np.float64]:
    return np.asarray(np.square(samples, dtype=np.float64).mean(axis=0) if len(samples) else 0.0)


def _similarity(one: Samples, other: Samples, correlation: float) -> float:
    energies = [float(np.square(x, dtype=np.float64).sum()) for x in (one, other)]
    if max(energies) == 0:
        return 1.0
    if min(energies) == 0:
        return 0.0
    return float(np.clip(correlation / np.sqrt(energies[0] * energies[1]), 0.0, 1.0))


def _correlate(song: Samples, film: Samples) -> NDArray[np.float64]:
    """Return the sum over n of song[n] film[n + lag], for each lag from -(REACH + 1) to REACH + 1 samples."""
    reach = _REACH + 1
    total = np.zeros(2 * reach + 1)
    for start in range(0, len(song), _BLOCK):
        block = song[start : start + _BLOCK]
        near = film[max(0, start - reach) : start + len(block) + reach]
        near = np.pad(near, (max(0, reach - start), 0))
        product = np.conj(scipy.fft.rfft(block, _FFT)) * scipy.fft.rfft(near, _FFT)
        total += scipy.fft.irfft(product, _FFT)[: len(total)]
    return total


def _peak(curve: NDArray[np.float64]) -> float:
    """Return the place of the highest peak of ``curve`` in samples from its middle."""
    inner = curve[1:-1]
    peaks = 1 + np.flatnonzero((inner >= curve[:-2]) & (inner >= curve[2:]) & (inner >= _AS_HIGH * curve.max()))
    middle = len(curve) // 2
    at = int(min(peaks, key=lambda n: abs(n - middle))) if len(peaks) else int(curve.argmax())
    places = at + np.arange(-_FINE, _FINE + 1) / _FINE
    heights = [_between(curve, float(place)) for place in places]
    return float(places[int(np.argmax(heights))]) - middle


def _between(curve: NDArray[np.float64], place: float) -> float:
    """Return the value of a band-limited ``curve`` at a place between its samples."""
    first = max(0, round(place) - _SINC)
    near = curve[first : round(place) + _SINC + 1]
    offsets = first + np.arange(len(near)) - place
    weights = np.sinc(offsets) * np.cos(np.pi * offsets / (2 * _SINC + 2)) ** 2
    return float(near @ weights)
