"""What an exported film consists of, as rows tell it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath

from sqlmodel import Session

from cluster.db.tables import Song
from cluster.errors import NotFound
from tasks.domain.analysis import Analysis
from tasks.domain.segment import SegmentPlan, SourceKind
from tasks.domain.timeline import Timeline
from tasks.export.otio import Reel, segment_name
from tasks.steps import songs
from tasks.steps.changes import planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A finished film's plan and the keys of its files."""

    video_id: str
    title: str
    timeline: Timeline
    segments: tuple[SegmentPlan, ...]
    segment_keys: tuple[str, ...]
    footage_keys: tuple[str, ...]
    song_key: str
    song_name: str
    analysis: Analysis

    @property
    def files(self) -> dict[str, str]:
        """Give the keys of all files of the film by their names in its folder: segments, footage, song."""
        segments = {segment_name(plan.index): key for plan, key in zip(self.segments, self.segment_keys, strict=True)}
        footage = {f"footage/{PurePath(key).name}": key for key in self.footage_keys}
        return {**segments, **footage, self.song_name: self.song_key}

    def reel(self, folder: Path) -> Reel:
        """Give the film as it is exported, with its files in ``folder``, as the timeline is to name it."""
        return Reel(
            video_id=self.video_id,
            title=self.title,
            timeline=self.timeline,
            segments=self.segments,
            segment_files=[folder / segment_name(plan.index) for plan in self.segments],
            song_file=folder / self.song_name,
            analysis=self.analysis,
        )


def parts_of(session: Session, video_id: str, owner_id: str) -> Parts:
    """Read the parts of a video of ``owner_id``.

    Raises
    ------
    NotFound
        If there is none, it belongs to somebody else, or it is not finished.
    """
    composition = songs.owned_composition(session, video_id, owner_id)
    analysis = songs.analysis_of(session, composition)
    if composition.video_key is None or composition.timeline is None or analysis is None:
        raise NotFound(f"The video {video_id} is not finished; only a finished film is exported.")
    song = session.get_one(Song, composition.song_id)
    spec, segments = planned(composition)
    shown = {plan.source.settings["content_key"] for plan in segments if plan.source.kind is SourceKind.CLIP}
    return Parts(
        video_id=video_id,
        title=song.title or PurePath(song.filename).stem,
        timeline=Timeline.from_json(composition.timeline),
        segments=segments,
        segment_keys=tuple(plan.content_key(spec) for plan in segments),
        footage_keys=tuple(sorted(shown)),
        song_key=song.content_key,
        song_name=PurePath(song.filename).name,
        analysis=analysis,
    )
