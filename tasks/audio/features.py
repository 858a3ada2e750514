"""What a song sounds like, frame by frame.

Conventions
-----------
Frames are `HOP` samples of `HEARD_RATE` apart and centred: frame ``k`` belongs to the moment ``k * HOP / HEARD_RATE``
seconds. The song is silent before its start and after its end. Everything that depends on the whole song (gains,
quantiles) is computed after the last frame. Stretches of 24 s are described each by itself, by whatever process.

Method
------
A short transform (1024 samples, Hann) gives levels, mel bands and rises; every 2048 samples a long one (8192) gives
chroma, because harmony needs fine frequencies and rhythm needs fine times. Rises are the half-wave rectified
difference of log mel magnitudes to two frames before, of which each band is first replaced by the largest of its
neighbours, so that vibrato is no rise.

References
----------
Böck, Widmer: Maximum filter vibrato suppression for onset detection, DAFx 2013.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.sparse
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from tasks.audio.decode import HEARD_RATE
from tasks.audio.filters import chroma_bank, mel_bank, mel_hz
from tasks.domain.features import CURVES, Features

Array = NDArray[np.float32]
Halves = NDArray[np.float16]

HOP = 256
FRAME_RATE = Fraction(HEARD_RATE, HOP)
"""Frames per second, about 86.13."""

HARMONY_HOP = 2048
HARMONY_RATE = Fraction(HEARD_RATE, HARMONY_HOP)
"""Chroma vectors per second, about 10.77."""

_WINDOW = 1024
_LONG_WINDOW = 8192
_MELS = 64
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 10_000.0
_KICK_HZ, _SNARE_HZ = 150.0, 4_000.0
_CHROMA_HZ = (55.0, 5000.0)
_BASS_HZ = 260.0
_RISE_LAG = 2
_SILENT = 1e-4  # of full scale: quieter than this is silence, not music to be scaled up
_LOUD_QUANTILE = 0.99
_LOUD_SHARE = 0.999
_BLOCK = 2048
_STRETCH = 2048  # frames
_SHAPES: dict[str, tuple[type[np.floating], tuple[int, ...]]] = {
    "mel_roots": (np.float16, (-1, _MELS)),
    "rms": (np.float32, (-1,)),
    "centroid_hz": (np.float32, (-1,)),
    "chroma": (np.float32, (-1, 12)),
    "bass_chroma": (np.float32, (-1, 12)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectra:
    """The raw descriptors of a song.

    Attributes
    ----------
    mel_roots : ndarray, shape (n, 64), float16
        Square root of the magnitude in each mel band, 30 Hz to 10 kHz. They are most of what an hour takes, so they are
        kept in half precision, to 0.1 % of the magnitude; as roots faint sound is held as exactly as loud sound.
    rms : ndarray, shape (n,), float32
        Level of the frame, of full scale 1.
    centroid_hz : ndarray, shape (n,), float32
        Centre of gravity of the magnitude spectrum; 0 in silence.
    chroma : ndarray, shape (m, 12), float32
        Energy of each pitch class from C on, at `HARMONY_RATE`.
    bass_chroma : ndarray, shape (m, 12), float32
        The same, below 260 Hz.
    """

    mel_roots: Halves
    rms: Array
    centroid_hz: Array
    chroma: Array
    bass_chroma: Array

    def mel(self, first: int, last: int) -> Array:
        """Magnitude in each mel band of the frames from ``first`` to before ``last``, shape (frames, 64)."""
        return magnitudes(self.mel_roots[first:last])

    def mel_blocks(self) -> Iterator[Array]:
        """Magnitudes of the whole song, some frames at a time."""
        return (self.mel(first, first + _BLOCK) for first in range(0, len(self.mel_roots), _BLOCK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rises:
    """How much louder each band got, per frame; the bands are below 150 Hz, 150 Hz to 1 kHz, 1 to 4 kHz, above.

    Attributes
    ----------
    bands : ndarray, shape (n, 4), float32
        Not negative.
    """

    bands: Array


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a song that is described by itself.

    Attributes
    ----------
    samples : ndarray, shape (k,), float32
        The sound at `HEARD_RATE`, with half a long window before the first frame's centre and after the last one's.
    frames, harmonies : int
        How many frames and how many chroma vectors begin in it; its first frame is a chroma vector's too.
    """

    samples: Array
    frames: int
    harmonies: int


