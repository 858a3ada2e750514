"""What a finished film says of itself to players."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise

from tasks.domain.analysis import Section
from tasks.domain.document import Document
from tasks.domain.timebase import FrameRange, nearest_frame
from tasks.domain.timeline import Timeline

FLASHES_UNLIMITED = "Made by VibeCraft with flash limiting switched off: may flash more than three times per second."
"""The comment of a film whose flashes nobody limited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A stretch of the film that players can jump to."""

    title: str
    frames: FrameRange


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmTags:
    """The film's title and artist as the song's file has them, a comment, and its chapters."""

    title: str | None = None
    artist: str | None = None
    comment: str | None = None
    chapters: tuple[Chapter, ...] = ()

    def texts(self) -> dict[str, str]:
        """Give what is there, by the container's names."""
        named = {"title": self.title, "artist": self.artist, "comment": self.comment}
        return {name: text for name, text in named.items() if text}

    def to_json(self) -> Document:
        """Write the tags."""
        return asdict(self)


NAMELESS = FilmTags()


def chapters_of(sections: tuple[Section, ...], timeline: Timeline) -> tuple[Chapter, ...]:
    """Make one chapter of each section that the film shows.

    A chapter begins on the cut that begins its section, or on the frame nearest to it where there is no such cut; they
    cover the film. Labels that come more than once are counted: Verse 1, Verse 2.
    """
    counts = Counter(section.label for section in sections)
    seen: Counter[str] = Counter()
    marks: dict[int, str] = {}
    for section in sections:
        seen[section.label] += 1
        number = f" {seen[section.label]}" if counts[section.label] > 1 else ""
        frame = max(0, _begins(section, timeline))
        if frame < timeline.frames:
            marks[frame] = (
                f"{section.label.capitalize()}{number}"  # of those that begin before the film, the last is in it
            )
    starts = sorted(marks)
    return tuple(
        Chapter(title=marks[start], frames=FrameRange(start, end))
        for start, end in pairwise([*starts, timeline.frames])
    )


def _begins(section: Section, timeline: Timeline) -> int:
    start_s = timeline.window.start_s if timeline.window else Fraction(0)
    wished = nearest_frame(Fraction(section.start_s) - start_s, timeline.frame_rate)
    near = timeline.frame_rate / 2  # the section's first beat lies within half a second of its border
    cuts = sorted(_cuts_near(wished, near, timeline), key=lambda frame: abs(frame - wished))
    return cuts[0] if cuts else wished


def _cuts_near(frame: int, most: Fraction, timeline: Timeline) -> Iterator[int]:
    return (cut.frames.start for cut in timeline.cuts if abs(cut.frames.start - frame) <= most)
