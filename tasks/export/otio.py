"""The film as an OpenTimelineIO timeline: its segments on a video track, the song below, beats and sections marked.

Conventions
-----------
One clip a segment, whose media is the segment's own file, frame for frame; clips carry the segment's number under
``vibecraft`` in their metadata, and so does the file's name, for editors that drop metadata. Places are in frames of
the film. FCPXML and EDL are written by OTIO's own adapters from the same timeline: FCPXML without the song's markers,
EDL with the video track alone, since that is what they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tasks.domain.analysis import Analysis
from tasks.domain.document import SCHEMA
from tasks.domain.errors import InvalidInput, ToolMissing
from tasks.domain.film import chapters_of
from tasks.domain.segment import SegmentPlan
from tasks.domain.timebase import nearest_frame
from tasks.domain.timeline import Timeline

NAMESPACE = "vibecraft"
FORMATS = {".otio": "otio_json", ".fcpxml": "fcpx_xml", ".edl": "cmx_3600"}
"""Formats by the file's ending, and the adapters that write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """What is exported: a planned film, its song, and where the files of both are.

    ``segment_files`` and ``song_file`` are absolute, or relative to the exported file.
    """

    video_id: str
    title: str
    timeline: Timeline
    segments: Sequence[SegmentPlan]
    segment_files: Sequence[Path]
    song_file: Path
    analysis: Analysis


def segment_name(index: int) -> str:
    """Name the file of a segment so that its number is read from it again."""
    return f"segment-{index:04d}.mp4"


def timeline_text(reel: Reel, ending: str) -> str:
    """Write the film as a timeline in the format of files that end in ``ending``, one of `FORMATS`.

    Raises
    ------
    ToolMissing
        If OpenTimelineIO, or its adapter for the format, is not installed.
    InvalidInput
        If the format cannot hold this film; the sentence has the adapter's reason.
    """
    otio = library()
    adapter = FORMATS[ending]
    if adapter not in otio.adapters.available_adapter_names():
        raise ToolMissing(f"OpenTimelineIO has no adapter {adapter} here; install vibecraft[otio].")
    timeline = _timeline(otio, reel, with_song=adapter != "cmx_3600")
    try:
        return str(otio.adapters.write_to_string(timeline, adapter_name=adapter))
    except Exception as error:  # adapters raise whatever their format lacks
        raise InvalidInput(f"{ending} cannot hold this film: {error}", code="export_impossible") from error


def library() -> Any:
    """Give the module of OpenTimelineIO, which is an optional part.

    Raises
    ------
    ToolMissing
        If it is not installed.
    """
    try:
        import opentimelineio  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise ToolMissing("Timelines of editors need OpenTimelineIO; install vibecraft[otio].") from error
    return opentimelineio


def _timeline(otio: Any, reel: Reel, *, with_song: bool) -> Any:
    rate = float(reel.timeline.frame_rate)
    timeline = otio.schema.Timeline(name=reel.title)
    timeline.metadata[NAMESPACE] = {"schema": SCHEMA, "video_id": reel.video_id, "frames": reel.timeline.frames}
    pictures = otio.schema.Track(name="shots", kind=otio.schema.TrackKind.Video)
    pictures.extend(_clips(otio, reel, rate))
    timeline.tracks.append(pictures)
    if with_song:
        sound = otio.schema.Track(name="song", kind=otio.schema.TrackKind.Audio)
        sound.append(_song(otio, reel, rate))
        timeline.tracks.append(sound)
    timeline.tracks.markers.extend(_marks(otio, reel, rate))
    return timeline


def _clips(otio: Any, reel: Reel, rate: float) -> Iterator[Any]:
    for plan, file in zip(reel.segments, reel.segment_files, strict=True):
        shown = _range(otio, 0, len(plan.frames), rate)
        shot = reel.timeline.shots[plan.shot]
        yield otio.schema.Clip(
            name=f"{plan.index + 1:03d} {shot.section}".strip(),
            source_range=shown,
            media_reference=otio.schema.ExternalReference(target_url=file.as_posix(), available_range=shown),
            metadata={
                NAMESPACE: {"segment": plan.index, "shot": plan.shot, "reason": shot.reason},
                "cmx_3600": {"reel": f"S{plan.index:04d}"},
            },
        )


def _song(otio: Any, reel: Reel, rate: float) -> Any:
    start = Fraction(0) if reel.timeline.window is None else reel.timeline.window.start_s * reel.timeline.frame_rate
    whole = float(reel.analysis.duration_s * reel.timeline.frame_rate)
    reference = otio.schema.ExternalReference(
        target_url=reel.song_file.as_posix(), available_range=_range(otio, 0, whole, rate)
    )
    shown = _range(otio, float(start), reel.timeline.frames, rate)
    return otio.schema.Clip(name=reel.title, source_range=shown, media_reference=reference)


def _marks(otio: Any, reel: Reel, rate: float) -> Iterator[Any]:
    colours = otio.schema.MarkerColor
    for chapter in chapters_of(reel.analysis.sections, reel.timeline):
        marked = _range(otio, chapter.frames.start, len(chapter.frames), rate)
        yield otio.schema.Marker(name=chapter.title, marked_range=marked, color=colours.GREEN)
    window = reel.timeline.window
    start_s = Fraction(0) if window is None else window.start_s
    for number, beat in enumerate(reel.analysis.beats, 1):
        frame = nearest_frame(Fraction(beat.time_s) - start_s, reel.timeline.frame_rate)
        if 0 <= frame < reel.timeline.frames:
            colour = colours.RED if beat.position == 1 else colours.CYAN
            marked = _range(otio, frame, 0, rate)
            yield otio.schema.Marker(name=f"beat {number}", marked_range=marked, color=colour)


def _range(otio: Any, start: float, length: float, rate: float) -> Any:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(length, rate))
