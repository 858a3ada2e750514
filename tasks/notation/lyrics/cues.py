"""SubRip and WebVTT: blocks of a time line and text; WebVTT may have a time before each word.

Cues may overlap and stand in any order; a missing number and a missing blank line between two cues are understood.
Rolling captions, which repeat each line, give it once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tasks.domain.lyrics import LyricLine, Lyrics, exact
from tasks.notation.lyrics.page import Page, clean, is_description
from tasks.notation.lyrics.spoken import Piece, line_of, once

_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_ARROW = re.compile(rf"\s*{_CLOCK}\s*-+>\s*{_CLOCK}(?:\s.*)?")
_INSIDE = re.compile(rf"<{_CLOCK}>")
_RUBY = re.compile(r"<rt>.*?</rt>", re.DOTALL)
_LANGUAGE = re.compile(r"\s*Language\s*:\s*([\w-]+)\s*", re.IGNORECASE)
_BLOCKS = ("NOTE", "STYLE", "REGION")
_A_MINUTE = 60


@dataclass(slots=True)
class _Cue:
    number: int
    start_s: float
    end_s: float
    text: list[str] = field(default_factory=list)


def read_srt(page: Page) -> Lyrics:
    """Read SubRip.

    Raises
    ------
    InvalidInput
        If a time cannot be read, a cue ends before it starts, or text stands before the first time.
    """
    return _lyrics(page, _cues(page, page.lines(), may_have_spaces=True), "srt")


def read_vtt(page: Page) -> Lyrics:
    """Read WebVTT, words too where the cues have times inside.

    Raises
    ------
    InvalidInput
        As for SubRip, and if the first line is not ``WEBVTT``.
    """
    lines = page.lines()
    if not re.match(r"WEBVTT(\s|$)", lines[0][1]):
        raise page.wrong(1, "a .vtt file begins with the line WEBVTT; add it, or name the file .srt.")
    body, language = _without_blocks(lines)
    return _lyrics(page, _cues(page, body, may_have_spaces=False), "vtt", language)


def write_srt(lyrics: Lyrics) -> str:
    """Write SubRip; words have no times there."""
    blocks = (
        f"{place}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{line.text}\n"
        for place, (line, start, end) in enumerate(_timed(lyrics), 1)
    )
    return "\n".join(blocks)


def write_vtt(lyrics: Lyrics) -> str:
    """Write WebVTT, with a time before each word where these are known."""
    head = "WEBVTT\n" + (f"Language: {lyrics.language}\n" if lyrics.language else "")
    blocks = (
        f"\n{_clock(start, '.')} --> {_clock(end, '.')}\n{_karaoke(line) if line.words else _escaped(line.text)}\n"
        for line, start, end in _timed(lyrics)
    )
    return head + "".join(blocks)


def _cues(page: Page, lines: Iterable[tuple[int, str]], *, may_have_spaces: bool) -> list[_Cue]:
    """Collect cues; a blank line ends one, in SubRip also where spaces stand on it."""
    cues: list[_Cue] = []
    before: tuple[int, str] | None = None  # what stands outside of cues: a number or a name, if a time follows
    is_open = False
    for number, line in lines:
        if "-->" in line:
            if is_open and cues[-1].text and cues[-1].text[-1].strip().isdecimal():
                cues[-1].text.pop()
            cues.append(_cue(page, number, line))
            before, is_open = None, True
        elif is_open and (line.strip() if may_have_spaces else line):
            cues[-1].text.append(page.expect_line(number, line))
        elif line.strip():
            if before is not None:
                _expect_number(page, before)
            before = (number, line)
        else:
            is_open = False
    if before is not None:
        _expect_number(page, before)
    return cues


def _expect_number(page: Page, outside: tuple[int, str]) -> None:
    number, line = outside
    if not line.strip().isdecimal():
        raise page.wrong(number, f"{line.strip()[:40]!r} has no time; write 00:01:02,000 --> 00:01:05,000 above it.")


def _cue(page: Page, number: int, line: str) -> _Cue:
    found = _ARROW.fullmatch(line)
    if found is None:
        raise page.wrong(number, f"{line.strip()[:60]!r} is no time; write it like 00:01:02,000 --> 00:01:05,000.")
    start, end = (page.expect_time(number, _seconds(page, number, found.groups()[at : at + 4])) for at in (0, 4))
    if end < start:
        raise page.wrong(number, "it ends before it starts; swap or mend its times.")
    return _Cue(number, start, end)


def _seconds(page: Page, number: int, parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, part = parts
    if max(int(minutes or 0), int(seconds or 0)) >= _A_MINUTE:
        raise page.wrong(number, "minutes and seconds go from 0 to 59; mend its times.")
    fraction = int(part) / 10 ** len(part) if part else 0.0
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + fraction


def _without_blocks(lines: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], str | None]:
    """Leave out the header, notes, styles and regions of WebVTT and give the header's language."""
    body: list[tuple[int, str]] = []
    language, skipping = None, True
    for number, line in lines:
        if skipping and (told := _LANGUAGE.fullmatch(line)):
            language = told[1]
        starts_block = bool(body) and not body[-1][1].strip() and line.strip().split(" ")[0] in _BLOCKS
        skipping = bool(line.strip()) and (skipping or (starts_block and "-->" not in line))
        body.append((number, "" if skipping else line))
    return body, language


