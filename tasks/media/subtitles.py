"""Lyrics as a track of the film that players switch on: ``mov_text`` in milliseconds, what Apple calls a timed text.

A sample shows all lines that are sung at its time, since samples of a track do not overlap; where none is, the muxer
fills in an empty one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from av.container import OutputContainer
from av.packet import Packet
from av.subtitles.stream import SubtitleStream

from tasks.domain.lyrics import Lyrics, exact

_TICK = Fraction(1, 1000)
_LANGUAGES = {
    "ar": "ara", "bg": "bul", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng",
    "es": "spa", "et": "est", "fa": "fas", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hr": "hrv",
    "hu": "hun", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn", "ko": "kor", "lt": "lit", "lv": "lav",
    "nb": "nob", "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk",
    "sl": "slv", "sr": "srp", "sv": "swe", "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie", "zh": "zho",
}  # fmt: skip
_HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\nPlayResX: 384\r\nPlayResY: 288\r\n\r\n[V4+ Styles]\r\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic,"
    b" Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL,"
    b" MarginR, MarginV, Encoding\r\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\r\n\r\n"
    b"[Events]\r\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)


def add_subtitles(film: OutputContainer, lyrics: Lyrics) -> Iterator[Packet[Any]]:
    """Add a track for ``lyrics``, whose times are seconds of the film, and give its packets in order."""
    stream = film.add_stream("mov_text")
    stream.codec_context.subtitle_header = _HEADER
    stream.time_base = _TICK
    stream.metadata["language"] = track_language(lyrics.language)
    return _packets(stream, lyrics)


def track_language(language: str | None) -> str:
    """Give the code that MP4 has for a BCP 47 tag: ISO 639-2, ``und`` where there is none."""
    first = (language or "").lower().replace("_", "-").split("-", 1)[0]
    return _LANGUAGES.get(first, first if first in _LANGUAGES.values() else "und")


def _packets(stream: SubtitleStream, lyrics: Lyrics) -> Iterator[Packet[Any]]:
    for start, end, text in _samples(lyrics):
        data = text.encode()
        packet: Packet[Any] = Packet(struct.pack(">H", len(data)) + data)
        packet.stream = stream
        packet.time_base = _TICK
        packet.pts = packet.dts = start
        packet.duration = end - start
        yield packet


def _samples(lyrics: Lyrics) -> Iterator[tuple[int, int, str]]:
    """Give start and end in milliseconds, and the text of all lines that are sung between them."""
    lines = [
        (int(exact(line.start_s) / _TICK), int(exact(line.end_s) / _TICK), line.text)
        for line in lyrics.ended().lines
        if line.start_s is not None and line.end_s is not None
    ]
    edges = sorted({edge for start, end, _ in lines for edge in (start, end)})
    for start, end in pairwise(edges):
        sung = [text for first, last, text in lines if first <= start and last >= end]
        if sung:
            yield start, end, "\n".join(sung)
