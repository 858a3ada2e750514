"""One film, measured: its clock, its pictures and its sound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tasks.domain.errors import InvalidInput
from tasks.media.verify.clock import Clock, read_clock
from tasks.media.verify.container import read_container
from tasks.media.verify.pictures import Pictures, measure_pictures
from tasks.media.verify.sound import Heard, hear_film


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What decoding a film gave.

    Attributes
    ----------
    heard : Heard or None
        Its sound; None without a sound track.
    errors : tuple of str
        What the demuxer and the decoders complained of.
    undelivered : int
        Pictures that the track promises and decoding does not give.
    tags : tuple of str
        The film's texts.
    """

    clock: Clock
    pictures: Pictures
    heard: Heard | None
    errors: tuple[str, ...]
    undelivered: int
    tags: tuple[str, ...]


def measure_film(video: Path, planned_rate: Fraction | None, *, ffmpeg: str) -> Film:
    """Read the packets of ``video`` once and decode each of its two tracks once.

    Raises
    ------
    InvalidInput
        If it is no film, or not one picture can be decoded.
    """
    track, sound = read_container(video)
    clock = read_clock(track, planned_rate)
    pictures = measure_pictures(video, (track.width, track.height), clock.rate, ffmpeg=ffmpeg)
    if pictures.frames == 0:
        raise InvalidInput(f"No picture of {video.name} can be decoded; render it again.", code="video_not_media")
    heard = hear_film(video, sound, ffmpeg=ffmpeg) if sound else None
    return Film(
        clock=clock,
        pictures=pictures,
        heard=heard,
        errors=(
            *([track.error] if track.error else []),
            *pictures.errors,
            *(heard.errors if heard else []),
        ),
        undelivered=max(0, track.promised - pictures.frames),
        tags=track.tags,
    )
