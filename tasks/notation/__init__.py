"""Beats and sections in the files of other programs, read and written; one module a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tasks.domain.analysis import Analysis
from tasks.domain.errors import InvalidInput
from tasks.notation import jams, midi, svl, text
from tasks.notation.marks import Marks, Source

__all__ = ["FORMATS", "Format", "Marks", "export", "format_of", "load", "read"]

LARGEST_BYTES = 8 << 20


class Format(StrEnum):
    """How beats and sections are written, named by the end of the file's name."""

    CSV = "csv"
    LAB = "lab"
    AUDACITY = "txt"
    SONIC_VISUALISER = "svl"
    JAMS = "jams"
    MIDI = "mid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """A format's reader and writer; ``needs_beats`` where it holds nothing without them."""

    read: Callable[[bytes, Source], Marks]
    write: Callable[[Analysis], bytes]
    media_type: str
    needs_beats: bool


FORMATS = {
    Format.CSV: Notation(read=text.read_csv, write=text.write_csv, media_type="text/csv", needs_beats=True),
    Format.LAB: Notation(read=text.read_lab, write=text.write_lab, media_type="text/plain", needs_beats=False),
    Format.AUDACITY: Notation(
        read=text.read_labels, write=text.write_labels, media_type="text/plain", needs_beats=False
    ),
    Format.SONIC_VISUALISER: Notation(read=svl.read, write=svl.write, media_type="application/xml", needs_beats=True),
    Format.JAMS: Notation(read=jams.read, write=jams.write, media_type="application/json", needs_beats=False),
    Format.MIDI: Notation(read=midi.read, write=midi.write, media_type="audio/midi", needs_beats=True),
}


def format_of(name: str) -> Format:
    """Tell a file's format by the end of its name.

    Raises
    ------
    InvalidInput
        If it is none that we read and write.
    """
    ending = Path(name).suffix.lower().removeprefix(".")
    if ending == "midi":
        return Format.MIDI
    try:
        return Format(ending)
    except ValueError:
        raise InvalidInput(
            f"{name} does not end in {', '.join(f'.{one}' for one in Format)}; name a file of one of these formats.",
            code="format_unknown",
        ) from None


def read(data: bytes, name: str, duration_s: float) -> Marks:
    """Read beats and sections of a song that lasts ``duration_s`` seconds, in the format that ``name`` tells.

    Raises
    ------
    InvalidInput
        If the file is too large, empty, not of that format, or its times do not fit the song.
    """
    notation, source = FORMATS[format_of(name)], Source(Path(name).name, duration_s)
    _expect_size(len(data), source.name)
    if not data.strip():
        raise source.empty()
    return notation.read(data, source)


def load(path: Path, duration_s: float) -> Marks:
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
            f"{path} cannot be read ({error.strerror}); give a file that can.", code="import_unreadable"
        ) from error
    return read(data, path.name, duration_s)


def export(analysis: Analysis, form: Format) -> bytes:
    """Write what was heard in a song.

    Raises
    ------
    InvalidInput
        If the format holds beats and there are none, or cannot hold these.
    """
    notation = FORMATS[form]
    if notation.needs_beats and not analysis.beats:
        raise InvalidInput(
            f"No beat was heard, and .{form} holds beats; export the sections as .lab or .jams.",
            code="export_impossible",
        )
    return notation.write(analysis)


def _expect_size(size_bytes: int, name: str) -> None:
    if size_bytes > LARGEST_BYTES:
        raise InvalidInput(
            f"{name} is larger than {LARGEST_BYTES >> 20} MiB, which no list of beats or sections is; choose another.",
            code="import_too_large",
        )
