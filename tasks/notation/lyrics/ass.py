r"""ASS and SSA by pysubs2: lines, and syllables where these have karaoke tags (``\k``, ``\K``, ``\kf``, ``\ko``)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pysubs2

from tasks.domain.lyrics import LyricLine, Lyrics, exact
from tasks.notation.lyrics.page import Page, clean, is_description
from tasks.notation.lyrics.spoken import Piece, line_of, once

_HEADS = {"v4.00+": "ass", "v4.00": "ssa"}
_EVENT = re.compile(r"\s*Dialogue\s*:(.*)", re.IGNORECASE)
_TIME = re.compile(r"\s*\d+:\d{1,2}:\d{1,2}[.:]\d{1,3}\s*")
_COMMAS = 9  # before an event's text
_BLOCK = re.compile(r"\{([^{}]*)\}")
_KARAOKE = re.compile(r"\\(?:kf|ko|k|K)\s*(\d+(?:\.\d+)?)")
_DRAWING = re.compile(r"\\p[1-9]")
_STYLE = pysubs2.SSAStyle(fontname="Noto Sans", fontsize=52, bold=True, outline=3, shadow=1, marginv=54)


def read(page: Page) -> Lyrics:
    """Read the dialogue; comments and drawings are passed over.

    Raises
    ------
    InvalidInput
        If the file is no script, an event's times cannot be read, or there are no words.
    """
    if "[events]" not in page.text.casefold():
        raise page.wrong(1, "there is no [Events] part; give a whole .ass file, or name it by its real format.")
    for number, row in page.lines():
        if event := _EVENT.fullmatch(row):
            _expect_event(page, number, event[1])
    version = "ssa" if re.search(r"^\s*ScriptType\s*:\s*v4\.00\s*$", page.text, re.IGNORECASE | re.MULTILINE) else "ass"
    try:
        script = pysubs2.SSAFile.from_string(page.text, format_=version)
    except (ValueError, pysubs2.Pysubs2Error) as error:
        raise page.wrong(1, f"the script cannot be read ({error}); save it again as .ass.") from error
    events = sorted((event for event in script if event.type == "Dialogue"), key=lambda event: event.start)
    lines = once([line for event in events if (line := _line(event)) is not None])
    if not lines:
        raise page.empty()
    return Lyrics(lines=lines, format="ass", encoding=page.encoding)


def write(lyrics: Lyrics) -> str:
    """Write a script with one style, and karaoke tags where words have times."""
    script = pysubs2.SSAFile()
    script.info.update({"PlayResX": "1280", "PlayResY": "720"})
    script.styles["Default"] = _STYLE
    for line in lyrics.ended().lines:
        assert line.start_s is not None
        assert line.end_s is not None
        text = "".join(_tagged(line)) if line.words else _literal(line.text)
        script.append(pysubs2.SSAEvent(start=_ms(line.start_s), end=_ms(line.end_s), text=text))
    return script.to_string("ass")


def _expect_event(page: Page, number: int, fields: str) -> None:
    parts = fields.split(",", _COMMAS)
    if len(parts) <= _COMMAS:
        raise page.wrong(number, f"a Dialogue has ten fields parted by commas, this one {len(parts)}; mend it.")
    for part in parts[1:3]:
        if not _TIME.fullmatch(part):
            raise page.wrong(number, f"{part.strip()!r} is no time; write it like 0:01:02.50.")
    page.expect_line(number, clean(_BLOCK.sub("", parts[_COMMAS])))


def _line(event: pysubs2.SSAEvent) -> LyricLine | None:
    if _DRAWING.search(event.text) or event.end <= event.start:
        return None
    text = event.text.replace("\\N", " ").replace("\\n", " ").replace("\\h", " ")
    pieces = list(_pieces(text, event.start / 1000))
    if is_description(clean("".join(piece.text for piece in pieces))):
        return None
    return line_of(pieces, event.start / 1000, event.end / 1000)


def _pieces(text: str, start_s: float) -> Iterator[Piece]:
    """Cut at karaoke tags; a tag says how many hundredths the syllable behind it lasts."""
    at, now_s, told = 0, start_s, None
    length_s = 0.0
    for block in _BLOCK.finditer(text):
        yield from _piece(text[at : block.start()], told)
        at = block.end()
        lengths = [float(found) / 100 for found in _KARAOKE.findall(block[1])]
        if lengths:
            now_s += length_s + sum(lengths[:-1])
            length_s, told = lengths[-1], round(now_s, 3)
        elif told is not None:
            told = None  # a change of look inside a syllable
    yield from _piece(text[at:], told)
    if length_s:
        yield Piece("", round(now_s + length_s, 3))


def _piece(text: str, start_s: float | None) -> Iterator[Piece]:
    if text or start_s is not None:  # a syllable without text ends the one before it
        yield Piece(text, start_s)


def _tagged(line: LyricLine) -> Iterator[str]:
    assert line.start_s is not None
    now = line.start_s
    for place, word in enumerate(line.words):
        if word.start_s > now:
            yield f"{{\\k{_hundredths(now, word.start_s)}}}"
        after = line.words[place + 1] if place + 1 < len(line.words) else None
        space = " " if after is not None and not after.joined else ""
        yield f"{{\\kf{_hundredths(word.start_s, word.end_s)}}}{_literal(word.text)}{space}"
        now = max(now, word.end_s)


def _hundredths(start_s: float, end_s: float) -> int:
    return round(100 * exact(end_s)) - round(100 * exact(start_s))


def _literal(text: str) -> str:
    return text.replace("{", "(").replace("}", ")").replace("\\", "/")


def _ms(time_s: float) -> int:
    return int(1000 * exact(time_s))
