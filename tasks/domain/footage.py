"""What was seen in a clip when it was decoded from end to end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from tasks.domain.clip import Matrix
from tasks.domain.document import SCHEMA, Document, expect_schema
from tasks.domain.errors import InvalidRecord
from tasks.domain.timebase import parse_rate, rate_text

MOTION_EVERY_S = Fraction(1, 2)
"""Each value of `FootageFacts.motion`, ``focus_track`` and ``flashes`` tells of so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageFacts:
    """A clip as it is shown: rotated, with square pixels, its first picture at 0.

    Attributes
    ----------
    id : str
        The footage's row.
    content_key : str
        The clip's object in storage.
    width, height : int
        Size of the upright picture in square pixels.
    duration_s : Fraction
        From the first picture to the end of the last, as decoded and not as promised.
    frame_rate : Fraction
        Pictures per second, on average; that of a clip of one picture is what its file says.
    motion : tuple of float
        How much moves in each half second, 0..1; the last value may tell of less.
    focus : tuple of float
        The place of what is looked at, as shares of width and height.
    untagged : bool
        The file does not say which colour matrix it has, and ``matrix`` is a guess.
    matrix : Matrix
        The colour matrix that is believed of it where it says nothing.
    focus_track : tuple of tuple of float
        The same place in each half second.
    flashes : tuple of float
        In each half second, the most flashes that a second holds which ends there, of light or of saturated red.
    frames : int
        Pictures that decode.
    is_hdr : bool
        Its light is coded by PQ or HLG, so that it is tone-mapped.
    note : str or None
        A sentence for the user on what is wrong with the clip, though it can be used.
    """

    id: str
    content_key: str
    width: int
    height: int
    duration_s: Fraction
    frame_rate: Fraction
    motion: tuple[float, ...]
    focus: tuple[float, float]
    untagged: bool
    matrix: Matrix
    focus_track: tuple[tuple[float, float], ...] = ()
    flashes: tuple[float, ...] = ()
    frames: int = 0
    is_hdr: bool = False
    note: str | None = None

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1 or self.duration_s <= 0 or self.frame_rate <= 0:
            raise InvalidRecord("footage has a size, a length and a rate")
        if not all(0.0 <= value <= 1.0 for value in (*self.motion, *self.focus)):
            raise InvalidRecord("motion and focus lie in 0..1")

    def focus_of(self, start_s: Fraction, length_s: Fraction) -> tuple[float, float]:
        """Give the place that is looked at in a part of the clip; that of the whole where no more is known."""
        first = int(start_s / MOTION_EVERY_S)
        places = self.focus_track[first : max(first + 1, math.ceil((start_s + length_s) / MOTION_EVERY_S))]
        if not places:
            return self.focus
        return sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places)

    def flashes_of(self, start_s: Fraction, length_s: Fraction) -> float:
        """Give the most flashes that a second of a part of the clip holds; 0 where it is not known."""
        first = int(start_s / MOTION_EVERY_S)
        return max(self.flashes[first : max(first + 1, math.ceil((start_s + length_s) / MOTION_EVERY_S))], default=0.0)

    def to_json(self) -> Document:
        """Write the document."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "content_key": self.content_key,
            "width": self.width,
            "height": self.height,
            "duration_s": str(self.duration_s),
            "frame_rate": rate_text(self.frame_rate),
            "motion": list(self.motion),
            "focus": list(self.focus),
            "untagged": self.untagged,
            "matrix": self.matrix,
            "focus_track": [list(place) for place in self.focus_track],
            "flashes": list(self.flashes),
            "frames": self.frames,
            "is_hdr": self.is_hdr,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, document: Document) -> FootageFacts:
        """Read what `to_json` wrote."""
        expect_schema(document, "footage record")
        x, y = document["focus"]
        read = {
            "duration_s": Fraction(document["duration_s"]),
            "frame_rate": parse_rate(document["frame_rate"]),
            "motion": tuple(document["motion"]),
            "focus": (x, y),
            "focus_track": tuple((x, y) for x, y in document.get("focus_track", ())),
            "flashes": tuple(document.get("flashes", ())),
            "matrix": Matrix(document["matrix"]),
        }
        return cls(**{name: value for name, value in document.items() if name != "schema"} | read)
