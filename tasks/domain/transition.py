"""How one shot becomes the next.

Conventions
-----------
The incoming shot owns the transition: the cut is its first blended frame, and only its own first frames are blends,
so that every picture is encoded once. The outgoing shot's source goes on beyond its end for as long.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from tasks.domain.document import Document
from tasks.domain.errors import InvalidRecord


class TransitionKind(StrEnum):
    """The kinds that are drawn; ``match`` goes on in the direction in which the outgoing pictures move."""

    DISSOLVE = "dissolve"
    WHIP = "whip"
    ZOOM = "zoom"
    FLASH = "flash"
    GLITCH = "glitch"
    WIPE = "wipe"
    MATCH = "match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A transition over the first ``frames`` frames of the incoming shot."""

    kind: TransitionKind
    frames: int

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise InvalidRecord("a transition lasts at least one frame; a cut is none")

    def weight(self, place: int) -> float:
        """Share of the incoming picture at the transition's own frame ``place``: above 0 and below 1."""
        return (place + 1) / (self.frames + 1)

    def to_json(self) -> Document:
        """Write the transition."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Document) -> Transition:
        """Read what `to_json` wrote."""
        return cls(kind=TransitionKind(document["kind"]), frames=document["frames"])
