"""What is encoded: the form that all segments of a film share, and the work of one segment."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction

from tasks.domain.document import SCHEMA, Document, content_hash, expect_schema
from tasks.domain.effect import Effect
from tasks.domain.errors import InvalidRecord
from tasks.domain.timebase import FrameRange, parse_rate, rate_text

_SMALLEST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSpec:
    """The form of a film's pictures: H.264 High, yuv420p, BT.709 limited.

    Only segments of equal specs are joined, since preset and crf are written into the stream's parameter sets.
    """

    width: int
    height: int
    frame_rate: Fraction
    preset: str = "veryfast"
    crf: int = 21
    maxrate: str = "12M"
    bufsize: str = "24M"
    gop: int = 250

    def __post_init__(self) -> None:
        if min(self.width, self.height) < _SMALLEST or self.width % 2 or self.height % 2:
            raise InvalidRecord(f"pictures have even sides of at least 16 pixels, not {self.width}x{self.height}")

    @property
    def timescale(self) -> int:
        """Ticks per second of the track: a multiple of the rate, so that every frame lies on a tick."""
        numerator = self.frame_rate.numerator
        return numerator if self.frame_rate.denominator != 1 else numerator * 512

    def to_json(self) -> Document:
        """Write the document."""
        return {"schema": SCHEMA, **asdict(self), "frame_rate": rate_text(self.frame_rate)}

    @classmethod
    def from_json(cls, document: Document) -> SegmentSpec:
        """Read what `to_json` wrote."""
        expect_schema(document, "segment spec")
        fields = {k: v for k, v in document.items() if k != "schema"}
        return cls(**{**fields, "frame_rate": parse_rate(document["frame_rate"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the pictures of a shot come from.

    Attributes
    ----------
    kind : str
        ``style`` for the built-in renderer.
    settings : dict
        All that decides the pictures, the content keys of files that they are drawn from among them.
    frames : FrameRange
        The stretch of the source's own clock; 0 is the first frame of its shot.
    """

    kind: str
    settings: Document
    frames: FrameRange

    def to_json(self) -> Document:
        """Write the document."""
        return {
            "kind": self.kind,
            "settings": self.settings,
            "start_frame": self.frames.start,
            "end_frame": self.frames.end,
        }

    @classmethod
    def from_json(cls, document: Document) -> Source:
        """Read what `to_json` wrote."""
        frames = FrameRange(document["start_frame"], document["end_frame"])
        return cls(kind=document["kind"], settings=document["settings"], frames=frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """One segment's work: the film's frames that it holds, their source and what happens to them."""

    index: int
    frames: FrameRange
    source: Source
    effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        if len(self.source.frames) != len(self.frames):
            raise InvalidRecord("a segment's source gives exactly its frames")

    def to_json(self) -> Document:
        """Write the document; transition, outgoing source and captions have their place in it."""
        return {
            "schema": SCHEMA,
            "index": self.index,
            "start_frame": self.frames.start,
            "end_frame": self.frames.end,
            "source": self.source.to_json(),
            "transition": None,
            "outgoing": None,
            "effects": [effect.to_json() for effect in self.effects],
            "captions": [],
        }

    @classmethod
    def from_json(cls, document: Document) -> SegmentPlan:
        """Read what `to_json` wrote."""
        expect_schema(document, "segment plan")
        return cls(
            index=document["index"],
            frames=FrameRange(document["start_frame"], document["end_frame"]),
            source=Source.from_json(document["source"]),
            effects=tuple(Effect.from_json(effect) for effect in document["effects"]),
        )

    def content_key(self, spec: SegmentSpec) -> str:
        """Name the segment by all that decides its bytes."""
        return f"segments/{content_hash({'spec': spec.to_json(), 'plan': self.to_json()})}.mp4"
