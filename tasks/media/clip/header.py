"""What a clip's file says of its pictures, unproven until decoded, and what of it decides how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from tasks.domain.errors import InvalidInput
from tasks.media.probe import PLAYLISTS, open_own
from tasks.media.sandbox import FOOTAGE_FORMATS, MAX_PIXELS

_PQ, _HLG = 16, 18
_WIDE_PRIMARIES = {9: "bt2020", 11: "smpte431", 12: "smpte432"}
_MATRICES = {
    1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020nc"
}  # fmt: skip
_MATRIX_OF_PRIMARIES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc"}
_FULL_RANGE = 2
_INTERLACED = {2, 3, 4, 5}
_WITH_HIDDEN_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_NO_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails
_SEEKABLE = ("mov", "matroska")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipHeader:
    """What a clip's file says of its pictures.

    Attributes
    ----------
    stream : int
        Number of the track among all tracks of the file.
    container, codec, pix_fmt : str
        As FFmpeg names them.
    width, height : int
        Of the coded picture, before rotation.
    sar : Fraction
        Width of a pixel over its height.
    matrix : str or None
        FFmpeg's name of the colour matrix; None where the file says nothing.
    primaries : str or None
        FFmpeg's name of the primaries where they are wider than those of BT.709.
    transfer : str or None
        FFmpeg's name of the transfer function where it is that of PQ or HLG.
    is_full_range, is_interlaced : bool
    decoder : str or None
        The decoder that must be named because the usual one ignores the clip's alpha.
    start_s, container_start_s : Fraction
        Time stamps at which the track and the earliest track begin.
    promised_s, frame_rate : Fraction or None
        What the file says of its length and its rate.
    promised_frames : int
        How many pictures the file counts; 0 where it does not.
    """

    stream: int
    container: str
    codec: str
    pix_fmt: str
    width: int
    height: int
    sar: Fraction
    matrix: str | None
    primaries: str | None
    transfer: str | None
    is_full_range: bool
    is_interlaced: bool
    decoder: str | None
    start_s: Fraction
    container_start_s: Fraction
    promised_s: Fraction | None
    promised_frames: int
    frame_rate: Fraction | None

    @property
    def is_rgb(self) -> bool:
        """The pixels are no luma and chroma."""
        return self.pix_fmt.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "pal", "0rgb", "0bgr", "x2"))

    @property
    def has_alpha(self) -> bool:
        """The pixels may be transparent."""
        names = ("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "pal8", "ya8", "ya16", "ayuv", "vuya")
        return self.decoder is not None or self.pix_fmt.startswith(names)

    @property
    def needs_zimg(self) -> bool:
        """Bringing the colours to BT.709 takes more than another matrix."""
        return self.transfer is not None or self.primaries is not None

    @property
    def needs_child(self) -> bool:
        """Only the child's ffmpeg has zimg and libvpx, and fields are put together by one program alone."""
        return self.needs_zimg or self.decoder is not None or self.is_interlaced

    @property
    def is_seekable(self) -> bool:
        """The container has an index of its pictures."""
        return self.container.startswith(_SEEKABLE)


def read_header(path: Path, name: str | None = None, *, may_decode: bool = True) -> ClipHeader:
    """Read what the clip at ``path`` says of its pictures; sentences call it ``name``.

    Parameters
    ----------
    may_decode : bool
        Without it nothing of a clip that nobody has proven is decoded here; what the container alone does not say, its
        colours and its pixel format above all, is missing then.

    Raises
    ------
    InvalidInput
        If it is absent, no regular file, empty, a playlist, no media, without pictures, or its pictures are too large.
    """
    called = name or path.name
    _expect_clip_file(path, called)
    try:
        with open_own(path, FOOTAGE_FORMATS, may_decode=may_decode) as container:
            stream = video_stream(container)
            header = None if stream is None else _read(container, stream)
    except Exception as error:  # a hostile header can raise nearly anything from the library
        raise InvalidInput(
            f"{called} is not a video that can be read; give mp4, mov, mkv, webm, avi, ts, mpg or gif.",
            code="footage_not_media",
        ) from error
    if header is None:
        raise InvalidInput(
            f"{called} has no moving pictures (sound and covers are none); give a video.", code="footage_no_pictures"
        )
    if header.width * header.height > MAX_PIXELS:
        raise InvalidInput(
            f"{called} has pictures of {header.width}x{header.height}; up to {MAX_PIXELS / 1e6:.0f} megapixels are"
            " taken, so make it smaller first.",
            code="footage_too_large",
        )
    return header


def video_stream(container: InputContainer) -> VideoStream | None:
    """Give the track with the moving pictures; covers and thumbnails are none."""
    return next((stream for stream in container.streams.video if not stream.disposition & _NO_PICTURES), None)


def _read(container: InputContainer, stream: VideoStream) -> ClipHeader:
    codec = stream.codec_context
    transfer = {_PQ: "smpte2084", _HLG: "arib-std-b67"}.get(int(codec.color_trc))
    time_base = stream.time_base or Fraction(1, av.time_base)
    start = _of_container(container.start_time) or Fraction(0)
    promised = stream.duration * time_base if stream.duration else None
    if promised is None and container.duration and len(container.streams) == 1:  # else it may be that of the sound
        promised = Fraction(container.duration, av.time_base) - start
    shows_alpha = codec.pix_fmt is not None and codec.pix_fmt.startswith("yuva")
    hides_alpha = stream.metadata.get("alpha_mode") == "1" or shows_alpha
    return ClipHeader(
        stream=stream.index,
        container=container.format.name,
        codec=codec.name,
        pix_fmt=codec.pix_fmt or "",
        width=codec.width,
        height=codec.height,
        sar=stream.sample_aspect_ratio or Fraction(1),
        matrix=_MATRICES.get(int(codec.colorspace)) or _MATRIX_OF_PRIMARIES.get(int(codec.color_primaries)),
        primaries=_WIDE_PRIMARIES.get(int(codec.color_primaries)),
        transfer=transfer,
        is_full_range=int(codec.color_range) == _FULL_RANGE or (codec.pix_fmt or "").startswith("yuvj"),
        is_interlaced=int(codec.field_order) in _INTERLACED,
        decoder=_WITH_HIDDEN_ALPHA.get(codec.name) if hides_alpha else None,
        start_s=start if stream.start_time is None else stream.start_time * time_base,
        container_start_s=start,
        promised_s=promised,
        promised_frames=stream.frames,
        frame_rate=stream.average_rate or stream.guessed_rate,
    )


def _of_container(ticks: int | None) -> Fraction | None:
    return None if ticks is None else Fraction(ticks, av.time_base)


def _expect_clip_file(path: Path, called: str) -> None:
    if not path.exists():
        raise InvalidInput(f"There is no file {path}; check the path.", code="footage_absent")
    if not path.is_file():
        raise InvalidInput(f"{called} is not a regular file; give a video's file.", code="footage_not_file")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InvalidInput(
            f"{called} cannot be read ({error.strerror}); check its permissions.", code="footage_unreadable"
        ) from error
    if not head:
        raise InvalidInput(f"{called} is empty; export or download the video again.", code="footage_empty")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PLAYLISTS):
        raise InvalidInput(f"{called} is a playlist, not a video; give the video itself.", code="footage_is_playlist")
