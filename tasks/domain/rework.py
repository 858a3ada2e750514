"""A film cut anew out of another film's segments, as an editor did it."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.domain.document import Document
from tasks.domain.errors import InvalidRecord
from tasks.domain.timebase import FrameRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a segment of the other film: ``frames`` counts from the segment's own first frame."""

    segment: int
    frames: FrameRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Rework:
    """The pieces of the film in order; ``video_id`` names the film whose plan they are pieces of."""

    video_id: str
    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        if not self.pieces:
            raise InvalidRecord("a film has at least one piece")

    @property
    def frames(self) -> int:
        """Length in frames."""
        return sum(len(piece.frames) for piece in self.pieces)

    def to_json(self) -> Document:
        """Write the document."""
        return {
            "video_id": self.video_id,
            "pieces": [[piece.segment, piece.frames.start, piece.frames.end] for piece in self.pieces],
        }

    @classmethod
    def from_json(cls, document: Document) -> Rework:
        """Read what `to_json` wrote."""
        pieces = tuple(
            Piece(segment=segment, frames=FrameRange(start, end)) for segment, start, end in document["pieces"]
        )
        return cls(video_id=document["video_id"], pieces=pieces)
