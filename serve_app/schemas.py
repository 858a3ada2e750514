"""What goes over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.db.tables import Composition, Job, JobEvent, Song, Step
from cluster.jobs import store
from cluster.jobs.states import State
from serve_app.film_schemas import RenditionIn
from tasks.domain.clip import Fit
from tasks.domain.effect import EffectKind
from tasks.domain.rendition import rendition_of
from tasks.domain.request import (
    LARGEST_SEED,
    LONGEST_CARD,
    Aspect,
    AudioMode,
    Deal,
    Rate,
    Resolution,
    VideoRequest,
    Words,
)
from tasks.domain.segment import Codec, Preset
from tasks.domain.style import StyleName
from tasks.domain.transition import TransitionKind
from tasks.workflow import ANALYSIS


class SongOut(BaseModel):
    """A song that was taken in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "song_01k0a3v9q2x8m4n6p7r5s1t0wz",
                    "filename": "summer.mp3",
                    "title": "Summer",
                    "artist": None,
                    "size_bytes": 4823071,
                    "created_at": "2026-11-24T12:00:00Z",
                }
            ]
        }
    )

    id: str
    filename: str
    title: str | None
    artist: str | None
    size_bytes: int
    created_at: datetime

    @classmethod
    def of(cls, song: Song) -> SongOut:
        """Show a row."""
        return cls(**song.model_dump(include=set(cls.model_fields)))


class CompositionIn(BaseModel):
    """A video that is asked for; everything has a default."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"style": "silk", "aspect": "9:16"}]})

    style: StyleName | Literal["auto"] = "auto"
    aspect: Aspect = Aspect.LANDSCAPE
    resolution: Resolution = Resolution.P720
    fps: Rate = Rate.R30
    seed: int | None = Field(default=None, ge=0, le=LARGEST_SEED)
    start_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    end_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    preset: Preset = Preset.STANDARD
    shortest_shot_s: float = Field(default=0.5, ge=0.1, le=10)
    effects: list[EffectKind] | None = Field(default=None, description="Kinds that may be used; null lets us choose.")
    transitions: list[TransitionKind] | None = Field(
        default=None, description="Kinds that may be used; null lets us choose, an empty list means cuts only."
    )
    limit_flashes: bool = Field(default=True, description="Keep flashes within WCAG 2.3.1.")
    footage: list[str] = Field(
        default=[], max_length=500, description="Ids of your clips; without any the built-in renderer draws."
    )
    deal: Deal = Field(
        default=Deal.ORDER, description="Clips follow each other in order, or lively ones go to loud shots."
    )
    fit: Fit = Field(default=Fit.FILL, description="How clips of another shape fill the picture.")
    words: Words = Field(default=Words.OFF, description="How the song's lyrics are shown.")
    title: str | None = Field(default=None, max_length=LONGEST_CARD, description="A card at the beginning.")
    credits: str | None = Field(default=None, max_length=LONGEST_CARD, description="A card at the end.")
    audio: AudioMode = Field(default=AudioMode.AUTO, description="Keep the song's AAC, copy anything, or encode.")
    codec: Codec = Field(default=Codec.H264, description="How pictures are coded; h264 plays everywhere.")
    short_s: float | None = Field(default=None, description="The best part of the song, of so many seconds.")
    loop_s: float | None = Field(default=None, description="Bars of about so many seconds whose end meets their start.")
    also: list[RenditionIn] = Field(
        default=[], max_length=8, description="Further formats of the same film, made together with it."
    )
    priority: Literal["normal", "batch"] = "normal"

    @property
    def level(self) -> int:
        """The job's priority: a batch waits for everything else."""
        return store.BATCH if self.priority == "batch" else store.NORMAL

    def formats(self) -> list[VideoRequest]:
        """Turn the further formats into the trade's records, each once."""
        return list(dict.fromkeys(rendition_of(self.request(), each.words) for each in self.also))

    def request(self) -> VideoRequest:
        """Turn it into the trade's record."""
        return VideoRequest(
            style=None if self.style == "auto" else self.style,
            aspect=self.aspect,
            resolution=self.resolution,
            frame_rate=Fraction(self.fps),
            seed=self.seed,
            start_s=_exact(self.start_s),
            end_s=_exact(self.end_s),
            preset=self.preset,
            shortest_shot_s=Fraction(str(self.shortest_shot_s)),
            effects=None if self.effects is None else tuple(dict.fromkeys(self.effects)),
            transitions=None if self.transitions is None else tuple(dict.fromkeys(self.transitions)),
            limit_flashes=self.limit_flashes,
            footage=tuple(self.footage),
            deal=self.deal,
            fit=self.fit,
            words=self.words,
            title=self.title,
            credits=self.credits,
            audio=self.audio,
            codec=self.codec,
            short_s=_exact(self.short_s),
            loop_s=_exact(self.loop_s),
        )


