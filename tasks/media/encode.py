"""Encode one segment: each picture once, by x264 in this process, with one thread.

Method
------
libx264 through PyAV, closed groups of pictures, an IDR picture first, BT.709 tags on the encoder's own context and
square pixels, so that all segments of a spec carry the same parameter sets. One thread: the bytes of every frame
are the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from tasks.domain.errors import MediaError
from tasks.domain.segment import SegmentSpec
from tasks.media.frames import I420, Plane

_BT709 = 1
_LIMITED = 1
_AVX512F = 13  # OpenCV's number for it


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
    count = 0
    options = {"video_track_timescale": str(spec.timescale)}
    try:
        with av.open(str(path), "w", format="mp4", options=options) as container:
            stream = _open_encoder(container.add_stream("libx264", rate=spec.frame_rate, options=_options(spec)), spec)
            canvas = av.VideoFrame(spec.width, spec.height, "yuv420p")
            planes = [_view(plane) for plane in canvas.planes]
            canvas.time_base = 1 / spec.frame_rate
            for picture in pictures:
                if picture.y.shape != (spec.height, spec.width):
                    raise MediaError(f"a picture of {picture.y.shape[::-1]} is not {spec.width}x{spec.height}")
                for target, plane in zip(planes, (picture.y, picture.u, picture.v), strict=True):
                    np.copyto(target, plane)
                canvas.pts = count
                container.mux(stream.encode(canvas))
                count += 1
                on_frame(count)
            container.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"encoding a segment failed at its frame {count}: {error}") from error
    if count == 0:
        raise MediaError("a segment holds at least one picture")
    return count


def _options(spec: SegmentSpec) -> dict[str, str]:
    options = {
        "preset": spec.preset,
        "crf": str(spec.crf),
        "profile": "high",
        "g": str(spec.gop),
        "maxrate": spec.maxrate,
        "bufsize": spec.bufsize,
    }
    if cv2.checkHardwareSupport(_AVX512F):
        # x264's AVX-512 code for macroblock trees reads memory that nobody wrote, where a side is no multiple of 32
        options["x264-params"] = "asm=avx2"
    return options


def _open_encoder(stream: VideoStream, spec: SegmentSpec) -> VideoStream:
    stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / spec.frame_rate
    context.thread_count = 1
    context.sample_aspect_ratio = Fraction(1, 1)
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED
    return stream


def _view(plane: av.video.plane.VideoPlane) -> Plane:
    rows: Plane = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    return rows[: plane.height, : plane.width]
