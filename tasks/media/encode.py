"""Encode one segment: each picture once, in this process, with one thread.

Method
------
libx264 (for further renditions libx265 or SVT-AV1) through PyAV, closed groups of pictures, a keyframe first, BT.709
tags on the encoder's own context and square pixels, so that all segments of a spec carry the same parameter sets. One
thread: the bytes of every frame are the same for any number of workers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.packet import Packet

from tasks.domain.errors import MediaError
from tasks.domain.segment import Codec, SegmentSpec
from tasks.media.encoders import add_encoder
from tasks.media.frames import I420, Plane
from tasks.media.join import REORDER


class SegmentEncoder:
    """Writes the pictures that it is given as an MP4 segment at ``path``; the file is whole when the block is left.

    Attributes
    ----------
    count : int
        Pictures taken so far.

    Raises
    ------
    MediaError
        If there is no picture, one has another size, or the encoder fails.
    """

    def __init__(self, spec: SegmentSpec, path: Path) -> None:
        self._spec = spec
        self._path = path
        self._coded = 0
        self.count = 0

    def __enter__(self) -> Self:
        spec, options = self._spec, {"video_track_timescale": str(self._spec.timescale)}
        with self._failing(), contextlib.ExitStack() as opened:
            self._container = opened.enter_context(av.open(str(self._path), "w", format="mp4", options=options))
            self._stream = add_encoder(self._container, spec)
            self._canvas = av.VideoFrame(spec.width, spec.height, "yuv420p")
            self._planes = [_view(plane) for plane in self._canvas.planes]
            self._canvas.time_base = 1 / spec.frame_rate
            opened.pop_all()
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        with self._failing(), self._container:
            if failure is None and self.count:
                self._write(self._stream.encode(None))
        if failure is None and not self.count:
            raise MediaError("a segment holds at least one picture")

    def give(self, picture: I420) -> None:
        """Encode ``picture``, whose planes may be written over afterwards."""
        if picture.y.shape != (self._spec.height, self._spec.width):
            given = picture.y.shape[::-1]
            raise MediaError(f"a picture of {given} is not {self._spec.width}x{self._spec.height}")
        with self._failing():
            for target, plane in zip(self._planes, (picture.y, picture.u, picture.v), strict=True):
                np.copyto(target, plane)
            self._canvas.pts = self.count
            self._write(self._stream.encode(self._canvas))
        self.count += 1

    def _write(self, packets: list[Packet[Any]]) -> None:
        self._container.mux(_timed(packets, self._spec, self._coded))
        self._coded += len(packets)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError(f"encoding a segment failed at its frame {self.count}: {error}") from error


def encode_segment(
    pictures: Iterable[I420], spec: SegmentSpec, path: Path, on_frame: Callable[[int], None] = lambda _: None
) -> int:
    """Write ``pictures``, each of the spec's size, as an MP4 segment at ``path``; give how many there were.

    ``on_frame`` is told the number of pictures given to the encoder so far. Errors are those of `SegmentEncoder`.
    """
    with SegmentEncoder(spec, path) as encoder:
        for picture in pictures:
            encoder.give(picture)
            on_frame(encoder.count)
    return encoder.count


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
