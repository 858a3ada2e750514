"""Lyrics as plain text: a line a line, stanzas parted by blank lines, headings such as ``[Chorus]`` or ``Verse 2:``.

A heading without lines below it repeats those that stood below the same heading before. It holds until the next
heading; where all headings are of one kind, as where only choruses are marked, until the next blank line.
"""

from __future__ import annotations

import re

from tasks.domain.lyrics import LyricLine, Lyrics
from tasks.domain.parts import is_heading, label_of
from tasks.notation.lyrics.page import Page, clean

_BRACKETS = re.compile(r"\[([^\[\]]+)\]")


def read(page: Page) -> Lyrics:
    """Read lines without times.

    Raises
    ------
    InvalidInput
        If there are none, or one is too long.
    """
    lines: list[LyricLine] = []
    part: str | None = None
    stanza, below = 0, 0
    rows = [clean(page.expect_line(number, raw)) for number, raw in page.lines()]
    only_one_kind = len({label_of(heading) for row in rows if (heading := _heading(row)) is not None}) == 1
    for text in rows:
        heading = _heading(text)
        if heading is not None:
            lines.extend(_repeated(lines, part, stanza, below))
            part, below, stanza = heading, 0, stanza + 1
        elif text:
            lines.append(LyricLine(text=text, part=part, stanza=stanza))
            below += 1
        elif below:
            stanza += 1
            part = None if only_one_kind else part
    lines.extend(_repeated(lines, part, stanza, below))
    if not lines:
        raise page.empty()
    return Lyrics(lines=tuple(lines), format="txt", encoding=page.encoding)


def write(lyrics: Lyrics) -> str:
    """Write lines with blank lines between stanzas and headings above them."""
    out: list[str] = []
    before: LyricLine | None = None
    for line in lyrics.lines:
        if before is not None and (line.stanza, line.part) != (before.stanza, before.part):
            out.append("")
        if line.part is not None and (before is None or _is_new_part(before, line)):
            out.append(f"[{line.part}]")
        out.append(line.text)
        before = line
    return "\n".join(out) + "\n"


def _heading(text: str) -> str | None:
    text = text.strip("#* ")
    if found := _BRACKETS.fullmatch(text):
        return clean(found[1]) or None
    return text.rstrip(": ") if is_heading(text) else None


def _repeated(lines: list[LyricLine], part: str | None, stanza: int, below: int) -> list[LyricLine]:
    if part is None or below:
        return []
    same = [line for line in lines if line.part is not None and label_of(line.part) == label_of(part)]
    first = same and [line for line in same if line.part == same[0].part and line.stanza == same[0].stanza]
    return [LyricLine(text=line.text, part=part, stanza=stanza) for line in first or []]


def _is_new_part(before: LyricLine, line: LyricLine) -> bool:
    return before.part != line.part or line.stanza > before.stanza + 1
