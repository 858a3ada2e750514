"""Parts of planning: which part of the song is shown, how a canvas closes, and whether the sound can be copied."""

from __future__ import annotations

from cluster.db.tables import AnalysisRow, Song
from tasks.domain.analysis import Analysis
from tasks.domain.document import Document
from tasks.domain.request import AudioMode, VideoRequest
from tasks.domain.segment import SegmentPlan
from tasks.domain.timeline import Window
from tasks.edit.cutting import window_of
from tasks.edit.short_form import best_part, canvas_part, meet
from tasks.media.copying import is_copied
from tasks.media.probe import sound_header
from tasks.steps.context import StepContext


def shown_part(analysis: Analysis, request: VideoRequest) -> Window | None:
    """Choose the part of the song that is shown; None is the whole of it."""
    if request.loop_s is not None:
        return canvas_part(analysis, request.loop_s)
    if request.short_s is not None:
        return best_part(analysis, request.short_s)
    return window_of(analysis, request.start_s, request.end_s)


def looped(plan: Document, request: VideoRequest) -> Document:
    """Let the end of a planned canvas meet its start."""
    segments = meet([SegmentPlan.from_json(segment) for segment in plan["segments"]], request.frame_rate)
    return {**plan, "segments": [segment.to_json() for segment in segments]}


def expect_copy(song: Song, heard: AnalysisRow, window: Window | None, ctx: StepContext) -> None:
    """Refuse sound that was to be copied and cannot be, before any picture is encoded.

    Raises
    ------
    InvalidInput
        If it cannot; the sentence says why.
    """
    original = ctx.fetch(song.content_key)
    is_copied(AudioMode.COPY, sound_header(original), window, original, ctx.fetch(heard.sound_key))
