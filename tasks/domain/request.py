"""What a user asks of a video."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from tasks.domain.clip import Fit
from tasks.domain.document import SCHEMA, Document, expect_schema
from tasks.domain.effect import EffectKind
from tasks.domain.errors import InvalidInput
from tasks.domain.rework import Rework
from tasks.domain.segment import Codec, Preset, SegmentSpec
from tasks.domain.style import StyleName
from tasks.domain.timebase import parse_rate, rate_text
from tasks.domain.timeline import Timeline
from tasks.domain.transition import TransitionKind

MIN_WINDOW_S = 2
LARGEST_SEED = 2**63 - 1


class Aspect(StrEnum):
    """Shape of the picture."""

    LANDSCAPE = "16:9"
    PORTRAIT = "9:16"
    SQUARE = "1:1"
    FEED = "4:5"


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


class Deal(StrEnum):
    """How footage is dealt to the shots: in its own order, or lively footage to loud shots."""

    ORDER = "order"
    MOTION = "motion"


class Words(StrEnum):
    """How the song's lyrics are shown: not, burnt in by line or word by word, or as a track that players switch on."""

    OFF = "off"
    LINE = "line"
    KARAOKE = "karaoke"
    SOFT = "soft"


class AudioMode(StrEnum):
    """What becomes of the song's sound: AAC-LC is kept as it is where that is exact, or always, or never."""

    AUTO = "auto"
    COPY = "copy"
    AAC = "aac"


AUTO_STYLE = "auto"

