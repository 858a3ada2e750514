"""The finished film: joined pictures, the song's sound, chapters and names in one MP4, its index first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet

from tasks.domain.errors import MediaError
from tasks.domain.film import NAMELESS, FilmTags
from tasks.domain.lyrics import Lyrics
from tasks.domain.segment import Codec, SegmentSpec
from tasks.media.join import joined_packets
from tasks.media.probe import open_own
from tasks.media.sound import Sound, add_sound
from tasks.media.subtitles import add_subtitles


def assemble(
    segments: Sequence[Path],
    spec: SegmentSpec,
    sound: Sound,
    path: Path,
    on_frame: Callable[[int], None] = lambda _: None,
    *,
    tags: FilmTags = NAMELESS,
    subtitles: Lyrics | None = None,
) -> int:
    """Write the film at ``path``, named and divided by ``tags``, and return its number of frames.

    ``subtitles`` become a track, where there are any.

    Raises
    ------
    MediaError
        If segments do not fit together or writing fails.
    """
    options = {"movflags": "+faststart", "video_track_timescale": str(spec.timescale)}
    frames = 0
    try:
        with open_own(segments[0]) as first, av.open(str(path), "w", format="mp4", options=options) as film:
            # the decoder of AV1 has another name than its encoders, so that no encoder is looked for
            video = film.add_stream_from_template(first.streams.video[0], opaque=spec.codec is Codec.AV1)
            video.codec_context.codec_tag = first.streams.video[0].codec_context.codec_tag
            video.time_base = 1 / spec.frame_rate
            tracks: list[Iterator[Packet[Any]]] = [joined_packets(segments, spec, video), add_sound(film, sound)]
            if subtitles is not None and subtitles.lines:
                tracks.append(add_subtitles(film, subtitles))
            _name(film, tags, spec)
            for packet in _in_time(*tracks):
                frames += packet.stream is video
                film.mux(packet)
                on_frame(frames)
    except av.error.FFmpegError as error:
        raise MediaError(f"writing the film failed: {error}") from error
    return frames


def _name(film: OutputContainer, tags: FilmTags, spec: SegmentSpec) -> None:
    film.metadata.update(tags.texts())
    film.set_chapters(
        [
            {
                "id": number,
                "start": chapter.frames.start,
                "end": chapter.frames.end,
                "time_base": 1 / spec.frame_rate,
                "metadata": {"title": chapter.title},
            }
            for number, chapter in enumerate(tags.chapters)
        ]
    )


def _in_time(*tracks: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    return heapq.merge(*tracks, key=lambda packet: float((packet.dts or 0) * packet.time_base))
