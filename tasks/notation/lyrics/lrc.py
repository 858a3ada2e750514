"""LRC: ``[mm:ss.xx]`` before each line, ``<mm:ss.xx>`` before each word in its enhanced form.

A line may have several stamps, and is then sung several times. ``[offset:+500]`` moves all lines half a second to the
front, ``[la:de]`` tells the language, other tags are passed over. A stamp with nothing behind it ends the line before.
Hundredths may stand behind a colon; a third number before a point makes the first one hours.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from tasks.domain.lyrics import LyricLine, Lyrics
from tasks.notation.lyrics.page import Page
from tasks.notation.lyrics.spoken import Piece, line_of

_TIME = r"(?:(\d{1,2}):)?(\d{1,3}):(\d{1,2})(?:[.,:](\d{1,3}))?"
_STAMP = re.compile(rf"\s*\[\s*{_TIME}\s*\]")
_INSIDE = re.compile(rf"[<\[]\s*{_TIME}\s*[>\]]")
_TAG = re.compile(r"\s*\[\s*([A-Za-z#][A-Za-z_]*)\s*:(.*)\]\s*")
_HEADING = re.compile(r"\s*\[[^\[\]\d][^\[\]:]*\]\s*")
_BROKEN = re.compile(r"[<\[]\s*\d+\s*[:.,][^>\]]*[>\]]?")
_A_MINUTE = 60


def looks_like(text: str) -> bool:
    """Tell whether a text has LRC's stamps on most of its lines."""
    filled = [line for line in text.splitlines() if line.strip()]
    return bool(filled) and 2 * sum(_STAMP.match(line) is not None for line in filled) > len(filled)


def read(page: Page) -> Lyrics:
    """Read lines with times.

    Raises
    ------
    InvalidInput
        If a line has no stamp, a stamp is no time, or there are no words.
    """
    tags: dict[str, str] = {}
    sung: list[tuple[float, LyricLine | None]] = []
    for number, line in page.lines():
        stamps, rest = _stamps(page, number, line)
        if stamps:
            sung.extend(_sung(page, number, stamps, rest))
        elif tag := _TAG.fullmatch(line):
            tags[tag[1].lower()] = tag[2].strip()
            if tag[1].lower() == "offset":
                _offset_s(page, number, tag[2])
        elif line.strip() and not _HEADING.fullmatch(line) and not line.lstrip().startswith("#"):
            raise page.wrong(number, "it has no time; begin it with one like [01:23.45], or remove it.")
    offset_s = float(tags.get("offset") or 0) / 1000
    lines = _in_order(sung, offset_s)
    if not lines:
        raise page.empty()
    return Lyrics(lines=lines, language=tags.get("la") or None, format="lrc", encoding=page.encoding)


def write(lyrics: Lyrics) -> str:
    """Write lines, with their words where these have times; a line that ends before the next starts is ended."""
    out = [f"[la:{lyrics.language}]"] if lyrics.language else []
    following = [line.start_s for line in lyrics.lines[1:]] + [None]
    for line, after in zip(lyrics.lines, following, strict=True):
        assert line.start_s is not None
        out.append(f"[{_clock(line.start_s)}]{_words(line) if line.words else line.text}")
        if line.end_s is not None and (after is None or after > line.end_s):
            out.append(f"[{_clock(line.end_s)}]")
    return "\n".join(out) + "\n"


def _stamps(page: Page, number: int, line: str) -> tuple[list[float], str]:
    stamps = []
    while found := _STAMP.match(line):
        stamps.append(page.expect_time(number, _seconds(page, number, found)))
        line = line[found.end() :]
    if (broken := _BROKEN.match(line.lstrip())) and not _INSIDE.match(line.lstrip()):
        raise page.wrong(number, f"{broken[0]} is no time; write it like [01:23.45].")
    return stamps, line


def _sung(page: Page, number: int, stamps: list[float], rest: str) -> list[tuple[float, LyricLine | None]]:
    page.expect_line(number, rest)
    pieces, at = [], 0
    time: float | None = None
    for found in _INSIDE.finditer(rest):
        pieces.append(Piece(rest[at : found.start()], time))
        time, at = page.expect_time(number, _seconds(page, number, found)), found.end()
    pieces.append(Piece(rest[at:], time))
    if not pieces[0].text.strip():
        pieces = pieces[1:] or pieces
    ended = time if time is not None and not rest[at:].strip() else None
    first = min([stamps[0], *(piece.start_s for piece in pieces if piece.start_s is not None)])
    line = line_of(pieces, first, ended)
    if line is None:
        return [(stamp, None) for stamp in stamps]
    return [(stamp + first - stamps[0], _moved(line, stamp - stamps[0])) for stamp in stamps]


def _in_order(sung: list[tuple[float, LyricLine | None]], offset_s: float) -> tuple[LyricLine, ...]:
    """Sort by time, move by the offset, and let empty stamps end what is before them."""
    sung = sorted(sung, key=lambda one: one[0])
    lines = []
    for (_, line), (after, following) in pairwise([*sung, (0.0, sung[-1][1] if sung else None)]):
        if line is None:
            continue
        if following is None and line.end_s is None and line.start_s is not None and after > line.start_s:
            line = replace(line, end_s=after)  # noqa: PLW2901 - the same line with its end
        lines.append(_moved(line, -offset_s))
    return tuple(lines)


def _moved(line: LyricLine, by_s: float) -> LyricLine:
    if by_s == 0:
        return line

    def at(time_s: float) -> float:
        return max(0.0, round(time_s + by_s, 3))

    assert line.start_s is not None
    words = tuple(replace(word, start_s=at(word.start_s), end_s=at(word.end_s)) for word in line.words)
    start, end = at(line.start_s), None if line.end_s is None else at(line.end_s)
    return replace(line, start_s=start, end_s=end if end is None or end > start else None, words=words)


def _seconds(page: Page, number: int, found: re.Match[str]) -> float:
    hours, minutes, seconds, part = found.groups()
    if hours is not None and part is None:  # mm:ss:xx, as some programs write
        hours, minutes, seconds, part = None, hours, minutes, seconds
    if int(seconds) >= _A_MINUTE:
        raise page.wrong(number, f"{found[0].strip()} has {seconds} seconds in a minute; write 0 to 59.")
    fraction = int(part) / 10 ** len(part) if part else 0.0
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + fraction


def _offset_s(page: Page, number: int, text: str) -> None:
    try:
        float(text or 0)
    except ValueError:
        raise page.wrong(number, f"the offset {text.strip()!r} is no number of milliseconds.") from None


def _words(line: LyricLine) -> str:
    out = []
    for word, after in zip(line.words, [*line.words[1:], None], strict=True):
        ended = f"<{_clock(word.end_s)}>" if after is None or after.start_s > word.end_s else ""
        space = " " if after is not None and not after.joined else ""
        out.append(f"<{_clock(word.start_s)}>{word.text}{ended}{space}")
    return "".join(out)


def _clock(time_s: float) -> str:
    milliseconds = round(time_s * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    seconds, part = divmod(rest, 1000)
    fraction = f"{part // 10:02d}" if part % 10 == 0 else f"{part:03d}"
    return f"{minutes:02d}:{seconds:02d}.{fraction}"