SHORTEST_SHORT_S, LONGEST_SHORT_S = 5, 90
SHORTEST_LOOP_S, LONGEST_LOOP_S = 3, 8
LONGEST_CARD = 400
_SHORTEST_SHOT_S, _LONGEST_SHOT_S = Fraction(1, 10), Fraction(10)
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
    shortest_shot_s : Fraction
        No shot is shorter, 1/10..10 s.
    effects, transitions : tuple or None
        The kinds that the edit may use; None leaves the choice to it, an empty tuple allows none.
    limit_flashes : bool
        Keep general and red flashes within WCAG 2.3.1; switched off, the film says so in its metadata.
    footage : tuple of str
        Ids of the owner's footage that the shots show; empty for the built-in renderer.
    deal, fit
        How footage is dealt to shots and brought to the picture's shape.
    words, title, credits : Words, str or None
        Lyrics on the picture, and the texts of a card at the beginning and at the end.
    audio : AudioMode
        What becomes of the song's sound.
    codec : Codec
        How the pictures are coded.
    short_s, loop_s : Fraction or None
        The song's best part of so many seconds; or bars of about so many, shown over and over. At most one of both,
        and neither with a start or an end.
    rework : Rework or None
        The film is cut out of another film's segments, as an editor did it.
    timeline : Timeline or None
        The cuts are these, and not the edit's own.

    Raises
    ------
    InvalidInput
        If the window is shorter than 2 s or upside down, or a number or a text is out of range.
    """

    style: StyleName | None = None
    aspect: Aspect = Aspect.LANDSCAPE
    resolution: Resolution = Resolution.P720
    frame_rate: Fraction = Fraction(30)
    seed: int | None = None
    start_s: Fraction | None = None
    end_s: Fraction | None = None
    preset: Preset = Preset.STANDARD
    shortest_shot_s: Fraction = Fraction(1, 2)
    effects: tuple[EffectKind, ...] | None = None
    transitions: tuple[TransitionKind, ...] | None = None
    limit_flashes: bool = True
    footage: tuple[str, ...] = ()
    deal: Deal = Deal.ORDER
    fit: Fit = Fit.FILL
    words: Words = Words.OFF
    title: str | None = None
    credits: str | None = None
    audio: AudioMode = AudioMode.AUTO
    codec: Codec = Codec.H264
    short_s: Fraction | None = None
    loop_s: Fraction | None = None
    rework: Rework | None = None
    timeline: Timeline | None = None

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
        if not _SHORTEST_SHOT_S <= self.shortest_shot_s <= _LONGEST_SHOT_S:
            raise InvalidInput("The shortest shot lasts between 0.1 and 10 seconds.", code="shot_length_invalid")
        self._expect_part()
        if any(len(text) > LONGEST_CARD for text in (self.title, self.credits) if text is not None):
            raise InvalidInput(f"A title and credits have at most {LONGEST_CARD} characters.", code="card_too_long")

    def _expect_part(self) -> None:
        parts = (self.short_s, self.loop_s, self.start_s if self.start_s is not None else self.end_s)
        if sum(part is not None for part in parts) > 1:
            raise InvalidInput("Choose one: a start and an end, the best part, or a loop.", code="window_invalid")
        if self.short_s is not None and not SHORTEST_SHORT_S <= self.short_s <= LONGEST_SHORT_S:
            raise InvalidInput("The best part lasts 5 to 90 seconds, for instance 15, 30 or 60.", code="window_invalid")
        if self.loop_s is not None and not SHORTEST_LOOP_S <= self.loop_s <= LONGEST_LOOP_S:
            raise InvalidInput("A loop lasts 3 to 8 seconds.", code="window_invalid")

    @property
    def spec(self) -> SegmentSpec:
        """The form of the film's pictures."""
        return SegmentSpec.for_preset(self.preset, self.size, self.frame_rate, self.codec)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        short, long = int(self.resolution[:-1]), _LONG_SIDE[self.resolution]
        return {
            Aspect.LANDSCAPE: (long, short),
            Aspect.PORTRAIT: (short, long),
            Aspect.SQUARE: (short, short),
            Aspect.FEED: (short, short * 5 // 4),
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
            "preset": self.preset,
            "shortest_shot_s": str(self.shortest_shot_s),
            "effects": None if self.effects is None else list(self.effects),
            "transitions": None if self.transitions is None else list(self.transitions),
            "limit_flashes": self.limit_flashes,
            "footage": list(self.footage),
            "deal": self.deal,
            "fit": self.fit,
            "words": self.words,
            "title": self.title,
            "credits": self.credits,
            "audio": self.audio,
            "codec": self.codec,
            "short_s": None if self.short_s is None else str(self.short_s),
            "loop_s": None if self.loop_s is None else str(self.loop_s),
            **({} if self.rework is None else {"rework": self.rework.to_json()}),
            **({} if self.timeline is None else {"timeline": self.timeline.to_json()}),
        }

    @classmethod
    def from_json(cls, document: Document) -> VideoRequest:
        """Read what `to_json` wrote; what an older version did not ask for has its default."""
        expect_schema(document, "video request")
        document = {**cls().to_json(), **document}
        start, end, style = document["start_s"], document["end_s"], document["style"]
        effects, transitions = document["effects"], document["transitions"]
        return cls(
            style=None if style is None else StyleName(style),
            aspect=Aspect(document["aspect"]),
            resolution=Resolution(document["resolution"]),
            frame_rate=parse_rate(document["fps"]),
            seed=document["seed"],
            start_s=None if start is None else Fraction(start),
            end_s=None if end is None else Fraction(end),
            preset=Preset(document["preset"]),
            shortest_shot_s=Fraction(document["shortest_shot_s"]),
            effects=None if effects is None else tuple(EffectKind(kind) for kind in effects),
            transitions=None if transitions is None else tuple(TransitionKind(kind) for kind in transitions),
            limit_flashes=document["limit_flashes"],
            footage=tuple(document["footage"]),
            deal=Deal(document["deal"]),
            fit=Fit(document["fit"]),
            words=Words(document["words"]),
            title=document["title"],
            credits=document["credits"],
            audio=AudioMode(document["audio"]),
            codec=Codec(document["codec"]),
            short_s=None if document["short_s"] is None else Fraction(document["short_s"]),
            loop_s=None if document["loop_s"] is None else Fraction(document["loop_s"]),
            rework=Rework.from_json(document["rework"]) if document.get("rework") else None,
            timeline=Timeline.from_json(document["timeline"]) if document.get("timeline") else None,
        )
