"""Encode one segment: each picture once, in this process, with one thread.

Method
------
libx264 (for further renditions libx265 or SVT-AV1) through PyAV, closed groups of pictures, a keyframe first, BT.709
tags on the encoder's own context and square pixels, so that all segments of a spec carry the same parameter sets. One
thread: the bytes of every frame are the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet

from tasks.domain.errors import MediaError
from tasks.domain.segment import Codec, SegmentSpec
from tasks.media.encoders import add_encoder
from tasks.media.frames import I420, Plane
from tasks.media.join import REORDER


def encode_segment(
    pictures: Iterable[I420], spec: SegmentSpec, path: Path, on_frame: Callable[[int], None] = lambda _: None
) -> int:
    """Write ``pictures`` as an MP4 segment at ``path`` and return how many there were.

    Parameters
    ----------
    pictures : iterable of I420
        In order, each of the spec's size.
    on_frame : callable
        Told the number of pictures given to the encoder so far.

    Raises
    ------
    MediaError
        If there is no picture, one has another size, or the encoder fails.
    """
    count = decoded = 0
    options = {"video_track_timescale": str(spec.timescale)}
    try:
        with av.open(str(path), "w", format="mp4", options=options) as container:
            stream = add_encoder(container, spec)
            canvas = av.VideoFrame(spec.width, spec.height, "yuv420p")
            planes = [_view(plane) for plane in canvas.planes]
            canvas.time_base = 1 / spec.frame_rate
            for picture in pictures:
                if picture.y.shape != (spec.height, spec.width):
                    raise MediaError(f"a picture of {picture.y.shape[::-1]} is not {spec.width}x{spec.height}")
                for target, plane in zip(planes, (picture.y, picture.u, picture.v), strict=True):
                    np.copyto(target, plane)
                canvas.pts = count
                coded = stream.encode(canvas)
                container.mux(_timed(coded, spec, decoded))
                decoded += len(coded)
                count += 1
                on_frame(count)
            container.mux(_timed(stream.encode(None), spec, decoded))
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"encoding a segment failed at its frame {count}: {error}") from error
    if count == 0:
        raise MediaError("a segment holds at least one picture")
    return count


def _timed(packets: list[Packet[Any]], spec: SegmentSpec, decoded: int) -> list[Packet[Any]]:
    """Set the times of HEVC by decoding order: of few pictures x265 tells none, or any that lie in memory."""
    if spec.codec is Codec.HEVC:
        for place, packet in enumerate(packets, decoded):
            packet.time_base = 1 / spec.frame_rate
            packet.dts = place - REORDER
            if place == 0:
                packet.pts = 0
    return packets


def _view(plane: av.video.plane.VideoPlane) -> Plane:
    rows: Plane = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    return rows[: plane.height, : plane.width]
