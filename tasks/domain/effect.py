"""What happens to pictures of a shot, by integer frame numbers of the film."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from tasks.domain.document import Document
from tasks.domain.errors import InvalidRecord


class EffectKind(StrEnum):
    """The kinds that are drawn."""

    FLASH = "flash"
    PULSE = "pulse"


class Curve(StrEnum):
    """How an effect's strength runs from its first to its last frame."""

    HOLD = "hold"
    DECAY = "decay"


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
        """Strength at the film's frame ``frame``: ``amount`` on the first frame, 0 outside."""
        if not self.start_frame <= frame < self.end_frame:
            return 0.0
        if self.curve is Curve.HOLD:
            return self.amount
        left = (self.end_frame - frame) / (self.end_frame - self.start_frame)
        return self.amount * left * left

    def to_json(self) -> Document:
        """Write the effect."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Document) -> Effect:
        """Read what `to_json` wrote."""
        kind, curve = EffectKind(document["kind"]), Curve(document["curve"])
        return cls(**{**document, "kind": kind, "curve": curve})
