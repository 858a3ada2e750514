"""Decide on the cards of a film: a title for its first 4 s, credits for its last 5 s, each for two fifths at most."""

from __future__ import annotations

from fractions import Fraction

from tasks.domain.caption import Caption, CaptionStyle
from tasks.domain.request import VideoRequest
from tasks.domain.script import language_of
from tasks.domain.timeline import Timeline
from tasks.media.captions.layout import Size, rows_of
from tasks.media.fonts import choose_font, without_decoration

_TITLE_S, _CREDITS_S, _LARGEST_SHARE = Fraction(4), Fraction(5), Fraction(2, 5)


def cards_of(timeline: Timeline, request: VideoRequest) -> list[Caption]:
    """Plan the cards that the request has texts for.

    Raises
    ------
    InvalidInput
        If no font here has a card's letters.
    """

    def length(most_s: Fraction) -> int:
        return max(1, int(min(most_s * timeline.frame_rate, _LARGEST_SHARE * timeline.frames)))

    ends = timeline.frames
    cards = (
        (request.title, CaptionStyle.TITLE, (0, min(ends, length(_TITLE_S)))),
        (request.credits, CaptionStyle.CREDIT, (max(0, ends - length(_CREDITS_S)), ends)),
    )
    return [card for text, style, frames in cards if (card := _card(text or "", style, frames, request.size))]


def _card(text: str, style: CaptionStyle, frames: tuple[int, int], size: Size) -> Caption | None:
    parts = [part for line in text.splitlines() if (part := without_decoration(line))]
    if not parts:
        return None
    font, language = choose_font(" ".join(parts)), language_of(text)
    rows: list[str] = []
    for place, part in enumerate(parts):
        is_title = style is CaptionStyle.TITLE
        if is_title and place == 1:
            rows.append("")
        rows += rows_of(part, style, font, size, below=int(is_title and place > 0), language=language)
    return Caption(
        text="\n".join(rows), start_frame=frames[0], end_frame=frames[1], style=style, font=font, language=language
    )
