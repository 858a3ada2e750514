"""Decode a clip in this process: only what a guarded child has decoded from end to end before.

Conventions
-----------
The same filters run on the same pictures as in the child, so that the bytes are the same. Only pictures that are
shown are drawn. A damaged packet is left out, as the child leaves it out; what cannot be read ends the clip.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.filter import Graph
from av.filter.context import FilterContext
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.stream import VideoStream

from tasks.domain import interruption
from tasks.domain.errors import MediaError
from tasks.media.clip.chain import Chain, Filter
from tasks.media.clip.header import ClipHeader
from tasks.media.clip.pictures import Decoded, Reading, Ring, Span
from tasks.media.frames import I420, Plane
from tasks.media.probe import open_own
from tasks.media.sandbox import FOOTAGE_FORMATS, MAX_PIXELS

_REORDER_MARGIN_S = Fraction(1, 4)
_MATRIX_ONE = 1 << 15
_TURNS: dict[tuple[int, int, int, int], tuple[Filter, ...]] = {
    (1, 0, 0, 1): (),
    (0, 1, -1, 0): (Filter("transpose", {"dir": "clock"}),),
    (0, -1, 1, 0): (Filter("transpose", {"dir": "cclock"}),),
    (-1, 0, 0, -1): (Filter("hflip", {}), Filter("vflip", {}), Filter("copy", {})),
    (-1, 0, 0, 1): (Filter("hflip", {}),),
    (1, 0, 0, -1): (Filter("vflip", {}), Filter("copy", {})),
    (0, 1, 1, 0): (Filter("transpose", {"dir": "cclock_flip"}),),
    (0, -1, -1, 0): (Filter("transpose", {"dir": "clock_flip"}),),
}

Shape = tuple[int, int, str, tuple[Filter, ...]]

Frame = tuple[Fraction, av.VideoFrame]
"""A time stamp, and what the decoder made of the picture."""

FrameReader = Callable[[Path, ClipHeader, Span], Generator[Frame]]


def read_frames(path: Path, header: ClipHeader, span: Span) -> Generator[Frame]:
    """Decode the clip's frames in order, from the last keyframe before the span on and as long as they are asked for.

    Time stamps rise, as the child's do.

    Raises
    ------
    MediaError
        If the clip cannot be opened.
    """
    previous: int | None = None
    try:
        with open_own(path, FOOTAGE_FORMATS) as container:
            stream = _opened(container, header)
            if span.start_s is not None and stream.time_base is not None:
                container.seek(int((span.start_s - _REORDER_MARGIN_S) / stream.time_base), stream=stream)
            for frame in _frames(container, stream, from_keyframe=span.start_s is not None):
                assert frame.time_base is not None
                ticks = frame.pts if frame.pts is not None else (previous or 0) + 1
                previous = ticks if previous is None else max(ticks, previous + 1)
                yield previous * frame.time_base, frame
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"a clip that decoded before does not open: {error}") from error


def decode_in_process(reading: Reading, span: Span, read: FrameReader = read_frames) -> Generator[Decoded]:
    """Give the clip's pictures, which are drawn on demand from the frames that ``read`` gives; see `read_frames`."""
    painter = _Painter(reading)
    with contextlib.closing(read(reading.path, reading.header, span)) as frames:
        for time_s, frame in frames:
            yield Decoded(time_s, partial(painter.draw, frame))


def first_picture(path: Path, header: ClipHeader) -> tuple[Fraction, tuple[int, int]]:
    """Give the time stamp of the clip's first picture, and its size when it is upright with square pixels.

    Raises
    ------
    MediaError
        If there is none.
    """
    with open_own(path, FOOTAGE_FORMATS) as container:
        stream = _opened(container, header)
        frame = next(_frames(container, stream, from_keyframe=False), None)
    if frame is None or frame.time_base is None:
        raise MediaError("a clip that decoded before has no picture")
    turn = _shape(frame)[3]
    width, height = max(1, round(frame.width * header.sar)), frame.height
    size = (height, width) if _is_transposed(turn) else (width, height)
    return (frame.pts or 0) * frame.time_base, size