def stretches(blocks: Iterable[Array]) -> Iterator[Stretch]:
    """Cut a song into stretches of 24 s, whatever the length of the blocks that it comes in.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (n,), float32
        The song at `HEARD_RATE`.
    """
    margin = _LONG_WINDOW // 2
    length = _STRETCH * HOP
    waiting = np.zeros(margin, np.float32)
    samples = described = 0
    for block in blocks:
        samples += len(block)
        waiting = np.concatenate((waiting, block))
        while len(waiting) >= length + 2 * margin:
            yield Stretch(waiting[: length + 2 * margin], _STRETCH, length // HARMONY_HOP)
            waiting = waiting[length:].copy()
            described += length
    frames, harmonies = ((samples - described) // hop + 1 for hop in (HOP, HARMONY_HOP))
    yield Stretch(np.concatenate((waiting, np.zeros(margin, np.float32))), frames, harmonies)


def describe(stretch: Stretch) -> Spectra:
    """Describe a stretch of a song; a function of the stretch alone, so that any process may do it."""
    mel_bank, chroma_bank, bass_bank = _banks()
    hz = np.linspace(0, HEARD_RATE / 2, _WINDOW // 2 + 1, dtype=np.float32)
    near = stretch.samples[(_LONG_WINDOW - _WINDOW) // 2 :]
    magnitude = _magnitudes(near, _WINDOW, HOP, stretch.frames)
    harmony = np.square(_magnitudes(stretch.samples, _LONG_WINDOW, HARMONY_HOP, stretch.harmonies))
    return Spectra(
        mel_roots=np.sqrt(_through(mel_bank, magnitude)).astype(np.float16),
        # Parseval for a Hann window: its squares sum to 3/8 of its length
        rms=np.sqrt(np.square(magnitude).sum(axis=1) * np.float32(2 / (0.375 * _WINDOW * _WINDOW))),
        centroid_hz=(magnitude * hz).sum(axis=1) / np.maximum(magnitude.sum(axis=1), np.float32(1e-6)),
        chroma=_through(chroma_bank, harmony),
        bass_chroma=_through(bass_bank, harmony),
    )


def joined(parts: Iterable[Spectra]) -> Spectra:
    """Put the descriptors of a song's stretches together, in their order."""
    # they grow in place: a list of parts would be in memory twice when it is joined
    grown = {name: bytearray() for name in _SHAPES}
    for part in parts:
        for name in _SHAPES:
            grown[name] += np.ascontiguousarray(getattr(part, name)).data.cast("B")
    return Spectra(**{name: np.frombuffer(grown[name], kind).reshape(shape) for name, (kind, shape) in _SHAPES.items()})


def _magnitudes(samples: Array, window: int, hop: int, count: int) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop][:count]
    hann = np.hanning(window + 1)[:-1].astype(np.float32)
    return np.abs(scipy.fft.rfft(windows * hann, axis=1)).astype(np.float32, copy=False)


def rises(spectra: Spectra) -> Rises:
    """Measure where the song gets louder, band by band."""
    bands = np.zeros((len(spectra.mel_roots), 4), np.float32)
    loud = float(np.quantile(magnitudes(_codes(spectra).max(axis=1).view(np.float16)), _LOUD_QUANTILE))
    if loud <= _SILENT * _WINDOW / 4:
        return Rises(bands=bands)
    edges = np.searchsorted(mel_centres_hz(), (_KICK_HZ, 1000.0, _SNARE_HZ))
    for start in range(_RISE_LAG, len(bands), _BLOCK):
        end = start + _BLOCK
        logs = np.log1p(spectra.mel(start - _RISE_LAG, end) * np.float32(100.0 / loud))
        before = maximum_filter1d(logs[:-_RISE_LAG], 3, axis=1)
        flux = np.maximum(logs[_RISE_LAG:] - before, 0)
        for number, part in enumerate(np.split(flux, edges, axis=1)):
            bands[start:end, number] = part.mean(axis=1)
    return Rises(bands=bands)


def curves(spectra: Spectra, risen: Rises) -> Features:
    """Scale the descriptors to 0..1 of the song's own loud parts."""
    centres = mel_centres_hz()
    low, high = centres < _KICK_HZ, centres >= _SNARE_HZ
    bass, mid, treble = _means_of(spectra, (low, ~low & ~high, high))
    level = spectra.rms
    silent = float(np.quantile(level, _LOUD_QUANTILE)) <= _SILENT
    bands = risen.bands
    raw = {
        "onset": bands.mean(axis=1),
        "kick": bands[:, 0],
        "snare": bands[:, 1:3].mean(axis=1),
        "rms": level,
        "bass": bass,
        "mid": mid,
        "treble": treble,
        "brightness": np.where(level > _SILENT, spectra.centroid_hz, np.float32(0)),
    }
    scaled = {name: _to_unit(raw[name], silent=silent) for name in CURVES}
    return Features(frame_rate=FRAME_RATE, curves=scaled)


def loud_magnitude(spectra: Spectra) -> float:
    """Give the magnitude that 99.9 % of all mel magnitudes do not exceed, at least 1e-6."""
    codes = _codes(spectra)
    keep = codes.size - int(_LOUD_SHARE * (codes.size - 1))
    largest = np.zeros(0, np.uint16)
    for at in range(0, len(codes), _BLOCK):  # a quantile of all at once would copy all
        largest = np.concatenate((largest, codes[at : at + _BLOCK].ravel()))
        if len(largest) > keep:
            largest = np.partition(largest, len(largest) - keep)[-keep:]
    return max(float(magnitudes(largest.view(np.float16)).min()), 1e-6)


def magnitudes(roots: Halves) -> Array:
    """Square what is kept as square roots."""
    return np.square(roots.astype(np.float32))


def mel_centres_hz() -> NDArray[np.float64]:
    """Centre frequency of each mel band."""
    return mel_hz(_MELS, _LOWEST_HZ, _HIGHEST_HZ)[1:-1]


def _codes(spectra: Spectra) -> NDArray[np.uint16]:
    """Give the roots as whole numbers, which are in the same order and much faster to compare."""
    return spectra.mel_roots.view(np.uint16)


def _means_of(spectra: Spectra, bands: tuple[NDArray[np.bool_], ...]) -> Iterator[Array]:
    """Mean of some bands in each frame, for each choice of bands."""
    means = [[mel[:, some].mean(axis=1) for some in bands] for mel in spectra.mel_blocks()]
    return (np.concatenate(parts) for parts in zip(*means, strict=True))


def _to_unit(curve: Array, *, silent: bool) -> Array:
    loud = float(np.quantile(curve, _LOUD_QUANTILE))
    if loud <= 0:
        loud = float(curve.max())
    if silent or loud <= 0:
        return np.zeros(len(curve), np.float32)
    return np.asarray(np.clip(curve * np.float32(1 / loud), 0, 1), np.float32)


@lru_cache(maxsize=1)
def _banks() -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array, scipy.sparse.csr_array]:
    """Give the filters of the mel bands, of the pitch classes and of those below 260 Hz."""
    mel = mel_bank(HEARD_RATE, _WINDOW, mel_hz(_MELS, _LOWEST_HZ, _HIGHEST_HZ))
    chroma = chroma_bank(HEARD_RATE, _LONG_WINDOW, *_CHROMA_HZ)
    bass = np.where(np.fft.rfftfreq(_LONG_WINDOW, 1 / HEARD_RATE) < _BASS_HZ, chroma, 0)
    return scipy.sparse.csr_array(mel), scipy.sparse.csr_array(chroma), scipy.sparse.csr_array(bass)


def _through(bank: scipy.sparse.csr_array, spectrum: Array) -> Array:
    """Apply a filter bank; sparse, because a dense product may round differently with another number of threads."""
    banded: Array = np.ascontiguousarray((bank @ spectrum.T).T, np.float32)
    return banded
