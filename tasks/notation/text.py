"""Lines of text: beats as CSV, ``.lab``, Audacity's label tracks, and what Sonic Visualiser writes as text.

A line is ``time``, ``time position``, ``time label``, ``start end label``, or in Sonic Visualiser's table of regions
``time,value,duration,label``. Numbers and empty labels make beats, words make sections. A section without an end lasts
until the next.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from tasks.domain.analysis import Analysis
from tasks.domain.errors import InvalidInput
from tasks.notation.marks import Beat, Marks, Source, marks, position_of, spans_from_starts

Row = tuple[int, list[str]]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
_HINT = "give one beat a line (time) or one section a line (start end label), in seconds"
_POINT_S = 1e-6


def read_csv(data: bytes, source: Source) -> Marks:
    """Read a table with commas, semicolons or tabs; a first line of names is passed over."""
    text = decoded(data, source)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    try:
        rows = [
            (reader_line, row) for reader_line, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1)
        ]
    except csv.Error as error:
        raise source.not_format("table of beats", _HINT) from error
    filled = [(number, [cell.strip() for cell in row]) for number, row in rows if any(cell.strip() for cell in row)]
    if filled and not _is_number(filled[0][1][0]):
        filled = filled[1:]
    return _read(filled, source, is_table=True)


def read_lab(data: bytes, source: Source) -> Marks:
    """Read columns parted by spaces or tabs."""
    return _read(_lines(decoded(data, source), None), source)


def read_labels(data: bytes, source: Source) -> Marks:
    """Read a label track of Audacity (parted by tabs), or a list of times."""
    text = decoded(data, source)
    return _read(_lines(text, "\t" if "\t" in text else None), source)


def write_csv(analysis: Analysis) -> bytes:
    """Write beats, one a line: the time in seconds and the place in the bar."""
    lines = (f"{beat.time_s:.6f},{beat.position or ''}" for beat in analysis.beats)
    return _joined(["time_s,position", *lines])


def write_lab(analysis: Analysis) -> bytes:
    """Write sections, one a line: start, end and label."""
    return _joined(f"{one.start_s:.6f}\t{one.end_s:.6f}\t{one.label}" for one in analysis.sections)


def write_labels(analysis: Analysis) -> bytes:
    """Write a label track of Audacity: sections as regions, beats as points, in order of time."""
    regions = [(one.start_s, one.end_s, one.label) for one in analysis.sections]
    points = [(beat.time_s, beat.time_s, str(beat.position or "")) for beat in analysis.beats]
    return _joined(f"{start:.6f}\t{end:.6f}\t{label}" for start, end, label in sorted(regions + points))


def decoded(data: bytes, source: Source) -> str:
    """Read bytes as UTF-8.

    Raises
    ------
    InvalidInput
        If they are another encoding, or no text at all.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{source.name} is not text in UTF-8; save it in that encoding.", code="import_unreadable"
        ) from error
    if "\0" in text:
        raise InvalidInput(f"{source.name} is not text in UTF-8; save it in that encoding.", code="import_unreadable")
    return text


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _lines(text: str, separator: str | None) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith(("#", "\\")):  # Audacity's second lines, of frequencies, begin with \
            continue
        yield number, [field.strip() for field in line.split(separator, 2)]


def _read(rows: Iterable[Row], source: Source, *, is_table: bool = False) -> Marks:
    beats: list[Beat] = []
    starts: list[tuple[float, str]] = []
    spans: list[tuple[float, float, str]] = []
    for number, fields in rows:
        if not _is_number(fields[0]):
            raise source.not_format("list of beats or sections", f"line {number} does not begin with a time: {_HINT}")
        time = float(fields[0])
        end, label = _end_and_label(fields, is_table=is_table)
        if end is not None and not abs(end - time) <= _POINT_S:
            spans.append((time, end, label))
        elif not label or _is_number(label) or position_of(label) is not None:
            beats.append((time, label))
        else:
            starts.append((time, label))
    if starts and spans:
        raise source.not_format("list of sections", "give every section an end, or none")
    return marks(source, beats, spans or spans_from_starts(starts, source.duration_s))


def _end_and_label(fields: list[str], *, is_table: bool) -> tuple[float | None, str]:
    """Give a line's end, where it has one, and its label."""
    match fields:
        case [time, _, duration, label, *_] if is_table and _is_number(duration):
            return float(time) + float(duration), label
        case [_, position, confidence] if is_table and _is_number(confidence):
            return None, position
        case [_, end, label, *_] if _is_number(end):
            return float(end), label
        case [_, *words]:
            return None, " ".join(words)
    return None, ""


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None