def _opened(container: InputContainer, header: ClipHeader) -> VideoStream:
    stream = container.streams[header.stream]
    assert isinstance(stream, VideoStream)
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    stream.codec_context.thread_count = 1
    return stream


def _frames(container: InputContainer, stream: VideoStream, *, from_keyframe: bool) -> Iterator[av.VideoFrame]:
    """Decode all pictures that decode; after a seek what comes before the first keyframe is incomplete and left out."""
    waiting = from_keyframe
    packets = container.demux(stream)
    while True:
        interruption.check()
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError, OSError):
            return
        try:
            decoded = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in decoded:
            waiting = waiting and not frame.key_frame
            if not waiting:
                yield frame


class _Painter:
    """Brings frames to the film's form; the filters are set up anew where the clip's size or format changes."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._ring = Ring(reading.width, reading.height)
        self._drawn = 0
        self._shape: Shape | None = None
        self._pipe: _Pipe | None = None

    def draw(self, frame: av.VideoFrame) -> I420:
        """Give ``frame`` in the film's form."""
        shape = _shape(frame)
        if self._pipe is None or shape != self._shape:
            self._shape, self._pipe = shape, _Pipe(frame, self._chain(shape))
        frame.pts = self._drawn
        picture = self._ring.pictures[self._drawn % 2]
        self._drawn += 1
        try:
            made = self._pipe.run(frame)
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError(f"a picture of a clip cannot be brought to the film's form: {error}") from error
        for plane, target in zip(made.planes, (picture.y, picture.u, picture.v), strict=True):
            rows: Plane = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
            np.copyto(target, rows[: plane.height, : plane.width])
        return picture

    def _chain(self, shape: Shape) -> Chain:
        chain = self._reading.chain
        head = (_aspect(self._reading.header.sar), *shape[3], *chain.head)
        return dataclasses.replace(chain, head=head)


class _Pipe:
    """A graph of filters for frames of one size and format."""

    def __init__(self, template: av.VideoFrame, chain: Chain) -> None:
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=template.width,
            height=template.height,
            format=av.VideoFormat(template.format.name, template.width, template.height),
            time_base=template.time_base,
        )
        last = self._run(source, chain.head)
        if chain.overlay is None:
            last = self._run(last, chain.main)
        else:
            split = self._add(Filter("split", {}))
            last.link_to(split)
            over = self._add(chain.overlay)
            self._run(split, chain.backdrop, 0).link_to(over, 0, 0)
            self._run(split, chain.main, 1).link_to(over, 0, 1)
            last = over
        self._run(last, chain.tail).link_to(self._add(Filter("buffersink", {})))
        self._graph.configure()

    def run(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Give what the filters make of ``frame``."""
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _run(self, last: FilterContext, filters: tuple[Filter, ...], output: int = 0) -> FilterContext:
        for step in filters:
            following = self._add(step)
            last.link_to(following, output, 0)
            last, output = following, 0
        return last

    def _add(self, step: Filter) -> FilterContext:
        arguments = step.arguments()
        return self._graph.add(step.name, arguments) if arguments else self._graph.add(step.name)


def _is_transposed(turn: tuple[Filter, ...]) -> bool:
    return any(step.name == "transpose" for step in turn)


def _aspect(sar: Fraction) -> Filter:
    return Filter("setsar", {"sar": f"{sar.numerator}/{sar.denominator}"})


def _shape(frame: av.VideoFrame) -> Shape:
    """Tell what the filters are set up for: size, format, and how the picture is turned upright."""
    kept: Iterator[SideData] = iter(frame.side_data)  # type: ignore[arg-type]
    found = next((data for data in kept if data.type == SideDataType.DISPLAYMATRIX), None)
    turn: tuple[Filter, ...] = ()
    if found is not None:
        matrix = np.frombuffer(bytes(found), np.int32)
        a, b, c, d = (int(value > _MATRIX_ONE) - int(value < -_MATRIX_ONE) for value in matrix[[0, 1, 3, 4]])
        turn = _TURNS.get((a, b, c, d), ())
    return frame.width, frame.height, frame.format.name, turn
