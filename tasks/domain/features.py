"""What moves the pictures: a few curves over the song, at one rate.

The artifact is one line of JSON and then the curves as little-endian float32, one after the other in the order of
`CURVES`. It is read without a library and without holding a second copy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tasks.domain.document import SCHEMA, Document, canonical, expect_schema
from tasks.domain.errors import InvalidRecord

CURVES = ("onset", "kick", "snare", "rms", "bass", "mid", "treble", "brightness")
"""Names of the curves. ``onset``, ``kick`` and ``snare`` are rises (all bands, below 150 Hz, 150 Hz to 4 kHz);
``rms`` is the level; ``bass``, ``mid``, ``treble`` are band levels; ``brightness`` is the spectral centroid.
Each lies in 0..1 relative to the song's own loud parts."""


_ALIGNMENT = 64
_LONGEST_HEADER = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Curves over the song.

    Attributes
    ----------
    frame_rate : Fraction
        Values per second; value ``k`` belongs to the moment ``k / frame_rate`` seconds.
    curves : mapping of str to ndarray, shape (n,), float32
        One read-only array for each of `CURVES`, all of one length.

    Raises
    ------
    InvalidRecord
        If a curve is missing, differs in length or is not finite.
    """

    frame_rate: Fraction
    curves: Mapping[str, NDArray[np.float32]] = field(repr=False)

    def __post_init__(self) -> None:
        if set(self.curves) != set(CURVES):
            raise InvalidRecord(f"features hold exactly the curves {', '.join(CURVES)}")
        lengths = {curve.shape for curve in self.curves.values()}
        if len(lengths) != 1 or len(next(iter(lengths))) != 1 or 0 in next(iter(lengths)):
            raise InvalidRecord("curves are one-dimensional, of one length and not empty")
        for curve in self.curves.values():
            if curve.dtype != np.float32 or not np.isfinite(curve).all():
                raise InvalidRecord("curves are finite float32")
            curve.setflags(write=False)

    def __len__(self) -> int:
        return int(self.curves[CURVES[0]].shape[0])

    def to_json(self) -> Document:
        """Write the header of the artifact."""
        rate = f"{self.frame_rate.numerator}/{self.frame_rate.denominator}"
        return {"schema": SCHEMA, "frame_rate": rate, "curves": list(CURVES), "frames": len(self)}

    def to_bytes(self) -> bytes:
        """Write the artifact."""
        body = b"".join(self.curves[name].astype("<f4", copy=False).tobytes() for name in CURVES)
        head = canonical(self.to_json())
        return head + b" " * (-(len(head) + 1) % _ALIGNMENT) + b"\n" + body

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Features:
        """Read what `to_bytes` wrote; the curves are views of ``data``."""
        view = memoryview(data)
        head = bytes(view[:_LONGEST_HEADER]).partition(b"\n")[0]
        document, body = json.loads(head), view[len(head) + 1 :]
        expect_schema(document, "features artifact")
        names, frames = document["curves"], document["frames"]
        table = np.require(np.frombuffer(body, dtype="<f4").reshape(len(names), frames), requirements="A")
        return cls(frame_rate=Fraction(document["frame_rate"]), curves=dict(zip(names, table, strict=True)))
