"""The words of a song: lines, and when they and their words are sung where that is known.

Conventions
-----------
Times are seconds of the song, whole milliseconds, from its first decoded sample. A line's end is None where only its
start is known: it is over when the next one starts, or when it has been read.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise

from tasks.domain.document import SCHEMA, Document, expect_schema
from tasks.domain.errors import InvalidRecord
from tasks.domain.script import is_right_to_left

LONGEST_S = Fraction(7)
"""How long a line counts as sung whose end nobody tells; what subtitlers allow at most."""


def exact(time_s: float) -> Fraction:
    """Give a time of lyrics as the whole milliseconds that it means."""
    return Fraction(round(time_s * 1000), 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class LyricWord:
    """A word as it stands in its line, without the space after it, and the seconds in which it is sung.

    A syllable is a word too: ``joined`` says that no space stands before it.
    """

    text: str
    start_s: float
    end_s: float
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LyricLine:
    """One line.

    Attributes
    ----------
    text : str
        Without line feeds and without space around it.
    start_s, end_s : float or None
        When it is sung; both are None in plain text.
    words : tuple of LyricWord
        All of the line's words in order, or none.
    part : str or None
        The heading above it as it was written, such as ``Chorus``; plain text only.
    stanza : int
        Lines of one number belong together; plain text parts them by blank lines and headings.
    """

    text: str
    start_s: float | None = None
    end_s: float | None = None
    words: tuple[LyricWord, ...] = ()
    part: str | None = None
    stanza: int = 0

    def __post_init__(self) -> None:
        if not self.text.strip() or "\n" in self.text:
            raise InvalidRecord("a line of lyrics is one line with a text")
        if self.start_s is None:
            if self.end_s is not None or self.words:
                raise InvalidRecord("a line without a start has no other times")
            return
        if not math.isfinite(self.start_s) or self.start_s < 0:
            raise InvalidRecord("a line of lyrics starts in the song")
        if self.end_s is not None and not self.end_s > self.start_s:
            raise InvalidRecord("a line of lyrics ends after its start")
        if any(word.end_s < word.start_s for word in self.words):
            raise InvalidRecord("a word ends after its start")
        if any(after.start_s < before.start_s for before, after in pairwise(self.words)):
            raise InvalidRecord("words are sung in their order")

    @property
    def is_right_to_left(self) -> bool:
        """Whether the line begins at the right."""
        return is_right_to_left(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lyrics:
    """The words of one song, in the order of the song.

    Attributes
    ----------
    language : str or None
        BCP 47 tag, where the file tells it.
    format, encoding : str
        What they were read from and in which encoding, so that a wrong guess can be seen.

    Raises
    ------
    InvalidRecord
        If only some lines have times, or starts fall.
    """

    lines: tuple[LyricLine, ...]
    language: str | None = None
    format: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        starts = [line.start_s for line in self.lines if line.start_s is not None]
        if starts and len(starts) != len(self.lines):
            raise InvalidRecord("either all lines of lyrics have times or none has")
        if any(after < before for before, after in pairwise(starts)):
            raise InvalidRecord("lines of lyrics follow each other in time")

    @property
    def is_timed(self) -> bool:
        """Whether lines have times."""
        return bool(self.lines) and self.lines[0].start_s is not None

    @property
    def has_words(self) -> bool:
        """Whether the times of single words are known."""
        return any(line.words for line in self.lines)

    def ended(self) -> Lyrics:
        """Give every line its end: where the file tells none, the next line's start, or after `LONGEST_S`."""
        starts = [exact(line.start_s) for line in self.lines if line.start_s is not None]
        lines = []
        for line, start in zip(self.lines, starts, strict=True):
            if line.end_s is None:
                sung = max((exact(word.end_s) for word in line.words), default=start)
                longest = max(start + LONGEST_S, sung)
                end = min((later for later in starts if later > start), default=longest)
                line = replace(line, end_s=float(min(end, longest)))  # noqa: PLW2901 - the same line with its end
            lines.append(line)
        return replace(self, lines=tuple(lines))

    def between(self, start_s: Fraction, end_s: Fraction) -> Lyrics:
        """Give what is sung in a window of the song, on a clock that begins with it; lines are cut at its borders."""
        kept = []
        for line in self.ended().lines:
            assert line.start_s is not None
            assert line.end_s is not None
            if exact(line.start_s) < end_s and exact(line.end_s) > start_s:
                kept.append(_cut(line, start_s, end_s))
        return replace(self, lines=tuple(line for line in kept if line is not None))

    def to_json(self) -> Document:
        """Write the versioned document."""
        return {"schema": SCHEMA, **asdict(self), "lines": [asdict(line) for line in self.lines]}

    @classmethod
    def from_json(cls, document: Document) -> Lyrics:
        """Read what `to_json` wrote."""
        expect_schema(document, "text of lyrics")
        lines = tuple(
            LyricLine(**{**line, "words": tuple(LyricWord(**word) for word in line["words"])})
            for line in document["lines"]
        )
        return cls(**{name: value for name, value in document.items() if name != "schema"} | {"lines": lines})


def _cut(line: LyricLine, start_s: Fraction, end_s: Fraction) -> LyricLine | None:
    """Move a line to the window's clock; what is left of it lasts a millisecond at least, or there is none."""

    def at(time_s: float) -> float:
        return float(round(1000 * (min(max(exact(time_s), start_s), end_s) - start_s))) / 1000

    assert line.start_s is not None
    assert line.end_s is not None
    start, end = at(line.start_s), at(line.end_s)
    if end <= start:
        return None
    words = tuple(replace(word, start_s=at(word.start_s), end_s=at(word.end_s)) for word in line.words)
    return replace(line, start_s=start, end_s=end, words=words)
