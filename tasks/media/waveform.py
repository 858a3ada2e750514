"""Peaks of a song, for drawing its waveform at any zoom.

Conventions
-----------
Peaks are int8, of shape ``(pixels, channels, 2)``: the lowest and the highest sample of each stretch of
``samples_per_pixel``; the last stretch may be shorter. They are written in the forms of BBC's audiowaveform, version 2.

References
----------
https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.domain.document import Document
from tasks.domain.errors import InvalidRecord

_VERSION = 2
_EIGHT_BITS = 1
_HEADER = struct.Struct("<iIiiIi")
_BLOCK_PIXELS = 1 << 12


class Zoom(IntEnum):
    """Samples a pixel; the finest are stored and give the others."""

    FINEST = 256
    FINE = 1024
    COARSE = 4096
    COARSEST = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Peaks of a song at one zoom.

    Raises
    ------
    InvalidRecord
        If ``values`` are not int8 of shape ``(pixels, channels, 2)``.
    """

    sample_rate: int
    samples_per_pixel: int
    values: NDArray[np.int8] = field(repr=False)

    def __post_init__(self) -> None:
        if self.values.dtype != np.int8 or self.values.ndim != 3 or self.values.shape[2] != 2:  # noqa: PLR2004
            raise InvalidRecord("peaks are int8 of shape (pixels, channels, 2)")
        self.values.setflags(write=False)

    def zoomed(self, samples_per_pixel: int) -> Peaks:
        """Give the same peaks with ``samples_per_pixel``, a multiple of our own, to a pixel."""
        factor, rest = divmod(samples_per_pixel, self.samples_per_pixel)
        if factor < 1 or rest:
            raise InvalidRecord(f"peaks of {self.samples_per_pixel} samples give no peaks of {samples_per_pixel}")
        return Peaks(
            sample_rate=self.sample_rate,
            samples_per_pixel=samples_per_pixel,
            values=_reduced(self.values[..., 0], self.values[..., 1], factor),
        )

    def to_json(self) -> Document:
        """Write the JSON form: minimum and maximum of each channel in turn, pixel after pixel."""
        return {
            "version": _VERSION,
            "channels": self.values.shape[1],
            "sample_rate": self.sample_rate,
            "samples_per_pixel": self.samples_per_pixel,
            "bits": 8,
            "length": self.values.shape[0],
            "data": self.values.ravel().tolist(),
        }

    def to_bytes(self) -> bytes:
        """Write the binary form (``.dat``)."""
        length, channels, _ = self.values.shape
        head = _HEADER.pack(_VERSION, _EIGHT_BITS, self.sample_rate, self.samples_per_pixel, length, channels)
        return head + self.values.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Peaks:
        """Read what `to_bytes` wrote."""
        version, flags, sample_rate, samples_per_pixel, length, channels = _HEADER.unpack_from(data)
        if (version, flags) != (_VERSION, _EIGHT_BITS):
            raise InvalidRecord("peaks of version 2 with 8 bits are understood")
        values = np.frombuffer(data, np.int8, offset=_HEADER.size).reshape(length, channels, 2)
        return cls(sample_rate=sample_rate, samples_per_pixel=samples_per_pixel, values=values)


def find_peaks(sound: Path, samples_per_pixel: int = Zoom.FINEST) -> Peaks:
    """Read a decoded song of ours, block by block, and find its peaks."""
    found = []
    with soundfile.SoundFile(sound) as file:
        for block in file.blocks(samples_per_pixel * _BLOCK_PIXELS, dtype="int16", always_2d=True):
            eight = (block / 256).astype(np.int8)  # towards zero, as audiowaveform does
            found.append(_reduced(eight, eight, samples_per_pixel))
        rate = file.samplerate
    return Peaks(sample_rate=rate, samples_per_pixel=samples_per_pixel, values=np.concatenate(found))


def _reduced(low: NDArray[np.int8], high: NDArray[np.int8], factor: int) -> NDArray[np.int8]:
    """Give the extremes of each ``factor`` rows; both have the shape ``(n, channels)``."""
    edges = np.arange(0, len(low), factor)
    extremes = [np.minimum.reduceat(low, edges, axis=0), np.maximum.reduceat(high, edges, axis=0)]
    return np.stack(extremes, axis=2)
