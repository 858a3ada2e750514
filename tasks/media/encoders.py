"""The encoders of the codecs, and what a spec means to each.

Each runs on one thread and makes closed groups of pictures that begin with a keyframe, so that segments are joined
by copying and their bytes do not depend on the machine's load. H.264 is what every player shows; HEVC (tagged
``hvc1``, which Apple's players ask for) and AV1 are further renditions. The GPU's H.264 is experimental: it is used
only where a short encode has just succeeded, and other GPUs may give other bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from tasks.domain.errors import ToolMissing
from tasks.domain.segment import Codec, Preset, SegmentSpec

_AVX512F = 13  # OpenCV's number for it
_BT709 = 1
_LIMITED = 1
_PROBE_FRAMES = 8

Options = dict[str, str]


@dataclass(frozen=True, slots=True)
class Encoder:
    """A library that encodes, what it is told, and the tag that its pictures get in an MP4."""

    library: str
    options: Callable[[SegmentSpec], Options]
    tag: str | None = None


def add_encoder(container: av.container.OutputContainer, spec: SegmentSpec) -> VideoStream:
    """Add the stream that encodes pictures of ``spec`` to ``container``.

    Raises
    ------
    ToolMissing
        If this machine has no such encoder.
    """
    encoder = _ENCODERS[spec.codec]
    expect_encoder(spec.codec)
    return _opened(container, spec, encoder)


def expect_encoder(codec: Codec) -> None:
    """Refuse a codec that this machine cannot encode, before any work is done.

    Raises
    ------
    ToolMissing
        If the library lacks it, or it is a GPU's and a short encode fails.
    """
    if not can_encode(codec):
        raise ToolMissing(
            f"This machine cannot encode {codec.value}: {_ENCODERS[codec].library} is missing or a short encode with"
            " it failed. Choose the codec h264, which is always there."
        )


@lru_cache
def can_encode(codec: Codec) -> bool:
    """Tell whether a short encode succeeds; libx264 is part of the library that we need anyway."""
    if codec is Codec.H264:
        return True
    spec = SegmentSpec.for_preset(Preset.DRAFT, (256, 144), Fraction(30), codec)
    try:
        with av.open(_Nowhere(), "w", format="null") as container:
            stream = _opened(container, spec, _ENCODERS[codec])
            picture = av.VideoFrame.from_ndarray(np.full((spec.height * 3 // 2, spec.width), 90, np.uint8), "yuv420p")
            for number in range(_PROBE_FRAMES):
                picture.pts = number
                stream.encode(picture)
            stream.encode(None)
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    return True


def x264_options(spec: SegmentSpec) -> Options:
    """Give the options of libx264 that a spec means on this machine."""
    told = "vbv-init=1"  # a segment may begin with a burst, as it could in the middle of one encode
    if cv2.checkHardwareSupport(_AVX512F):
        # x264's AVX-512 code for macroblock trees reads memory that nobody wrote, where a side is no multiple of 32
        told += ":asm=avx2"
    quality = {"preset": spec.preset, "crf": str(spec.crf), "profile": "high"}
    return {**_capped(spec), **quality, "x264-params": told}


def _x265_options(spec: SegmentSpec) -> Options:
    alone = "pools=none:frame-threads=1:wpp=0:open-gop=0:log-level=error:info=0"
    return {**_capped(spec), "preset": spec.preset, "crf": str(spec.crf), "x265-params": alone}


def _svtav1_options(spec: SegmentSpec) -> Options:
    os.environ.setdefault("SVT_LOG", "1")  # only errors; the library prints to stderr and knows no other switch
    return {"preset": spec.preset, "crf": str(spec.crf), "g": str(spec.gop), "svtav1-params": "lp=1"}


def _nvenc_options(spec: SegmentSpec) -> Options:
    return {**_capped(spec), "preset": spec.preset, "rc": "vbr", "cq": str(spec.crf), "bf": "0", "forced-idr": "1"}


def _capped(spec: SegmentSpec) -> Options:
    return {"g": str(spec.gop), "maxrate": spec.maxrate, "bufsize": spec.bufsize}


_ENCODERS: Mapping[Codec, Encoder] = {
    Codec.H264: Encoder("libx264", x264_options),
    Codec.HEVC: Encoder("libx265", _x265_options, tag="hvc1"),
    Codec.AV1: Encoder("libsvtav1", _svtav1_options),
    Codec.H264_NVENC: Encoder("h264_nvenc", _nvenc_options),
}


def _opened(container: av.container.OutputContainer, spec: SegmentSpec, encoder: Encoder) -> VideoStream:
    stream = container.add_stream(encoder.library, rate=spec.frame_rate, options=encoder.options(spec))
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / spec.frame_rate
    context.thread_count = 1
    context.sample_aspect_ratio = Fraction(1, 1)
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED
    if encoder.tag is not None:
        context.codec_tag = encoder.tag
    return stream


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: bytes) -> int:
        """Take bytes."""
        return len(data)
