"""Where a plan itself shows a picture again, for whoever judges the finished film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasks.domain.effect import TIME_KINDS
from tasks.domain.segment import SegmentPlan, SourceKind
from tasks.domain.timebase import FrameRange


def planned_repeats(segments: Sequence[SegmentPlan]) -> tuple[FrameRange, ...]:
    """Give the film's frames at which a picture may be shown again, as stretches in order."""
    return _joined(sorted(_repeating(segments)))


def _repeating(segments: Sequence[SegmentPlan]) -> Iterator[FrameRange]:
    """Find footage, which may have fewer pictures than the film and repeat some itself, and frozen or slowed motion."""
    for segment in segments:
        if segment.source.kind is SourceKind.CLIP:
            yield segment.frames
        for effect in segment.effects:
            if effect.kind in TIME_KINDS and effect.amount > 0:
                yield FrameRange(effect.start_frame, effect.end_frame)


def _joined(ranges: Sequence[FrameRange]) -> tuple[FrameRange, ...]:
    joined: list[FrameRange] = []
    for each in ranges:
        if joined and each.start <= joined[-1].end:
            joined[-1] = FrameRange(joined[-1].start, max(joined[-1].end, each.end))
        else:
            joined.append(each)
    return tuple(joined)
