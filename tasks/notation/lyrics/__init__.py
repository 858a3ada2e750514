"""Lyrics in files, read and written; one module a format.

A file's format is told by the end of its name; a text file with LRC's stamps is LRC. Encodings are UTF-8, UTF-16 and
UTF-32, with a byte order mark or without where it can be told, else Windows-1252 (Latin-1); the record says which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tasks.domain.errors import InvalidInput
from tasks.domain.lyrics import Lyrics
from tasks.notation.lyrics import ass, cues, lrc, plain
from tasks.notation.lyrics.page import Page, decoded

__all__ = ["FORMATS", "LARGEST_BYTES", "LyricsFormat", "format_of", "load", "read", "write"]

LARGEST_BYTES = 1 << 20


class LyricsFormat(StrEnum):
    """How lyrics are written, named by the end of the file's name."""

    LRC = "lrc"
    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"
    TEXT = "txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """A format's reader and writer."""

    read: Callable[[Page], Lyrics]
    write: Callable[[Lyrics], str]
    media_type: str
    needs_times: bool = True


FORMATS = {
    LyricsFormat.LRC: Writing(read=lrc.read, write=lrc.write, media_type="application/x-lrc"),
    LyricsFormat.SRT: Writing(read=cues.read_srt, write=cues.write_srt, media_type="application/x-subrip"),
    LyricsFormat.VTT: Writing(read=cues.read_vtt, write=cues.write_vtt, media_type="text/vtt"),
    LyricsFormat.ASS: Writing(read=ass.read, write=ass.write, media_type="text/x-ssa"),
    LyricsFormat.TEXT: Writing(read=plain.read, write=plain.write, media_type="text/plain", needs_times=False),
}


def format_of(name: str) -> LyricsFormat:
    """Tell a file's format by the end of its name.

    Raises
    ------
    InvalidInput
        If it is none that we read and write.
    """
    ending = Path(name).suffix.lower().removeprefix(".")
    try:
        return LyricsFormat({"ssa": "ass", "text": "txt"}.get(ending, ending))
    except ValueError:
        raise InvalidInput(
            f"{name} does not end in {', '.join(f'.{one}' for one in LyricsFormat)}; name the lyrics by their format.",
            code="format_unknown",
        ) from None


def read(data: bytes, name: str) -> Lyrics:
    """Read lyrics in the format that ``name`` tells.

    Raises
    ------
    InvalidInput
        If the file is too large, no text, broken (the line is named) or has no words.
    """
    form, short = format_of(name), Path(name).name
    _expect_size(len(data), short)
    page = decoded(data, short)
    if not page.text.strip():
        raise page.empty()
    if form is LyricsFormat.TEXT and lrc.looks_like(page.text):
        form = LyricsFormat.LRC
    return FORMATS[form].read(page)


def load(path: Path) -> Lyrics:
    """Read a file; see `read`.

    Raises
    ------
    InvalidInput
        Also if there is no such file.
    """
    format_of(path.name)
    try:
        _expect_size(path.stat().st_size, path.name)
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read ({error.strerror}); give a file that can.", code="lyrics_unreadable"
        ) from error
    return read(data, path.name)


def write(lyrics: Lyrics, form: LyricsFormat) -> bytes:
    """Write lyrics as UTF-8; those without times only as text.

    Raises
    ------
    InvalidInput
        If the format needs times and there are none.
    """
    writing = FORMATS[form]
    if writing.needs_times and not lyrics.is_timed:
        raise InvalidInput(
            f"These lyrics have no times, which .{form} needs; take .txt, or have the song heard first.",
            code="export_impossible",
        )
    return writing.write(lyrics).encode()


def _expect_size(size_bytes: int, name: str) -> None:
    if size_bytes > LARGEST_BYTES:
        raise InvalidInput(
            f"{name} is larger than {LARGEST_BYTES >> 20} MiB, which no song's words are; choose another.",
            code="lyrics_too_large",
        )
