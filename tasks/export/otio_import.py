"""Read a timeline that was exported and changed in an editor: cuts that moved, another order, trims.

What is read is the one video track: which part of which segment is shown, one after the other. Anything that cannot be
made again out of the film's own sources (gaps, other media, speed changes, an editor's transitions, a film of another
length) is an error that names the place, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlparse

from tasks.domain.errors import InvalidInput
from tasks.domain.rework import Piece, Rework
from tasks.domain.segment import SegmentPlan
from tasks.domain.timebase import FrameRange
from tasks.export.otio import NAMESPACE, library

LARGEST_BYTES = 32 << 20
"""Of a file with a timeline."""
_NEAR = 1e-3  # of a frame: what editors' floats may be off


def read_exported(path: Path, name: str) -> Any:
    """Read the file's timeline; ``name`` is what its user calls it.

    Raises
    ------
    InvalidInput
        If there is no such file, or it holds no timeline.
    ToolMissing
        If OpenTimelineIO is not installed.
    """
    otio = library()
    if not path.is_file():
        raise _wrong(f"There is no file {path}; check the path.")
    if path.stat().st_size > LARGEST_BYTES:
        raise _wrong(f"{name} is larger than a timeline of ours can be; export the film again.")
    try:
        timeline = otio.adapters.read_from_file(str(path), adapter_name="otio_json")
    except Exception as error:  # the reader raises whatever a file's bytes lead to
        raise _wrong(f"{name} is no OTIO timeline that can be read; export it as .otio.") from error
    if not isinstance(timeline, otio.schema.Timeline):
        raise _wrong(f"{name} holds no timeline; export the whole timeline and not a part of it.")
    return timeline


def exported_from(timeline: Any) -> str:
    """Give the id of the video that the timeline was exported from.

    Raises
    ------
    InvalidInput
        If it does not say.
    """
    ours = timeline.metadata.get(NAMESPACE) or {}
    video_id = ours.get("video_id")
    if not isinstance(video_id, str):
        raise _wrong(
            "The timeline was not exported by VibeCraft, so that its media are not known; export the film first."
        )
    return video_id


def reworked(timeline: Any, video_id: str, segments: Sequence[SegmentPlan], rate: Fraction) -> Rework:
    """Read which pieces of the video's segments the timeline shows.

    Parameters
    ----------
    segments : sequence of SegmentPlan
        The plan of the video ``video_id``.
    rate : Fraction
        Its frame rate, which is the new film's.

    Raises
    ------
    InvalidInput
        If it shows something else, or has another length; the sentence says where and what to do.
    """
    otio = library()
    tracks = [track for track in timeline.video_tracks() if len(track)]
    if len(tracks) != 1:
        raise _wrong(f"The timeline has {len(tracks)} video tracks with clips; put all shots on one.")
    pieces: list[Piece] = []
    at = 0
    for item in tracks[0]:
        piece = _piece(otio, item, at, segments, rate)
        pieces.append(piece)
        at += len(piece.frames)
    expected = segments[-1].frames.end
    if at != expected:
        raise _wrong(
            f"The timeline lasts {at} frames and the song's part {expected}; make all shots together as long as that."
        )
    return Rework(video_id=video_id, pieces=tuple(pieces))


def _piece(otio: Any, item: Any, at: int, segments: Sequence[SegmentPlan], rate: Fraction) -> Piece:
    if isinstance(item, otio.schema.Gap):
        raise _wrong(f"There is a gap at frame {at}; close it, since the film shows a picture at every moment.")
    if isinstance(item, otio.schema.Transition):
        raise _wrong(f"There is an editor's transition at frame {at}; make it a cut: transitions are planned here.")
    if not isinstance(item, otio.schema.Clip):
        raise _wrong(f"At frame {at} there is a {type(item).__name__} and no clip; flatten the timeline.")
    if item.effects:
        raise _wrong(f"The clip at frame {at} has an effect or another speed; take it off, cuts and trims are read.")
    index = _segment_of(item, at)
    if not 0 <= index < len(segments):
        raise _wrong(f"The clip at frame {at} names segment {index}, which the film does not have; export it again.")
    shown = item.trimmed_range()
    start, length = (_frames(time, rate, at) for time in (shown.start_time, shown.duration))
    whole = len(segments[index].frames)
    if length < 1 or start < 0 or start + length > whole:
        raise _wrong(
            f"The clip at frame {at} shows frames {start}..{start + length} of a segment of {whole}; trim it to what"
            " there is."
        )
    return Piece(segment=index, frames=FrameRange(start, start + length))


def _segment_of(clip: Any, at: int) -> int:
    """Give the number of the clip's segment, from its metadata or else from its file's name."""
    told = (clip.metadata.get(NAMESPACE) or {}).get("segment")
    if isinstance(told, int):
        return told
    url = getattr(clip.media_reference, "target_url", None) or ""
    named = re.fullmatch(r"segment-(\d{4,})\.mp4", PurePosixPath(unquote(urlparse(url).path)).name)
    if named is None:
        raise _wrong(
            f"The clip at frame {at} ({clip.name or 'without a name'}) is none of the film's segments; give your own"
            " material as footage with --clips instead."
        )
    return int(named[1])


def _frames(time: Any, rate: Fraction, at: int) -> int:
    """Count a time in frames of the film."""
    if time.rate <= 0:
        raise _wrong(f"The clip at frame {at} has no frame rate; export the timeline again.")
    frames: float = time.value * float(rate) / time.rate
    if abs(frames - round(frames)) > _NEAR:
        raise _wrong(
            f"The clip at frame {at} lies between frames at {float(rate):g} per second; set the editor's timeline to"
            " the film's rate."
        )
    return round(frames)


def _wrong(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, code="timeline_invalid")
