"""Films whose cuts somebody else decided: an editor's timeline, or a changed OUT.timeline.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from sqlmodel import Session

from cluster.db.tables import Song
from tasks.domain.analysis import Analysis
from tasks.domain.document import Document
from tasks.domain.errors import InvalidInput
from tasks.domain.footage import FootageFacts
from tasks.domain.lyrics import Lyrics
from tasks.domain.request import VideoRequest
from tasks.domain.timebase import frame_count
from tasks.domain.timeline import Timeline, Window
from tasks.edit.captions import captions_of
from tasks.edit.rework import replan, reshaped
from tasks.export.otio_import import exported_from, read_exported, reworked
from tasks.steps.changes import planned
from tasks.steps.songs import owned_composition


def request_from_otio(session: Session, path: Path, song: Song, *, name: str | None = None) -> VideoRequest:
    """Ask for the film that an editor made of one that was exported; all else is as in that film.

    Parameters
    ----------
    name : str, optional
        What the user calls the file, where it lies under another name.

    Raises
    ------
    InvalidInput
        If the timeline cannot be read or made, or is of another song.
    NotFound
        If the film that it was exported from is not there.
    """
    name = name or path.name
    timeline = read_exported(path, name)
    video_id = exported_from(timeline)
    base = owned_composition(session, video_id, song.owner_id)
    if base.song_id != song.id:
        raise InvalidInput(f"{name} was exported from a film of another song; give that song.", code="timeline_invalid")
    spec, segments = planned(base)
    rework = reworked(timeline, video_id, segments, spec.frame_rate)
    return replace(VideoRequest.from_json(base.request), rework=rework, timeline=None)


def request_with_cuts(request: VideoRequest, timeline: Timeline) -> VideoRequest:
    """Ask for a film with the cuts of ``timeline``, and with its rate and its part of the song."""
    window = timeline.window
    return replace(
        request,
        timeline=timeline,
        frame_rate=timeline.frame_rate,
        start_s=None if window is None else window.start_s,
        end_s=None if window is None else window.end_s,
    )


def expect_length(timeline: Timeline, analysis: Analysis, window: Window | None) -> Timeline:
    """Give the timeline if it is as long as the song's part.

    Raises
    ------
    InvalidInput
        If it is not.
    """
    duration_s = analysis.duration_s if window is None else window.duration_s
    expected = frame_count(duration_s, timeline.frame_rate)
    if timeline.frames != expected:
        raise InvalidInput(
            f"The timeline lasts {timeline.frames} frames and the song's part {expected}; make them equal.",
            code="timeline_invalid",
        )
    return replace(timeline, shots=tuple(replace(shot, transition=None) for shot in timeline.shots))


def plan_rework(
    session: Session,
    request: VideoRequest,
    owner_id: str,
    analysis: Analysis,
    *,
    footage: Sequence[FootageFacts],
    lyrics: Lyrics | None,
) -> tuple[Timeline, Document]:
    """Plan a film out of another film's segments; what is said of the whole plan there is said here too.

    In another shape of picture its words are set anew, as the song's lyrics are now.
    """
    rework = request.rework
    assert rework is not None
    base = owned_composition(session, rework.video_id, owner_id)
    _, segments = planned(base)
    assert base.plan is not None
    timeline = Timeline.from_json(base.timeline or {})
    start_s = timeline.window.start_s if timeline.window else Fraction(0)
    beats = [beat.time_s - float(start_s) for beat in analysis.beats]
    limits = request.limit_flashes
    shots, plans, notes = replan(rework, timeline, segments, beats, limit=limits, footage=footage)
    if request.aspect != VideoRequest.from_json(base.request).aspect:
        has_bars = request.size[0] > request.size[1] or request.effects is not None
        plans = reshaped(plans, captions_of(lyrics, analysis, shots, request), has_bars=has_bars)
    limit = {"is_on": limits, "softened": [note.to_json() for note in notes]}
    planned_anew = {
        "spec": request.spec.to_json(),
        "segments": [plan.to_json() for plan in plans],
        "flash_limit": limit,
    }
    return shots, {**base.plan, **planned_anew}
