"""Words on the picture: what is shown from which frame to which, and when each word is sung."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise

from tasks.domain.document import Document
from tasks.domain.errors import InvalidRecord


class CaptionStyle(StrEnum):
    """How words are set: sung lines, lines whose words are marked as they are sung, and cards."""

    LINE = "line"
    KARAOKE = "karaoke"
    TITLE = "title"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionWord:
    """A word of a line and the film's frames ``[start_frame, end_frame)`` in which it is sung."""

    text: str
    start_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A text over the film's frames ``[start_frame, end_frame)``.

    Attributes
    ----------
    text : str
        As it is read, its rows parted by line feeds. An empty row of a title is the rule below its first part.
    words : tuple of CaptionWord
        In reading order; empty where only the line's time is known. All of a row's letters are in its words.
    font : str
        Name of the font file that has every character of ``text``; part of the pictures' content key.
    language : str
        BCP 47 tag that chooses among a font's forms of a letter; empty where none is known.
    """

    text: str
    start_frame: int
    end_frame: int
    style: CaptionStyle
    font: str
    words: tuple[CaptionWord, ...] = ()
    language: str = ""

    def __post_init__(self) -> None:
        if self.end_frame <= self.start_frame:
            raise InvalidRecord("a caption is shown for at least one frame")
        if not self.text.strip():
            raise InvalidRecord("a caption has a text")
        if any(before.start_frame > after.start_frame for before, after in pairwise(self.words)):
            raise InvalidRecord("words are sung in their order")

    def to_json(self) -> Document:
        """Write the caption."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Document) -> Caption:
        """Read what `to_json` wrote."""
        words = tuple(CaptionWord(**word) for word in document["words"])
        return cls(**{**document, "style": CaptionStyle(document["style"]), "words": words})
