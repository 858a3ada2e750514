"""Lines from pieces of text with times: what enhanced LRC, WebVTT and karaoke in ASS have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.domain.lyrics import LyricLine, LyricWord
from tasks.notation.lyrics.page import clean


@dataclass(frozen=True, slots=True)
class Piece:
    """Text as it stands in the file, spaces included, sung from ``start_s``, which is None where no time is told."""

    text: str
    start_s: float | None


def line_of(pieces: Sequence[Piece], start_s: float, end_s: float | None) -> LyricLine | None:
    """Make a line; its words' times end where the next piece starts. None where no text is left.

    A piece without text tells when the one before it ends; a piece of several words is shared by their letters.
    """
    text = clean("".join(piece.text for piece in pieces))
    if not text:
        return None
    timed = [piece for piece in pieces if piece.start_s is not None]
    words = _words(pieces, start_s, end_s) if timed else ()
    if end_s is not None and end_s <= start_s:
        end_s = None
    return LyricLine(text=text, start_s=start_s, end_s=end_s, words=words)


def once(lines: Sequence[LyricLine]) -> tuple[LyricLine, ...]:
    """Leave out lines that stand there twice, as layers of one script do."""
    return tuple({(line.start_s, line.text): line for line in reversed(lines)}.values())[::-1]


def _words(pieces: Sequence[Piece], start_s: float, end_s: float | None) -> tuple[LyricWord, ...]:
    starts, latest = [], start_s
    for piece in pieces:
        latest = latest if piece.start_s is None else max(latest, piece.start_s)
        starts.append(latest)
    ends = [after for _, after in pairwise(starts)] + [max(starts[-1], end_s) if end_s is not None else starts[-1]]
    words: list[LyricWord] = []
    open_word = False
    for piece, start, end in zip(pieces, starts, ends, strict=True):
        parts = piece.text.split()
        if not parts:
            open_word = open_word and not piece.text
            continue
        joined = open_word and not piece.text[0].isspace()
        words.extend(_shared(parts, start, end, joined=joined))
        open_word = not piece.text[-1].isspace()
    if words and words[-1].end_s <= words[-1].start_s:
        words[-1] = replace(words[-1], end_s=round(words[-1].start_s + _usual(words), 3))
    return tuple(words)


def _shared(parts: Sequence[str], start: float, end: float, *, joined: bool) -> list[LyricWord]:
    """Share a piece's time among its words by their letters."""
    cleaned = [word for word in (clean(part) for part in parts) if word]
    whole = sum(len(word) for word in cleaned)
    words, done = [], 0
    for place, word in enumerate(cleaned):
        first = start + (end - start) * done / whole
        done += len(word)
        last = start + (end - start) * done / whole
        words.append(LyricWord(text=word, start_s=round(first, 3), end_s=round(last, 3), joined=joined and place == 0))
    return words


def _usual(words: Sequence[LyricWord]) -> float:
    """Give the length of a last word that no time ends: the mean of those before, or half a second."""
    lengths = [word.end_s - word.start_s for word in words[:-1]]
    return min(1.0, sum(lengths) / len(lengths)) if lengths else 0.5
