"""Short films of a song: its best part, and a canvas that is shown over and over.

Method
------
The best part begins where the song's best hook begins, or, where none was heard, on the bar from which on the sections
are loudest; near the song's end on the last bar that leaves enough of it. A canvas is a whole number of bars out of
that part, the number whose length is nearest to what was asked for, so that music and pictures go on over its edge. Its
first shot begins with a dissolve out of the last shot's pictures after the end: the end meets the start, and no picture
is encoded twice. A song without bars gives the part of exactly the asked length.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from tasks.domain.analysis import Analysis
from tasks.domain.errors import InvalidInput
from tasks.domain.request import LONGEST_LOOP_S, SHORTEST_LOOP_S
from tasks.domain.segment import SegmentPlan
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Window
from tasks.domain.transition import Transition, TransitionKind

_MEETS_S = Fraction(1, 2)
_SHARE = 3  # the dissolve takes at most this part of the first shot


def best_part(analysis: Analysis, length_s: Fraction) -> Window | None:
    """Give the part of ``length_s`` seconds that stands for the song; None where the song is no longer than that."""
    if analysis.duration_s <= length_s:
        return None
    latest = analysis.duration_s - length_s
    start = min(Fraction(_best_start(analysis, float(length_s))), latest)
    bars = [Fraction(bar) for bar in analysis.downbeats if bar <= latest]
    if start == latest and bars:
        start = bars[-1]
    return Window(start_s=start, end_s=start + length_s)


def canvas_part(analysis: Analysis, length_s: Fraction) -> Window:
    """Give the whole bars nearest to ``length_s`` seconds, out of the best part of the song.

    Raises
    ------
    InvalidInput
        If the song is shorter than that.
    """
    part = best_part(analysis, length_s)
    if part is None:
        raise InvalidInput(
            f"The song lasts {float(analysis.duration_s):.1f} s; a canvas takes {float(length_s):g} s of it.",
            code="window_invalid",
        )
    bars = [Fraction(bar) for bar in analysis.downbeats]
    first = max(0, bisect_right(bars, part.start_s) - 1)
    ends = [bar for bar in bars[first + 1 :] if SHORTEST_LOOP_S <= bar - bars[first] <= LONGEST_LOOP_S]
    if not ends:
        return part
    end = min(ends, key=lambda bar: abs(bar - bars[first] - length_s))
    return Window(start_s=bars[first], end_s=end)


def meet(segments: Sequence[SegmentPlan], frame_rate: Fraction) -> tuple[SegmentPlan, ...]:
    """Let the film's end go over into its start."""
    first, last = segments[0], segments[-1]
    frames = min(round(_MEETS_S * frame_rate), len(first.frames) // _SHARE)
    if frames < 1:
        return tuple(segments)
    end = last.source.frames.end
    beyond = replace(last.source, frames=FrameRange(end, end + frames))
    opening = replace(first, transition=Transition(kind=TransitionKind.DISSOLVE, frames=frames), outgoing=beyond)
    return (opening, *segments[1:])


def _best_start(analysis: Analysis, length_s: float) -> float:
    if analysis.hooks:
        return analysis.hooks[0].start_s
    last = float(analysis.duration_s) - length_s
    starts = [bar for bar in analysis.downbeats if bar <= last] or [
        section.start_s for section in analysis.sections if section.start_s <= last
    ]
    return max(starts, key=lambda start: (_loudness(analysis, start, length_s), -start), default=0.0)


def _loudness(analysis: Analysis, start: float, length_s: float) -> float:
    """Sum the sections' energies over the part, in seconds of full energy, to the hundredth."""
    shares = (
        max(0.0, min(section.end_s, start + length_s) - max(section.start_s, start)) * section.energy
        for section in analysis.sections
    )
    return round(sum(shares), 2)