def _lyrics(page: Page, cues: list[_Cue], form: str, language: str | None = None) -> Lyrics:
    cues.sort(key=lambda cue: cue.start_s)
    lines = [line for cue in _unrolled(cues) if (line := _line(page, cue)) is not None]
    if not lines:
        raise page.empty()
    return Lyrics(lines=once(lines), language=language, format=form, encoding=page.encoding)


def _unrolled(cues: list[_Cue]) -> Iterator[_Cue]:
    """Leave out what rolling captions repeat: a cue's first row that was the last row of the cue before."""
    rows = [[row for row in cue.text if clean(_INSIDE.sub("", row))] for cue in cues]
    shown = [[clean(_INSIDE.sub("", row)) for row in own] for own in rows]
    echoes = [bool(own and before) and own[0] == before[-1] for before, own in pairwise([[], *shown])]
    is_rolling = any(echo and len(own) > 1 for echo, own in zip(echoes, shown, strict=True))
    for cue, own, echo in zip(cues, rows, echoes, strict=True):
        yield replace(cue, text=own[1:] if echo and is_rolling else own)


def _line(page: Page, cue: _Cue) -> LyricLine | None:
    text = _RUBY.sub("", " ".join(part.strip() for part in cue.text))
    if cue.end_s <= cue.start_s or is_description(clean(text)):
        return None
    pieces, at, time = [], 0, None
    for found in _INSIDE.finditer(text):
        pieces.append(Piece(text[at : found.start()], time))
        time, at = _seconds(page, cue.number, found.groups()), found.end()
    if not pieces:
        return line_of([Piece(text, None)], cue.start_s, cue.end_s)
    pieces.append(Piece(text[at:], time))
    tidy = [Piece(_untagged(piece.text), piece.start_s) for piece in pieces]
    if not tidy[0].text.strip():
        tidy = tidy[1:]
    return line_of(tidy, cue.start_s, cue.end_s)


def _untagged(text: str) -> str:
    """Take tags out of a piece and keep the spaces around it, which part words."""
    bare = re.sub(r"<[^<>]*>", "", text)
    inside = clean(bare)
    lead, tail = (" " if edge.isspace() else "" for edge in (bare[:1], bare[-1:]))
    return f"{lead}{inside}{tail}" if inside else bare


def _timed(lyrics: Lyrics) -> Iterable[tuple[LyricLine, int, int]]:
    for line in lyrics.ended().lines:
        assert line.start_s is not None
        assert line.end_s is not None
        yield line, int(1000 * exact(line.start_s)), int(1000 * exact(line.end_s))


def _karaoke(line: LyricLine) -> str:
    out = []
    for word, after in zip(line.words, [*line.words[1:], None], strict=True):
        last_s = line.end_s if after is None else after.start_s
        ended = f"<{_stamp(word.end_s)}>" if last_s is not None and last_s > word.end_s else ""
        space = " " if after is not None and not after.joined else ""
        out.append(f"<{_stamp(word.start_s)}>{_escaped(word.text)}{ended}{space}")
    return "".join(out)


def _stamp(time_s: float) -> str:
    return _clock(int(1000 * exact(time_s)), ".")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(milliseconds: int, point: str) -> str:
    seconds, part = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{part:03d}"
