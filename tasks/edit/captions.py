"""Decide which words are on the picture, from which frame to which, and in which rows.

Rules
-----
A line is shown from the frame nearest to its start. It stays until it can be read (1 s, or 17 characters a second),
never beyond the next line's start: no two lines are shown at once. Lines that begin together, or one that would be
gone within 0.7 s, share a caption where their rows allow. A pause of less than 0.2 s between two lines is closed.
What needs more rows than the shape of the picture has is shown in several captions, each for its words' time or its
share of the letters. Words without times share their line's by letters, at most a quarter of a second each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from tasks.domain.analysis import Analysis
from tasks.domain.caption import Caption, CaptionStyle, CaptionWord
from tasks.domain.errors import InvalidInput
from tasks.domain.lyrics import LyricLine, Lyrics, exact
from tasks.domain.request import VideoRequest, Words
from tasks.domain.script import directed, language_of
from tasks.domain.timebase import nearest_frame
from tasks.domain.timeline import Timeline
from tasks.edit.cards import cards_of
from tasks.edit.lyrics import place_lyrics
from tasks.media.captions.layout import Size, most_rows, rows_of
from tasks.media.fonts import choose_font, without_decoration

_READ_S, _READ_CHARACTERS = Fraction(1), 17
_GONE_S = Fraction(7, 10)
_TOGETHER_S = Fraction(1, 5)
_SHORTEST_SUNG_S, _SLOWEST_S = Fraction(1), Fraction(1, 4)
_STYLES = {Words.LINE: CaptionStyle.LINE, Words.KARAOKE: CaptionStyle.KARAOKE}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A line in frames of the film, its rows once they are known, and its words."""

    rows: tuple[str, ...]
    start: int
    end: int
    font: str
    words: tuple[CaptionWord, ...]

    @property
    def letters(self) -> int:
        return sum(len(row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all lines of a film share."""

    style: CaptionStyle
    timeline: Timeline
    size: Size
    language: str


def expect_lyrics(lyrics: Lyrics | None, request: VideoRequest) -> None:
    """Refuse a video that is to show words of a song that has none.

    Raises
    ------
    InvalidInput
        If there are no lyrics and ``request.words`` is not off.
    """
    if lyrics is None and request.words is not Words.OFF:
        raise InvalidInput(
            f"The words are to be shown ({request.words}), but the song has no lyrics; give them (--lyrics FILE, or"
            " PUT to the song's lyrics), or switch the words off.",
            code="lyrics_absent",
        )


def sung_in(lyrics: Lyrics, analysis: Analysis, timeline: Timeline) -> Lyrics:
    """Give what is sung in the film, in seconds of the film; lines without times are placed.

    Raises
    ------
    InvalidInput
        If all lines lie behind the song's end.
    """
    first = lyrics.lines[0].start_s
    if first is not None and first >= analysis.duration_s:
        raise InvalidInput(
            f"The lyrics begin at {first:.1f} s, but the song ends at {float(analysis.duration_s):.1f} s; give the"
            " words of this song.",
            code="lyrics_outside",
        )
    window = timeline.window
    start, end = (window.start_s, window.end_s) if window else (Fraction(0), analysis.duration_s)
    return place_lyrics(lyrics, analysis).between(start, end)


def captions_of(
    lyrics: Lyrics | None, analysis: Analysis, timeline: Timeline, request: VideoRequest
) -> tuple[Caption, ...]:
    """Plan the captions of a film: lines as the request wants them, a title and credits.

    Raises
    ------
    InvalidInput
        If words are wanted and there are none, or no font here has a line's letters.
    """
    expect_lyrics(lyrics, request)
    captions = cards_of(timeline, request)
    style = _STYLES.get(request.words)
    if lyrics is not None and style is not None:
        lines = sung_in(lyrics, analysis, timeline).lines
        language = language_of(" ".join(line.text for line in lyrics.lines), lyrics.language)
        frame = _Frame(style, timeline, request.size, language)
        shown = _apart([one for line in lines if (one := _shown(line, frame))], timeline)
        captions += [
            Caption(
                text="\n".join(part.rows),
                start_frame=part.start,
                end_frame=part.end,
                style=style,
                font=part.font,
                words=part.words if style is CaptionStyle.KARAOKE else (),
                language=language,
            )
            for one in shown
            for part in _parts(one, most_rows(request.size))
        ]
    return tuple(sorted(captions, key=lambda caption: (caption.start_frame, caption.style)))


def _shown(line: LyricLine, frame: _Frame) -> _Shown | None:
    """Bring a line to frames; None where nothing of it is left to draw."""
    timeline = frame.timeline
    text = without_decoration(line.text)
    if not text or line.start_s is None or line.end_s is None:
        return None
    rate = timeline.frame_rate
    start = min(nearest_frame(exact(line.start_s), rate), timeline.frames - 1)
    end = min(max(nearest_frame(exact(line.end_s), rate), start + 1), timeline.frames)
    font = choose_font(text)
    rows = rows_of(text, frame.style, font, frame.size, language=frame.language)
    words = _split_at_rows(_words(line, text, rate), rows)
    return _Shown(rows, start, end, font, words)


def _words(line: LyricLine, text: str, rate: Fraction) -> list[CaptionWord]:
    """Give each word's frames; without times, its share of its line by letters."""
    assert line.start_s is not None
    assert line.end_s is not None
    timed = [(without_decoration(word.text), word.start_s, word.end_s) for word in line.words]
    if not timed:
        parts, at = text.split(), 0
        whole = sum(len(part) for part in parts)
        start = exact(line.start_s)
        length = min(exact(line.end_s) - start, max(_SHORTEST_SUNG_S, whole * _SLOWEST_S))
        for part in parts:
            first, at = at, at + len(part)
            timed.append((part, float(start + length * first / whole), float(start + length * at / whole)))
    return [
        CaptionWord(text=word, start_frame=nearest_frame(exact(a), rate), end_frame=nearest_frame(exact(b), rate))
        for word, a, b in timed
        if word
    ]


def _split_at_rows(words: Sequence[CaptionWord], rows: Sequence[str]) -> tuple[CaptionWord, ...]:
    """Divide a word that goes on in the next row, its time by letters."""
    waiting, whole = list(words), []
    for row in rows:
        room = len(row) - row.count(" ")
        while waiting and room > 0:
            word = waiting.pop(0)
            if len(word.text) > room:
                middle = word.start_frame + (word.end_frame - word.start_frame) * room // len(word.text)
                waiting.insert(0, replace(word, text=word.text[room:], start_frame=middle))
                word = replace(word, text=word.text[:room], end_frame=middle)
            whole.append(word)
            room -= len(word.text)
    return tuple(whole)


def _apart(lines: list[_Shown], timeline: Timeline) -> list[_Shown]:
    """Give each line the time to be read and none to two at once; join those that come too close."""
    rate = timeline.frame_rate
    gone, together = _GONE_S * rate, _TOGETHER_S * rate
    apart: list[_Shown] = []
    for line in lines:
        if not apart or line.start - apart[-1].start >= gone:
            apart.append(line)
        elif (font := _common_font(apart[-1], line)) is not None:
            apart[-1] = _joined(apart[-1], line, font)
        else:
            start = apart[-1].start + int(gone)
            apart.append(replace(line, start=start, end=max(line.end, start + 1)))
    read = []
    for place, line in enumerate(apart, 1):
        latest = apart[place].start if place < len(apart) else timeline.frames
        needed = max(_READ_S, Fraction(line.letters, _READ_CHARACTERS)) * rate
        end = min(max(line.end, line.start + int(needed)), latest)
        if latest - end < together and latest < timeline.frames:
            end = latest
        if end > line.start:
            read.append(replace(line, end=end))
    return read


def _common_font(first: _Shown, second: _Shown) -> str | None:
    try:
        return choose_font(" ".join(first.rows + second.rows))
    except InvalidInput:
        return None


def _joined(first: _Shown, second: _Shown, font: str) -> _Shown:
    """Show two lines in one caption, the second one's words not before the first one's last."""
    latest = first.words[-1].start_frame if first.words else first.start
    words = tuple(
        replace(word, start_frame=max(word.start_frame, latest), end_frame=max(word.end_frame, latest))
        for word in second.words
    )
    return _Shown(first.rows + second.rows, first.start, max(first.end, second.end), font, first.words + words)


def _parts(line: _Shown, most: int) -> list[_Shown]:
    """Cut what has more rows than fit at once; each part has its words' time, within the line's."""
    count = -(-len(line.rows) // most)
    if count == 1:
        return [replace(line, words=_within(line.words, line.start, line.end))]
    cuts = [round(Fraction(len(line.rows) * part, count)) for part in range(count + 1)]
    words, parts, start = list(line.words), [], line.start
    letters = 0
    for first, last in pairwise(cuts):
        rows = line.rows[first:last]
        letters += sum(len(row) for row in rows)
        room = sum(len(row) - row.count(" ") for row in rows)
        mine = []
        while words and room > 0:
            mine.append(words.pop(0))
            room -= len(mine[-1].text)
        share = line.start + (line.end - line.start) * letters // line.letters
        end = line.end if last == len(line.rows) else words[0].start_frame if words else share
        end = min(max(end, start + 1), line.end)
        if end > start:
            parts.append(
                replace(line, rows=directed(rows, line.rows[0]), start=start, end=end, words=_within(mine, start, end))
            )
        start = end
    return parts


def _within(words: Sequence[CaptionWord], start: int, end: int) -> tuple[CaptionWord, ...]:
    """Keep words' frames inside their caption's."""
    return tuple(
        replace(
            word, start_frame=min(max(word.start_frame, start), end), end_frame=min(max(word.end_frame, start), end)
        )
        for word in words
    )
