"""What is encoded: the form that all segments of a film share, and the work of one segment."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction

from tasks.domain.caption import Caption
from tasks.domain.document import SCHEMA, Document, content_hash, expect_schema
from tasks.domain.effect import Effect
from tasks.domain.errors import InvalidRecord
from tasks.domain.timebase import FrameRange, parse_rate, rate_text
from tasks.domain.transition import Transition

_SMALLEST = 16


class Codec(StrEnum):
    """How pictures are coded; H.264 is what every player shows, the others are further renditions.

    ``h264_nvenc`` is H.264 by NVIDIA's GPUs, experimental.
    """

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"
    H264_NVENC = "h264_nvenc"


class Preset(StrEnum):
    """How much time and space a film's pictures get."""

    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSpec:
    """The form of a film's pictures: yuv420p, BT.709 limited, in H.264 High unless ``codec`` says otherwise.

    Only segments of equal specs are joined, since preset and crf are written into the stream's parameter sets. The rate
    is capped where H.264's level 4.1 ends, far above what pictures need: an encoder that meets its cap knows too little
    at the beginning of a segment, and gives it less than one encode of the whole would.
    """

    width: int
    height: int
    frame_rate: Fraction
    codec: Codec = Codec.H264
    preset: str = "veryfast"
    crf: int = 21
    maxrate: str = "50M"
    bufsize: str = "60M"
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
        rate, codec = parse_rate(document["frame_rate"]), Codec(document.get("codec", Codec.H264))
        return cls(**{**fields, "frame_rate": rate, "codec": codec})

    @classmethod
    def for_preset(
        cls, preset: Preset, size: tuple[int, int], frame_rate: Fraction, codec: Codec = Codec.H264
    ) -> SegmentSpec:
        """Give the form that a preset means for pictures of ``size`` (width, height)."""
        width, height = size
        speed, crf = _SPEEDS[codec][preset]
        return cls(
            width=width,
            height=height,
            frame_rate=frame_rate,
            codec=codec,
            preset=speed,
            crf=crf,
            gop=round(_KEYFRAME_EVERY_S * frame_rate),
        )


_KEYFRAME_EVERY_S = 2
"""Every segment begins with a keyframe, and a long one has more, so that players seek within two seconds anywhere."""

_SPEEDS = {
    Codec.H264: {Preset.DRAFT: ("ultrafast", 26), Preset.STANDARD: ("veryfast", 21), Preset.HIGH: ("fast", 20)},
    Codec.HEVC: {Preset.DRAFT: ("ultrafast", 28), Preset.STANDARD: ("superfast", 24), Preset.HIGH: ("fast", 22)},
    Codec.AV1: {Preset.DRAFT: ("9", 40), Preset.STANDARD: ("8", 32), Preset.HIGH: ("6", 28)},
    Codec.H264_NVENC: {Preset.DRAFT: ("p1", 28), Preset.STANDARD: ("p4", 23), Preset.HIGH: ("p6", 21)},
}
"""The encoder's own preset, and its quality, which each codec counts in its own way."""


class SourceKind(StrEnum):
    """Where pictures come from: the built-in renderer (`StyleShot`) or footage (`ClipShot`)."""

    STYLE = "style"
    CLIP = "clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the pictures of a shot come from.

    Attributes
    ----------
    kind : SourceKind
        What reads ``settings``.
    settings : dict
        All that decides the pictures, the content keys of files that they are drawn from among them.
    frames : FrameRange
        The stretch of the source's own clock; 0 is the first frame of its shot.
    """

    kind: SourceKind
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
        return cls(kind=SourceKind(document["kind"]), settings=document["settings"], frames=frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """One segment's work: the film's frames that it holds, their source and what happens to them.

    Attributes
    ----------
    index : int
        The segment's place in the film.
    shot : int
        The shot that it shows, or shows a part of.
    transition, outgoing : Transition and Source, or None
        How the shot before becomes this one, and the pictures of it that are still seen meanwhile; both or neither.
    """

    index: int
    shot: int
    frames: FrameRange
    source: Source
    transition: Transition | None = None
    outgoing: Source | None = None
    effects: tuple[Effect, ...] = ()
    captions: tuple[Caption, ...] = ()

    def __post_init__(self) -> None:
        if len(self.source.frames) != len(self.frames):
            raise InvalidRecord("a segment's source gives exactly its frames")
        if (self.transition is None) != (self.outgoing is None):
            raise InvalidRecord("a transition has an outgoing source, and nothing else has one")
        if self.transition is not None and self.outgoing is not None:
            if self.transition.frames != len(self.outgoing.frames):
                raise InvalidRecord("the outgoing source gives exactly the transition's frames")
            if self.transition.frames > len(self.frames):
                raise InvalidRecord("a transition ends inside the segment that it begins")

    def to_json(self) -> Document:
        """Write the document."""
        return {
            "schema": SCHEMA,
            "index": self.index,
            "shot": self.shot,
            "start_frame": self.frames.start,
            "end_frame": self.frames.end,
            "source": self.source.to_json(),
            "transition": self.transition and self.transition.to_json(),
            "outgoing": self.outgoing and self.outgoing.to_json(),
            "effects": [effect.to_json() for effect in self.effects],
            "captions": [caption.to_json() for caption in self.captions],
        }

    @classmethod
    def from_json(cls, document: Document) -> SegmentPlan:
        """Read what `to_json` wrote."""
        expect_schema(document, "segment plan")
        transition, outgoing = document["transition"], document["outgoing"]
        return cls(
            index=document["index"],
            shot=document["shot"] if "shot" in document else document["index"],
            frames=FrameRange(document["start_frame"], document["end_frame"]),
            source=Source.from_json(document["source"]),
            transition=None if transition is None else Transition.from_json(transition),
            outgoing=None if outgoing is None else Source.from_json(outgoing),
            effects=tuple(Effect.from_json(effect) for effect in document["effects"]),
            captions=tuple(Caption.from_json(caption) for caption in document["captions"]),
        )

    def content_key(self, spec: SegmentSpec) -> str:
        """Name the segment by all that decides its bytes; its place among the others does not."""
        return f"segments/{content_hash({'spec': spec.to_json(), 'plan': self._decisive()})}.mp4"

    def pictures_key(self, spec: SegmentSpec) -> str:
        """Name the pictures that are encoded: segments that differ in their coding alone show the same."""
        form = {"width": spec.width, "height": spec.height, "frame_rate": rate_text(spec.frame_rate)}
        return content_hash({"form": form, "plan": self._decisive()})

    def _decisive(self) -> Document:
        return {name: value for name, value in self.to_json().items() if name not in {"index", "shot"}}
