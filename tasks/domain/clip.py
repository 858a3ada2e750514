"""Footage in a shot: which part of a clip is shown, how it is brought to the shot's length and to the picture's shape.

Conventions
-----------
Times are seconds of the clip's own clock, exact; its first shown picture is at 0. Places in a picture are shares of
its width and height after rotation, 0..1 from the left and the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from tasks.domain.document import Document
from tasks.domain.errors import InvalidRecord

SLOWEST = Fraction(1, 2)


class Fit(StrEnum):
    """How a picture of another shape fills the frame: cropped, with bars, or over its own blurred enlargement."""

    FILL = "fill"
    FIT = "fit"
    BLUR = "blur"


class Beyond(StrEnum):
    """What is shown where the clip is over: its last picture, or its pictures backwards and forwards again."""

    FREEZE = "freeze"
    BOOMERANG = "boomerang"


class Matrix(StrEnum):
    """The colour matrix that a clip without a tag is taken to have."""

    BT709 = "bt709"
    BT601 = "smpte170m"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipShot:
    """All that decides the pictures of one shot of footage.

    Attributes
    ----------
    content_key : str
        The clip's object in storage.
    start_s, length_s : Fraction
        The part of the clip that may be shown; the shot's own frame 0 shows ``start_s``.
    speed : Fraction
        Clip seconds per film second, 1/2..1: footage is slowed, never sped up.
    focus : tuple of float
        The place that stays in the picture where a crop is needed.
    untagged : Matrix
        What is believed of a clip that says nothing of its colours.
    """

    content_key: str
    start_s: Fraction
    length_s: Fraction
    speed: Fraction = Fraction(1)
    beyond: Beyond = Beyond.FREEZE
    fit: Fit = Fit.FILL
    focus: tuple[float, float] = (0.5, 0.5)
    untagged: Matrix = Matrix.BT709

    def __post_init__(self) -> None:
        if self.start_s < 0 or self.length_s <= 0:
            raise InvalidRecord("a part of a clip begins inside it and has a length")
        if not SLOWEST <= self.speed <= 1:
            raise InvalidRecord(f"footage runs at half to full speed, not at {self.speed}")
        if not all(0.0 <= place <= 1.0 for place in self.focus):
            raise InvalidRecord("a focus lies inside the picture")

    def to_json(self) -> Document:
        """Write the settings."""
        return {
            "content_key": self.content_key,
            "start_s": str(self.start_s),
            "length_s": str(self.length_s),
            "speed": str(self.speed),
            "beyond": self.beyond,
            "fit": self.fit,
            "focus": list(self.focus),
            "untagged": self.untagged,
        }

    @classmethod
    def from_json(cls, document: Document) -> ClipShot:
        """Read what `to_json` wrote."""
        x, y = document["focus"]
        return cls(
            content_key=document["content_key"],
            start_s=Fraction(document["start_s"]),
            length_s=Fraction(document["length_s"]),
            speed=Fraction(document["speed"]),
            beyond=Beyond(document["beyond"]),
            fit=Fit(document["fit"]),
            focus=(x, y),
            untagged=Matrix(document["untagged"]),
        )
