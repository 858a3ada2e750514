"""Where the cuts are.

Method
------
A section's first beat is a cut, and inside sections `tasks.edit.rhythm` wishes cuts on beats. A cut is the frame
nearest to its beat. Where wishes lie nearer to each other than the shortest shot, the section's begin wins, then the
begin of a phrase, a fill, a step, an accent, and of two alike the first. Stretches of two seconds and more without a
beat are divided evenly, by the pace of their section, and those cuts have no beat.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tasks.domain.analysis import Analysis
from tasks.domain.errors import InvalidInput
from tasks.domain.request import MIN_WINDOW_S
from tasks.domain.timebase import FrameRange, frame_count, nearest_frame
from tasks.domain.timeline import Shot, Timeline, Window
from tasks.edit.passages import Passage, passages_of
from tasks.edit.rhythm import Weight, marks, shot_length_s

SHORTEST_SHOT_S = Fraction(1, 2)
_FREE_S, _FREE_BEATS = 2.0, 2.5
_CALMER = 1.15
_LAST_SHOT_S = 3.0


_BEGIN, _EVEN = -1, len(Weight)


@dataclass(frozen=True, slots=True)
class _Wish:
    rank: int
    frame: int
    beat_s: float | None
    section: str
    reason: str


def window_of(analysis: Analysis, start_s: Fraction | None, end_s: Fraction | None) -> Window | None:
    """Give the part of the song that is shown, or None for the whole of it.

    Raises
    ------
    InvalidInput
        If less than 2 s of the song lie in it.
    """
    start, end = start_s or Fraction(0), min(end_s or analysis.duration_s, analysis.duration_s)
    if end - start < MIN_WINDOW_S:
        raise InvalidInput(
            f"The song lasts {float(analysis.duration_s):.1f} s; choose a start and an end at least"
            f" {MIN_WINDOW_S} s apart inside it.",
            code="window_invalid",
        )
    return None if start == 0 and end == analysis.duration_s else Window(start_s=start, end_s=end)


def cut_timeline(
    analysis: Analysis,
    frame_rate: Fraction,
    window: Window | None,
    *,
    shortest_shot_s: Fraction = SHORTEST_SHOT_S,
    seed: int = 0,
) -> Timeline:
    """Plan the shots of a film of the song, or of ``window`` of it, at ``frame_rate``.

    Parameters
    ----------
    shortest_shot_s : Fraction
        No shot is shorter, except that of a film which is.
    seed : int
        Chooses among figures of cuts; the same seed gives the same timeline.
    """
    shown = window or Window(start_s=Fraction(0), end_s=analysis.duration_s)
    frames = frame_count(shown.duration_s, frame_rate)
    passages = passages_of(analysis, frame_rate, window)
    wishes = list(_wishes(passages, frame_rate, shortest_shot_s, seed))
    first = _Wish(_BEGIN, 0, None, passages[0].label, "the film begins")
    kept = [first, *_granted(wishes, frames, math.ceil(shortest_shot_s * frame_rate))]
    ends = [*(cut.frame for cut in kept[1:]), frames]
    shots = tuple(
        Shot(index=index, frames=FrameRange(cut.frame, end), beat_s=cut.beat_s, section=cut.section, reason=cut.reason)
        for index, (cut, end) in enumerate(zip(kept, ends, strict=True))
    )
    return Timeline(frame_rate=frame_rate, shots=shots, window=window)


def _granted(wishes: list[_Wish], frames: int, shortest: int) -> list[_Wish]:
    """Keep the wishes that leave every shot at least ``shortest`` frames, the important ones first."""
    taken: list[int] = [0, frames]
    kept = []
    for wish in sorted(wishes, key=lambda wish: (wish.rank, wish.frame)):
        after = bisect_left(taken, wish.frame)
        if 0 < after < len(taken) and min(wish.frame - taken[after - 1], taken[after] - wish.frame) >= shortest:
            insort(taken, wish.frame)
            kept.append(wish)
    return sorted(kept, key=lambda wish: wish.frame)


def _wishes(passages: tuple[Passage, ...], frame_rate: Fraction, shortest_s: Fraction, seed: int) -> Iterator[_Wish]:
    for passage, following in zip(passages, [*passages[1:], None], strict=True):
        if passage is not passages[0]:
            beat = passage.starts_on
            why = f"the {passage.label} begins" + ("" if beat else ", where no beat is heard")
            yield _Wish(_BEGIN, passage.frames.start, beat.film_s if beat else None, passage.label, why)
        yield from _inside(passage, following, frame_rate, shortest_s, seed)
        yield from _without_beat(passage, frame_rate)


def _inside(
    passage: Passage, following: Passage | None, frame_rate: Fraction, shortest_s: Fraction, seed: int
) -> Iterator[_Wish]:
    """Give the wishes on beats that leave room for a shot at both ends of the passage."""
    room = shot_length_s(passage) / 2 * float(frame_rate)
    last = min(_LAST_SHOT_S, shot_length_s(passage)) * float(frame_rate)
    for mark in marks(passage, following, shortest_s=shortest_s, seed=seed):
        before, after = mark.beat.frame - passage.frames.start, passage.frames.end - mark.beat.frame
        if mark.weight is Weight.FILL or (before >= room and after >= (room if following else last)):
            yield _Wish(mark.weight, mark.beat.frame, mark.beat.film_s, passage.label, mark.reason)


def _without_beat(passage: Passage, frame_rate: Fraction) -> Iterator[_Wish]:
    """Divide stretches without a beat evenly."""
    free_s = max(_FREE_S, _FREE_BEATS * passage.beat_s())
    start_s, end_s = (Fraction(frame) / frame_rate for frame in (passage.frames.start, passage.frames.end))
    wanted = shot_length_s(passage) * _CALMER
    why = "a stretch without a beat, evenly divided" if passage.beats else "no beat was heard, evenly divided"
    for before, after in pairwise([start_s, *(Fraction(beat.film_s) for beat in passage.beats), end_s]):
        parts = max(round(float(after - before) / wanted), 1) if after - before >= free_s else 1
        for part in range(1, parts):
            frame = nearest_frame(before + (after - before) * part / parts, frame_rate)
            yield _Wish(_EVEN, frame, None, passage.label, why)
