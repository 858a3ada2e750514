"""What a film's file says: its tracks, and when each picture is shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from tasks.domain.errors import InvalidInput
from tasks.media.probe import open_own


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTrack:
    """The picture track, from its header and packets.

    Attributes
    ----------
    rates : tuple of Fraction
        The frame rates that the container gives, the likeliest first.
    pts : tuple of int
        When each picture is shown, in ``time_base``, rising; edit lists are honoured.
    unstamped : int
        Pictures without a time.
    promised : int
        How many pictures the track says it shows.
    keyframes : tuple of int
        When the pictures are shown that need no other, in ``time_base``, rising: players jump to them, and what was
        joined begins with one.
    tags : tuple of str
        The film's texts: title, artist, comment and what else it says.
    error : str or None
        Why reading its packets broke off.
    """

    width: int
    height: int
    rates: tuple[Fraction, ...]
    time_base: Fraction
    pts: tuple[int, ...]
    unstamped: int
    promised: int
    keyframes: tuple[int, ...]
    tags: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundTrack:
    """The sound track, from its header."""

    sample_rate: int
    channels: int


def read_container(video: Path) -> tuple[PictureTrack, SoundTrack | None]:
    """Read the tracks of the film at ``video``.

    Raises
    ------
    InvalidInput
        If it is absent, no media, or media without a picture track.
    """
    if not video.exists():
        raise InvalidInput(f"There is no file {video}; check the path.", code="video_absent")
    if not video.is_file():
        raise InvalidInput(f"{video} is no file; name one film.", code="video_not_file")
    try:
        with open_own(video) as container:
            moving = [stream for stream in container.streams.video if not _is_cover(stream)]
            heard = container.streams.audio
            pictures = _pictures(container, moving[0]) if moving else None
            sound = _sound(heard[0]) if heard else None
    except Exception as error:  # a hostile header can raise nearly anything from the library
        raise InvalidInput(
            f"{video.name} is not a film that can be read; give a whole mp4, mov, webm or mkv.", code="video_not_media"
        ) from error
    if pictures is None:
        raise InvalidInput(f"{video.name} has no picture track; name a film.", code="video_without_pictures")
    return pictures, sound


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _sound(stream: AudioStream) -> SoundTrack | None:
    codec = stream.codec_context
    if codec.sample_rate <= 0 or codec.layout.nb_channels <= 0:
        return None
    return SoundTrack(sample_rate=codec.sample_rate, channels=codec.layout.nb_channels)


def _pictures(container: InputContainer, stream: VideoStream) -> PictureTrack:
    if stream.time_base is None or stream.codec_context.width <= 0 or stream.codec_context.height <= 0:
        raise ValueError("the header gives no clock or no size")
    pts: list[int] = []
    keyframes: list[int] = []
    presented = hidden = unstamped = 0
    broken = None
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            hidden += packet.is_discard
            presented += not packet.is_discard
            if packet.pts is None:
                unstamped += 1
            elif not packet.is_discard:
                pts.append(packet.pts)
                if packet.is_keyframe:
                    keyframes.append(packet.pts)
    except av.error.FFmpegError as error:
        broken = str(error)
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return PictureTrack(
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        rates=tuple(dict.fromkeys(rate for rate in rates if rate is not None and rate > 0)),
        time_base=stream.time_base,
        pts=tuple(sorted(pts)),
        unstamped=unstamped,
        promised=max(presented, stream.frames - hidden),
        keyframes=tuple(sorted(keyframes)),
        tags=tuple(container.metadata.values()),
        error=broken,
    )