class JobOut(BaseModel):
    """A job and how far it is; ``video_id`` names what it makes, or ``song_id`` what it hears."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "job_01k0a3v9q2x8m4n6p7r5s1t0wz",
                    "kind": "video",
                    "state": "running",
                    "progress": 0.42,
                    "steps": {"analyze": "1/1", "plan": "1/1", "render": "9/24"},
                    "video_id": "video_01k0a3v9q2x8m4n6p7r5s1t0wz",
                    "song_id": None,
                    "error": None,
                    "created_at": "2026-11-24T12:00:00Z",
                    "finished_at": None,
                }
            ]
        }
    )

    id: str
    kind: str
    state: State
    progress: float
    steps: dict[str, str]
    video_id: str | None
    song_id: str | None
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job, steps: list[Step]) -> JobOut:
        """Show a job with its steps."""
        counts = {}
        for kind in dict.fromkeys(step.kind for step in steps):
            group = [step for step in steps if step.kind == kind]
            counts[kind] = f"{sum(step.state == State.SUCCEEDED for step in group)}/{len(group)}"
        error = None if job.error is None else {key: job.error.get(key) for key in ("code", "message", "step")}
        return cls(
            id=job.id,
            kind=job.kind,
            state=State(job.state),
            progress=_progress(job, steps),
            steps=counts,
            video_id=None if job.kind == ANALYSIS else job.subject_id,
            song_id=job.subject_id if job.kind == ANALYSIS else None,
            error=error,
            created_at=job.created_at,
            finished_at=job.finished_at,
        )


class EventOut(BaseModel):
    """One thing that happened to a job or to one of its steps."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 812,
                    "kind": "step",
                    "step_id": "step_01k0a3v9q2x8m4n6p7r5s1t0wz",
                    "before": "queued",
                    "after": "running",
                    "progress": None,
                    "reason": None,
                    "at": "2026-11-24T12:00:00Z",
                }
            ]
        }
    )

    id: int
    kind: str
    step_id: str | None
    before: str | None
    after: str | None
    progress: float | None
    reason: str | None
    at: datetime

    @classmethod
    def of(cls, event: JobEvent) -> EventOut:
        """Show a row; evidence that is not for users stays inside."""
        detail = event.detail or {}
        assert event.id is not None
        return cls(
            id=event.id,
            kind=event.kind,
            step_id=event.step_id,
            before=event.before,
            after=event.after,
            progress=detail.get("progress"),
            reason=detail.get("message") or detail.get("reason") or detail.get("parked"),
            at=event.at,
        )


class VideoOut(BaseModel):
    """A video: what was asked, and where its bytes are once it is finished."""

    id: str
    song_id: str
    request: dict[str, Any]
    base_id: str | None = Field(description="The video that this one is a further format of.")
    renditions: list[str] = Field(description="Ids of its further formats, which the same job makes.")
    timeline: dict[str, Any] | None
    flash_limit: dict[str, Any] | None = Field(
        description="Once planned: whether flashes are limited (`is_on`), and what was `softened` for it, and why."
    )
    content: str | None
    created_at: datetime
    published_at: datetime | None

    @classmethod
    def of(cls, composition: Composition, content: str, formats: Sequence[Composition]) -> VideoOut:
        """Show a row and its further formats; ``content`` is where its bytes would be."""
        return cls(
            id=composition.id,
            song_id=composition.song_id,
            request=composition.request,
            base_id=composition.base_id,
            renditions=[each.id for each in formats],
            timeline=composition.timeline,
            flash_limit=None if composition.plan is None else composition.plan.get("flash_limit"),
            content=content if composition.video_key else None,
            created_at=composition.created_at,
            published_at=composition.published_at,
        )


_SHARES = {"analyze": 0.1, "plan": 0.02, "render": 0.8, "assemble": 0.06, "publish": 0.02}


def _progress(job: Job, steps: list[Step]) -> float:
    if job.state == State.SUCCEEDED:
        return 1.0
    total = 0.0
    shares = {"analyze": 1.0} if job.kind == ANALYSIS else _SHARES
    for kind, share in shares.items():
        group = [step.progress for step in steps if step.kind == kind]
        total += share * sum(group) / len(group) if group else 0.0
    return round(total, 3)


def _exact(seconds: float | None) -> Fraction | None:
    return None if seconds is None else Fraction(str(seconds))
