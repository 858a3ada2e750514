"""What a user asks of a video."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from tasks.domain.document import SCHEMA, Document, expect_schema
from tasks.domain.errors import InvalidInput
from tasks.domain.style import StyleName
from tasks.domain.timebase import parse_rate, rate_text

MIN_WINDOW_S = 2
LARGEST_SEED = 2**63 - 1


class Aspect(StrEnum):
    """Shape of the picture."""

    LANDSCAPE = "16:9"
    PORTRAIT = "9:16"
    SQUARE = "1:1"


class Resolution(StrEnum):
    """Length of the picture's shorter side."""

    P480 = "480p"
    P720 = "720p"
    P1080 = "1080p"


class Rate(StrEnum):
    """Frames per second."""

    R24 = "24"
    R25 = "25"
    R30 = "30"
    R60 = "60"


AUTO_STYLE = "auto"

_LONG_SIDE = {Resolution.P480: 854, Resolution.P720: 1280, Resolution.P1080: 1920}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """One video of one song.

    Attributes
    ----------
    style : StyleName or None
        None lets the song's energy choose.
    seed : int or None
        None takes the seed from the song's bytes, so that the same song gives the same film.
    start_s, end_s : Fraction or None
        The part of the song that is shown; None is the song's own start and end.

    Raises
    ------
    InvalidInput
        If the window is shorter than 2 s or upside down, or the seed is out of range.
    """

    style: StyleName | None = None
    aspect: Aspect = Aspect.LANDSCAPE
    resolution: Resolution = Resolution.P720
    frame_rate: Fraction = Fraction(30)
    seed: int | None = None
    start_s: Fraction | None = None
    end_s: Fraction | None = None

    def __post_init__(self) -> None:
        if self.seed is not None and not 0 <= self.seed <= LARGEST_SEED:
            raise InvalidInput(f"The seed lies between 0 and {LARGEST_SEED}.", code="seed_out_of_range")
        start = self.start_s or Fraction(0)
        if start < 0:
            raise InvalidInput("The start is not before the song; give 0 or more seconds.", code="window_invalid")
        if self.end_s is not None and self.end_s - start < MIN_WINDOW_S:
            raise InvalidInput(
                f"The end lies at least {MIN_WINDOW_S} s after the start; move one of them.", code="window_invalid"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        short, long = int(self.resolution[:-1]), _LONG_SIDE[self.resolution]
        return {
            Aspect.LANDSCAPE: (long, short),
            Aspect.PORTRAIT: (short, long),
            Aspect.SQUARE: (short, short),
        }[self.aspect]

    def to_json(self) -> Document:
        """Write the document."""
        return {
            "schema": SCHEMA,
            "style": self.style,
            "aspect": self.aspect,
            "resolution": self.resolution,
            "fps": rate_text(self.frame_rate),
            "seed": self.seed,
            "start_s": None if self.start_s is None else str(self.start_s),
            "end_s": None if self.end_s is None else str(self.end_s),
        }

    @classmethod
    def from_json(cls, document: Document) -> VideoRequest:
        """Read what `to_json` wrote."""
        expect_schema(document, "video request")
        start, end, style = document["start_s"], document["end_s"], document["style"]
        return cls(
            style=None if style is None else StyleName(style),
            aspect=Aspect(document["aspect"]),
            resolution=Resolution(document["resolution"]),
            frame_rate=parse_rate(document["fps"]),
            seed=document["seed"],
            start_s=None if start is None else Fraction(start),
            end_s=None if end is None else Fraction(end),
        )
