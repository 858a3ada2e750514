"""Footage as a `FrameSource`: the pictures of one shot, exact in time and in the film's form."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from tasks.domain.clip import ClipShot
from tasks.domain.errors import ChildFailed, MediaError
from tasks.media.clip.chain import Form, form_chain
from tasks.media.clip.child import blames_file, decode_in_child
from tasks.media.clip.clock import ShotClock, stretches
from tasks.media.clip.header import read_header
from tasks.media.clip.inprocess import FrameReader, decode_in_process, first_picture, read_frames
from tasks.media.clip.pictures import Decoded, Reading, Span
from tasks.media.frames import I420
from tasks.media.sandbox import Limits

_LONGEST_BACKWARDS = 24
_SEEK_FROM_S = Fraction(1)
_BEFORE_S = Fraction(1, 4)
_AFTER_S = Fraction(1, 1000)


class ClipSource:
    """The pictures of a shot of footage.

    Parameters
    ----------
    path : Path
        The clip's file.
    shot : ClipShot
        Which part of it is shown, and how.
    size : tuple of int
        The film's width and height in pixels.
    frame_rate : Fraction
        The film's frames per second.
    ffmpeg : str
        Path of an ffmpeg, for the guarded child.
    is_proven : bool
        The clip was decoded from end to end by a guarded child before, so that this process may decode it. Where
        would lack something (see `ClipHeader.needs_child`) the child decodes it all the same.
    read : callable
        What decodes in this process; films of the same shot share one decoding by `SharedFrames.reader`.

    Raises
    ------
    InvalidInput
        If the file is no clip.
    """

    def __init__(
        self,
        path: Path,
        shot: ClipShot,
        *,
        size: tuple[int, int],
        frame_rate: Fraction,
        ffmpeg: str,
        is_proven: bool,
        read: FrameReader = read_frames,
    ) -> None:
        width, height = size
        header = read_header(path)
        form = Form(width=width, height=height, fit=shot.fit, focus=shot.focus, untagged=shot.untagged)
        chain = form_chain(header, form)
        self._reading = Reading(path=path, header=header, chain=chain, width=width, height=height)
        self._clock = ShotClock(shot, frame_rate)
        self._ffmpeg = ffmpeg
        self._is_proven = is_proven
        self._read = read
        self._in_process = is_proven and not header.needs_child

    def frames(self, start: int, end: int) -> Iterator[I420]:
        """Give the pictures of the shot's own frames ``start <= n < end``; see `FrameSource`.

        Beyond the clip's part its last picture is held, or its pictures are shown backwards and forwards again; a
        clip that ends before its part does holds its last picture.

        Raises
        ------
        MediaError
            If the clip gives no picture.
        """
        places = [self._clock.place(frame) for frame in range(start, end)]
        for stretch in stretches(places, _LONGEST_BACKWARDS):
            if stretch[-1] >= stretch[0]:
                yield from self._forwards(stretch)
            else:
                kept = [_copy(picture) for picture in self._forwards(stretch[::-1])]
                yield from reversed(kept)

    def _forwards(self, places: Sequence[int]) -> Iterator[I420]:
        """Give the pictures at ``places``, which do not fall."""
        bounds = [self._clock.bound_s(place) for place in places]
        start_s = self._clock.time_s(places[0])
        header = self._reading.header
        seeking = self._is_proven and header.is_seekable and start_s > _SEEK_FROM_S
        exact = seeking or (self._is_proven and not self._in_process)
        first_s = first_picture(self._reading.path, header)[0] if exact else header.start_s
        end_s = first_s + bounds[-1] + _AFTER_S
        for start in (first_s + start_s - _BEFORE_S, None) if seeking else (None,):
            decoded = self._decode(Span(start_s=start, end_s=end_s))
            with contextlib.closing(decoded):
                current = next(decoded, None)
                if current is None or (start is not None and current.time_s - first_s >= bounds[0]):
                    continue  # the index led astray, or nothing begins there: read from the beginning
                if start is None:
                    first_s = current.time_s
                yield from _shown(current, decoded, [first_s + bound for bound in bounds])
                return
        raise MediaError(f"the clip {self._reading.path.name} gives no picture")

    def _decode(self, span: Span) -> Generator[Decoded]:
        if self._in_process:
            return decode_in_process(self._reading, span, self._read)
        return self._decode_there(span)

    def _decode_there(self, span: Span) -> Generator[Decoded]:
        """Let the child decode; damage ends the clip, as it does in this process."""
        count = 0
        try:
            with contextlib.closing(decode_in_child(self._reading, span, self._ffmpeg, Limits())) as decoded:
                for picture in decoded:
                    count += 1
                    yield picture
        except ChildFailed as error:
            if not blames_file(error) or (count == 0 and span.start_s is None):
                raise


def _shown(current: Decoded, following: Iterator[Decoded], bounds: Sequence[Fraction]) -> Iterator[I420]:
    """Give for each bound the last picture that begins before it; the first where none does."""
    after = next(following, None)
    drawn: I420 | None = None
    for place, bound in enumerate(bounds):
        while after is not None and after.time_s < bound:
            current, after, drawn = after, next(following, None), None
        drawn = drawn or current.draw()
        is_shown_again = place + 1 < len(bounds) and (after is None or after.time_s >= bounds[place + 1])
        yield _copy(drawn) if is_shown_again else drawn


def _copy(picture: I420) -> I420:
    return I420(picture.y.copy(), picture.u.copy(), picture.v.copy())
