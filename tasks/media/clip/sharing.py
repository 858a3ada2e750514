"""One decoding of a clip for several films of the same shot, which are drawn side by side in forms of their own.

Method
------
The films ask for the same stretches in the same order, since what they show and when is the same. A stretch is decoded
while the first of them reads it, and kept for the others no longer than they lag: films whose frames are drawn in turn
lag by the frames of one picture.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import tee
from pathlib import Path

from tasks.media.clip.header import ClipHeader
from tasks.media.clip.inprocess import Frame, FrameReader, read_frames
from tasks.media.clip.pictures import Span


class SharedFrames:
    """Frames of one shot's clip for ``readers`` films."""

    def __init__(self, readers: int) -> None:
        self._readers = readers
        self._stretches: list[_Stretch] = []

    @property
    def opened(self) -> int:
        """How many stretches were decoded."""
        return len(self._stretches)

    def reader(self) -> FrameReader:
        """Give what one of the films reads by."""
        place = 0

        def read(path: Path, header: ClipHeader, span: Span) -> Generator[Frame]:
            nonlocal place
            if place == len(self._stretches):
                self._stretches.append(_Stretch(read_frames(path, header, span), self._readers))
            place += 1
            return self._stretches[place - 1].frames()

        return read


class _Stretch:
    """One decoding and those who have yet to read it; the clip is closed behind the last of them."""

    def __init__(self, decoded: Generator[Frame], readers: int) -> None:
        self._decoded = decoded
        self._waiting = list(tee(decoded, readers))
        self._reading = readers

    def frames(self) -> Generator[Frame]:
        try:
            yield from self._waiting.pop()
        finally:
            self._reading -= 1
            if self._reading == 0:
                self._decoded.close()
