"""Join segments without touching their pictures.

Method
------
The packets of all segments in order, with time stamps written anew: a packet shows at the film's frame where its
segment begins plus its own place, and is decoded ``REORDER`` frames before its turn (AV1: in its turn). Exact for
segments of any length, one frame included, where ffmpeg's concat demuxer is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from av.packet import Packet
from av.video.stream import VideoStream

from tasks.domain.errors import MediaError
from tasks.domain.segment import Codec, SegmentSpec
from tasks.media.probe import open_own

REORDER = 2
"""Pictures that a pyramid of B-frames of x264 or x265 is ahead by at most, at our presets."""


def parameter_sets(path: Path) -> bytes:
    """Give the H.264 parameter sets of the segment at ``path``."""
    with open_own(path) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def joined_packets(segments: Sequence[Path], spec: SegmentSpec, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Give the packets of the film, ready for ``stream``, in decoding order.

    Raises
    ------
    MediaError
        If a segment's parameter sets differ from the first one's, or its frames cannot be numbered.
    """
    expected = parameter_sets(segments[0])
    ahead = 0 if spec.codec is Codec.AV1 else REORDER  # what AV1 decodes early is inside the packet that shows it
    base = 0
    for path in segments:
        with open_own(path) as container:
            video = container.streams.video[0]
            if bytes(video.codec_context.extradata or b"") != expected:
                raise MediaError(f"{path.name} was encoded with other settings than the film's first segment")
            packets = [packet for packet in container.demux(video) if packet.size]
            first = min(_shown(packet) for packet in packets)
            for decoded, packet in enumerate(packets):
                place = (_shown(packet) - first) * (video.time_base or 0) * spec.frame_rate
                if place.denominator != 1 or not decoded - ahead <= place < len(packets):
                    raise MediaError(f"{path.name} has a frame between the film's frames")
                packet.stream = stream
                packet.time_base = 1 / spec.frame_rate
                packet.pts = base + int(place)
                packet.dts = base + decoded - ahead
                packet.duration = 1
                yield packet
            base += len(packets)


def _shown(packet: Packet[VideoStream]) -> int:
    if packet.pts is None:
        raise MediaError("a segment's packet has no time")
    return packet.pts
