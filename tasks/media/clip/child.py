"""Decode a clip in a guarded child, which gives pictures in the film's form and their time stamps.

Conventions
-----------
Pictures come as packed planes through one pipe, their time stamps as lines of text through another, one a picture
and in the same order. How many there are is counted, whatever the child's exit status says: an ffmpeg that runs out
of readable data ends well.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import signal
import threading
from collections.abc import Generator, Mapping
from fractions import Fraction
from functools import partial
from typing import Any, Self

import ffmpeg as builder

from tasks.domain.errors import ChildFailed, ChildLost
from tasks.media.clip.chain import Chain, Filter, deinterlacer
from tasks.media.clip.header import ClipHeader
from tasks.media.clip.pictures import Decoded, Reading, Ring, Span
from tasks.media.sandbox import FOOTAGE_FORMATS, GUARDED_INPUT, MAX_PIXELS, Limits, guarded

_TIME_BASE = "#tb 0:"
_FIELD_MARGIN_S = Fraction(1, 4)
_LINE_WAIT_S = 30.0
_OUT_OF_MEMORY = 256 - errno.ENOMEM
_LATER = "if(isnan(PREV_OUTPTS),PTS,max(PTS,PREV_OUTPTS+1))"


def decode_in_child(reading: Reading, span: Span, ffmpeg: str, limits: Limits) -> Generator[Decoded]:
    """Give the clip's pictures in order.

    Raises
    ------
    ChildFailed
        At the end, if the child ended badly.
    ChildLost
        If the child was killed from outside or hung.
    """
    ring = Ring(reading.width, reading.height)
    views = [memoryview(buffer.data) for buffer in ring.buffers]
    with _TimeStamps() as stamps:
        command = partial(_command, reading, span, ffmpeg, stamps.target)
        with guarded(reading.path, command, limits, given=(stamps.target,)) as child:
            stamps.begin()
            count = 0
            while child.read_into(views[count % 2]) == len(views[0]):
                time_s = stamps.next()
                if time_s is None:
                    break
                yield Decoded(time_s, partial(ring.pictures.__getitem__, count % 2))
                count += 1
            child.finish()


def blames_file(error: ChildFailed) -> bool:
    """Tell whether a child failed at damage in its file, and not at a limit, a crash or a hand from outside."""
    return error.exit_status > 0 and not blames_limits(error) and not isinstance(error, ChildLost)


def blames_limits(error: ChildFailed) -> bool:
    """Tell whether a child ran out of the time or the memory that it may use."""
    return error.exit_status in {-signal.SIGXCPU, _OUT_OF_MEMORY}


class _TimeStamps:
    """The pipe of time stamps, read by a thread of its own so that it never holds up the pictures."""

    def __init__(self) -> None:
        self._source, self.target = os.pipe()
        self._found: queue.SimpleQueue[Fraction | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._begun:
            self._reader.join()  # the child is gone, so its end of the pipe is closed
        else:
            os.close(self.target)
        with contextlib.suppress(OSError):
            os.close(self._source)

    def begin(self) -> None:
        """Leave the end that is written to the child alone."""
        os.close(self.target)
        self._begun = True
        self._reader.start()

    def next(self) -> Fraction | None:
        """Give the next picture's time stamp; None if there is none, though there was a picture."""
        try:
            return self._found.get(timeout=_LINE_WAIT_S)
        except queue.Empty:
            return None

    def _read(self) -> None:
        time_base = Fraction(1)
        with open(self._source, encoding="ascii", errors="replace", closefd=False) as lines:
            for line in lines:
                if line.startswith(_TIME_BASE):
                    time_base = Fraction(line.removeprefix(_TIME_BASE).strip())
                elif not line.startswith("#"):
                    self._found.put(int(line.split(",")[2]) * time_base)
        self._found.put(None)


def _command(reading: Reading, span: Span, ffmpeg: str, stamps: int, descriptor: int) -> list[str]:
    header, chain = reading.header, reading.chain
    given: dict[str, Any] = {**GUARDED_INPUT, "format_whitelist": FOOTAGE_FORMATS, "max_pixels": MAX_PIXELS}
    if header.decoder is not None:
        given["c:v"] = header.decoder
    source = builder.input("fd:", fd=descriptor, threads=1, **given, **_cut(header, span))
    stream = source[str(header.stream)]
    if header.is_interlaced:
        stream = _filtered(stream, deinterlacer())
    split = _chained(stream, chain).filter_multi_output("split")
    shown = split[0].output("pipe:1", format="rawvideo", **_EVERY_PICTURE)
    corner = split[1].filter("crop", 16, 16, 0, 0).filter("setpts", _LATER)
    told = corner.output(f"pipe:{stamps}", format="framecrc", flush_packets=1, **_EVERY_PICTURE)
    both = builder.merge_outputs(shown, told)
    command: list[str] = both.global_args("-nostdin", "-v", "error", "-copyts", "-filter_complex_threads", "1").compile(
        cmd=ffmpeg
    )
    return command


_EVERY_PICTURE: Mapping[str, Any] = {"fps_mode": "passthrough", "enc_time_base": "filter", "threads": 1}


def _cut(header: ClipHeader, span: Span) -> dict[str, str]:
    """Say where reading begins and ends; both are told from the beginning of the earliest track."""
    margin = _FIELD_MARGIN_S if header.is_interlaced else Fraction(0)
    cut = {}
    start = Fraction(0)
    if span.start_s is not None:
        start = max(Fraction(0), span.start_s - margin - header.container_start_s)
        cut["ss"] = f"{float(start):.6f}"
    if span.end_s is not None:
        length = span.end_s + margin - header.container_start_s - start
        cut["t"] = f"{max(0.001, float(length)):.6f}"
    return cut


def _chained(stream: Any, chain: Chain) -> Any:
    stream = _run(stream, chain.head)
    if chain.overlay is None:
        return _run(stream, (*chain.main, *chain.tail))
    split = stream.filter_multi_output("split")
    behind, front = _run(split[0], chain.backdrop), _run(split[1], chain.main)
    return _run(builder.filter((behind, front), chain.overlay.name, **chain.overlay.options), chain.tail)


def _run(stream: Any, filters: tuple[Filter, ...]) -> Any:
    for step in filters:
        stream = _filtered(stream, step)
    return stream


def _filtered(stream: Any, step: Filter) -> Any:
    return stream.filter(step.name, **step.options)
