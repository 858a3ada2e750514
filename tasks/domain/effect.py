"""What happens to pictures of a shot, by integer frame numbers of the film."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum

from tasks.domain.document import Document
from tasks.domain.errors import InvalidRecord


class EffectKind(StrEnum):
    """The kinds that are drawn; `FREEZE` and `SPEED_RAMP` choose which picture is shown, the others change it."""

    FLASH = "flash"
    PULSE = "pulse"
    SHAKE = "shake"
    RGB_SPLIT = "rgb_split"
    GRADE_WARM = "grade_warm"
    GRADE_COOL = "grade_cool"
    GRADE_DREAM = "grade_dream"
    GRADE_DARK = "grade_dark"
    VIGNETTE = "vignette"
    GRAIN = "grain"
    LIGHT_LEAK = "light_leak"
    LETTERBOX = "letterbox"
    FREEZE = "freeze"
    SPEED_RAMP = "speed_ramp"


class Curve(StrEnum):
    """How an effect's strength runs from its first to its last frame.

    ``hold`` stays, ``decay`` falls from the first frame as a square, ``rise`` climbs evenly to its full strength at
    the last frame, ``fall`` falls evenly from it, ``arc`` is strongest in the middle.
    """

    HOLD = "hold"
    DECAY = "decay"
    RISE = "rise"
    FALL = "fall"
    ARC = "arc"


TIME_KINDS = frozenset({EffectKind.FREEZE, EffectKind.SPEED_RAMP})
"""Kinds that choose pictures; outside of their frames the source's clock is as it would be without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One effect over the film's frames ``[start_frame, end_frame)``; ``amount`` lies in 0..1."""

    kind: EffectKind
    start_frame: int
    end_frame: int
    amount: float
    curve: Curve

    def __post_init__(self) -> None:
        if self.end_frame <= self.start_frame:
            raise InvalidRecord("an effect lasts at least one frame")
        if not 0.0 <= self.amount <= 1.0:
            raise InvalidRecord(f"an effect's amount lies in 0..1, not {self.amount}")

    def strength(self, frame: int) -> float:
        """Strength at the film's frame ``frame``, 0..``amount``; 0 outside of the effect's frames."""
        if not self.start_frame <= frame < self.end_frame:
            return 0.0
        length = self.end_frame - self.start_frame
        return self.amount * _shape(self.curve, frame - self.start_frame, length)

    def to_json(self) -> Document:
        """Write the effect."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Document) -> Effect:
        """Read what `to_json` wrote."""
        kind, curve = EffectKind(document["kind"]), Curve(document["curve"])
        return cls(**{**document, "kind": kind, "curve": curve})


def _shape(curve: Curve, place: int, length: int) -> float:
    """Share of the amount at the effect's own frame ``place``; above 0 on each of its frames."""
    match curve:
        case Curve.HOLD:
            return 1.0
        case Curve.DECAY:
            return ((length - place) / length) ** 2
        case Curve.RISE:
            return (place + 1) / length
        case Curve.FALL:
            return (length - place) / length
        case Curve.ARC:
            return math.sin(math.pi * (place + 1) / (length + 1))
