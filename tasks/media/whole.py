"""Whether a film that is stored is whole: every picture and all of its sound decode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av

from tasks.domain.errors import MediaError
from tasks.media.probe import open_own


class FilmBroken(MediaError):
    """A stored film does not decode as a whole."""

    code = "film_broken"
    retryable = True


def expect_whole(
    path: Path,
    frames: int,
    on_frame: Callable[[int], None] = lambda _: None,
    *,
    on_picture: Callable[[int, av.VideoFrame], None] = lambda _number, _picture: None,
) -> None:
    """Decode the film at ``path`` from its first to its last byte of pictures and sound.

    Parameters
    ----------
    frames : int
        How many pictures there should be.
    on_frame : callable
        Told the number of pictures decoded so far.
    on_picture : callable
        Shown every picture with its number, from 0.

    Raises
    ------
    FilmBroken
        If something does not decode, there are not ``frames`` pictures, or there is no sound.
    """
    pictures = samples = 0
    try:
        with open_own(path) as film:
            for stream in (*film.streams.video, *film.streams.audio):
                stream.codec_context.thread_type = "AUTO"
                stream.codec_context.options = {"err_detect": "explode"}
            for frame in film.decode(film.streams.video[0], film.streams.audio[0]):
                if isinstance(frame, av.VideoFrame):
                    pictures += 1
                    if frame.is_corrupt:
                        raise FilmBroken(f"picture {pictures} of the stored film is damaged")
                    on_picture(pictures - 1, frame)
                    on_frame(pictures)
                elif isinstance(frame, av.AudioFrame):
                    samples += frame.samples
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise FilmBroken(f"the stored film does not decode: {error}") from error
    if pictures != frames or samples == 0:
        raise FilmBroken(f"the stored film has {pictures} pictures of {frames} and {samples} samples of sound")
