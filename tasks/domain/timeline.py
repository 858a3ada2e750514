"""The edit: which frames belong to which shot, and why each cut is where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from tasks.domain.document import SCHEMA, Document, expect_schema
from tasks.domain.errors import InvalidRecord
from tasks.domain.timebase import FrameRange, parse_rate, rate_text
from tasks.domain.transition import Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One shot; its first frame is the cut.

    ``beat_s`` is the beat that the cut lies on, in seconds of the film (None for the first shot and for
    cuts without a beat); ``section`` is the label of what is sung or played there. ``transition`` is how the shot
    before becomes this one over its first frames; None is a plain cut.
    """

    index: int
    frames: FrameRange
    beat_s: float | None
    section: str
    reason: str
    transition: Transition | None = None

    def __post_init__(self) -> None:
        if self.transition is not None and self.transition.frames > len(self.frames):
            raise InvalidRecord("a transition ends inside the shot that it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part ``[start_s, end_s)`` of the song that the film shows, exact."""

    start_s: Fraction
    end_s: Fraction

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise InvalidRecord("a window starts inside the song and ends after its start")

    @property
    def duration_s(self) -> Fraction:
        """Its length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Shots that follow each other without gap or overlap.

    ``window`` is None where the film shows the whole song. ``repeats`` are the stretches in which the plan itself may
    show a picture again: footage with fewer pictures than the film, frozen and slowed motion.

    Raises
    ------
    InvalidRecord
        If the shots do not cover ``[0, frames)`` in order.
    """

    frame_rate: Fraction
    shots: tuple[Shot, ...]
    window: Window | None
    repeats: tuple[FrameRange, ...] = ()

    def __post_init__(self) -> None:
        if not self.shots or self.shots[0].frames.start != 0:
            raise InvalidRecord("a timeline starts at frame 0")
        if any(before.frames.end != after.frames.start for before, after in pairwise(self.shots)):
            raise InvalidRecord("shots leave no gap and do not overlap")
        if self.shots[0].transition is not None:
            raise InvalidRecord("the first shot follows none, so that nothing can become it")
        if [shot.index for shot in self.shots] != list(range(len(self.shots))):
            raise InvalidRecord("shots are numbered from 0 in order")

    @property
    def frames(self) -> int:
        """Length of the film in frames."""
        return self.shots[-1].frames.end

    @property
    def cuts(self) -> tuple[Shot, ...]:
        """The shots that begin with a cut: all but the first."""
        return self.shots[1:]

    def may_repeat(self, frame: int) -> bool:
        """Tell whether the plan may show the picture before ``frame`` again there."""
        return any(stretch.start <= frame < stretch.end for stretch in self.repeats)

    def joined_by(self, transitions: Sequence[Transition | None]) -> Timeline:
        """Give the timeline with how each shot becomes the next: one for every shot, None for a cut."""
        joined = zip(self.shots, transitions, strict=True)
        return replace(self, shots=tuple(replace(shot, transition=transition) for shot, transition in joined))

    def to_json(self) -> Document:
        """Write the document that lies beside the film."""
        window = self.window
        return {
            "schema": SCHEMA,
            "fps": rate_text(self.frame_rate),
            "frames": self.frames,
            "window": window and {"start_s": str(window.start_s), "end_s": str(window.end_s)},
            "repeats": [[stretch.start, stretch.end] for stretch in self.repeats],
            "shots": [
                {
                    "index": shot.index,
                    "start_frame": shot.frames.start,
                    "end_frame": shot.frames.end,
                    "beat_s": shot.beat_s,
                    "section": shot.section,
                    "reason": shot.reason,
                    "transition": shot.transition and shot.transition.to_json(),
                }
                for shot in self.shots
            ],
        }

    @classmethod
    def from_json(cls, document: Document) -> Timeline:
        """Read what `to_json` wrote, or what another tool wrote in its form.

        Raises
        ------
        InvalidRecord
            If the document is not of this form.
        """
        expect_schema(document, "timeline")
        try:
            window = document.get("window")
            timeline = cls(
                frame_rate=parse_rate(document["fps"]),
                window=window
                and Window(start_s=Fraction(str(window["start_s"])), end_s=Fraction(str(window["end_s"]))),
                repeats=tuple(FrameRange(start, end) for start, end in document.get("repeats", ())),
                shots=tuple(
                    Shot(
                        index=shot["index"],
                        frames=FrameRange(shot["start_frame"], shot["end_frame"]),
                        beat_s=shot["beat_s"],
                        section=shot.get("section", ""),
                        reason=shot.get("reason", ""),
                        transition=_transition(shot.get("transition")),
                    )
                    for shot in document["shots"]
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidRecord(f"this timeline is not of the form that render writes: {error}") from error
        if timeline.frames != document.get("frames"):
            raise InvalidRecord(f"the timeline says {document.get('frames')} frames, its shots {timeline.frames}")
        return timeline


def _transition(document: Document | None) -> Transition | None:
    return None if document is None else Transition.from_json(document)
