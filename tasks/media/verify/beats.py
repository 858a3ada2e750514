"""Beats from a file of another tool, and how far cuts are from them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from tasks.domain.errors import InvalidInput
from tasks.domain.timeline import Timeline

_COLUMN = re.compile(r"[,;\s]+")


def read_beats(path: Path) -> tuple[float, ...]:
    """Read beats, in seconds of the song, rising.

    The first column of each line counts; columns are parted by commas, semicolons, spaces or tabs, and what follows
    ``#`` is a comment.

    Raises
    ------
    InvalidInput
        If the file cannot be read, holds no beat, or a line does not start with a time.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path} cannot be read as a list of beats; give a text file with one time a line.", code="beats_unreadable"
        ) from error
    beats = [
        _time(path, number, content)
        for number, line in enumerate(lines, 1)
        if (content := line.partition("#")[0].strip())
    ]
    if not beats:
        raise InvalidInput(f"{path.name} holds no beat; give one time in seconds a line.", code="beats_empty")
    return tuple(sorted(beats))


def _time(path: Path, number: int, content: str) -> float:
    first = _COLUMN.split(content)[0]
    try:
        seconds = float(first)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InvalidInput(
            f"Line {number} of {path.name} starts with {first[:40]!r}; a beat is a time in seconds, such as 12.34.",
            code="beats_not_times",
        )
    return seconds


def beats_of_cuts(timeline: Timeline, beats: Sequence[float] | None) -> tuple[float | None, ...]:
    """Return the beat of each cut in seconds of the film: the plan's, or the nearest of ``beats`` (of the song).

    A cut that the plan sets without a beat has none either way.
    """
    if not beats:
        return tuple(cut.beat_s for cut in timeline.cuts)
    start_s = float(timeline.window.start_s) if timeline.window else 0.0
    in_film = [beat - start_s for beat in beats]
    times = [float(cut.frames.start / timeline.frame_rate) for cut in timeline.cuts]
    return tuple(
        None if cut.beat_s is None else min(in_film, key=lambda beat: abs(beat - time))
        for cut, time in zip(timeline.cuts, times, strict=True)
    )
