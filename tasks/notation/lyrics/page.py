"""What all readers of lyrics share: bytes to text, times, clean lines, and errors that name the line."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from dataclasses import dataclass

from tasks.domain.errors import InvalidInput

LONGEST_LINE = 400
_MOST_LINES = 5000
_LATEST_S = 6 * 3600.0
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16"),
)
_UNWRITTEN, _MOST_UNWRITTEN = frozenset({"Cc", "Cn"}), 0.01
_SPACES = re.compile(r"\s+")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")
_NOTES = re.compile("[♩♪♫♬♭♮♯\N{EIGHTH NOTE}\N{MUSICAL SYMBOL G CLEF}]+")
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_CAPTION = re.compile(r"\[[^\[\]]*\]")


@dataclass(frozen=True, slots=True)
class Page:
    """A file's name and its decoded text."""

    name: str
    text: str
    encoding: str

    def lines(self) -> list[tuple[int, str]]:
        """Give the file's lines with their numbers, from 1."""
        return list(enumerate(re.split(r"\r\n|\r|\n", self.text), 1))

    def wrong(self, line: int, what: str) -> InvalidInput:
        """Say what is wrong with a line and what to do."""
        return InvalidInput(f"{self.name}, line {line}: {what}", code="lyrics_invalid")

    def empty(self) -> InvalidInput:
        """Say that there are no words in the file."""
        return InvalidInput(f"{self.name} has no words; give a file with the lines of the song.", code="lyrics_empty")

    def expect_line(self, line: int, text: str) -> str:
        """Refuse a line that nobody could sing."""
        if len(text) > LONGEST_LINE:
            raise self.wrong(line, f"it has {len(text)} characters; break it into lines of at most {LONGEST_LINE}.")
        if line > 4 * _MOST_LINES:
            raise self.wrong(line, f"lyrics have at most {4 * _MOST_LINES} lines; give the words of one song.")
        return text

    def expect_time(self, line: int, time_s: float) -> float:
        """Refuse a time that lies in no song."""
        if time_s > _LATEST_S:
            raise self.wrong(line, "its time is later than six hours; give times from the beginning of the song.")
        return round(time_s, 3)


def decoded(data: bytes, name: str) -> Page:
    """Read bytes as the Unicode encoding that their mark or their pattern shows, else as Windows-1252 (Latin-1).

    Raises
    ------
    InvalidInput
        If they are no text.
    """
    text, encoding = _decoded(data)
    if text is None or not _is_text(text):
        raise InvalidInput(
            f"{name} is no text; give lyrics as .lrc, .srt, .vtt, .ass or .txt in UTF-8.", code="lyrics_unreadable"
        )
    return Page(name, text, encoding)


def _is_text(text: str) -> bool:
    """Tell words from bytes that merely can be decoded: next to no controls and unassigned characters."""
    odd = sum(unicodedata.category(char) in _UNWRITTEN and not char.isspace() for char in text)
    return "\0" not in text and odd <= _MOST_UNWRITTEN * len(text)


def _decoded(data: bytes) -> tuple[str | None, str]:
    for mark, codec, told in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(codec), told
            except UnicodeDecodeError:
                return None, told
    for codec in _without_mark(data):
        try:
            return data.decode(codec), codec
        except UnicodeDecodeError:
            continue
    return None, ""


def _without_mark(data: bytes) -> tuple[str, ...]:
    """Guess what may be tried: two-byte text of our scripts has zeros at every other place in its line feeds."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if even or odd:
        return ("utf-16-be",) if even > odd else ("utf-16-le",)
    return ("utf-8", "cp1252", "latin-1")


def clean(text: str) -> str:
    """Give a line as it is read: composed, without tags, notes, marks of direction, controls and needless spaces."""
    text = unicodedata.normalize("NFC", html.unescape(_NOTES.sub(" ", _TAGS.sub("", text))))
    kept = (
        " " if char.isspace() else char
        for char in text
        if char.isspace() or char in _JOINERS or not unicodedata.category(char).startswith("C")
    )
    return _SPACES.sub(" ", "".join(kept)).strip(" \N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")


def is_description(text: str) -> bool:
    """Tell whether a line only describes a sound, as in ``[Music]``."""
    return _CAPTION.fullmatch(text) is not None
