"""Join the segments and the song's sound to the film, with its names and chapters."""

from __future__ import annotations

import json
from fractions import Fraction

from sqlmodel import Session

from cluster.db.tables import AnalysisRow, Composition, Song
from tasks.domain.analysis import Analysis
from tasks.domain.document import Document, content_hash
from tasks.domain.errors import InvalidRecord
from tasks.domain.film import FLASHES_UNLIMITED, FilmTags, chapters_of
from tasks.domain.request import VideoRequest, Words
from tasks.domain.segment import SegmentPlan, SegmentSpec
from tasks.domain.timeline import Timeline
from tasks.media.copying import is_copied
from tasks.media.mux import assemble
from tasks.media.probe import sound_header
from tasks.media.sound import BITRATE, Sound
from tasks.steps.context import Done, Fail, Outcome, StepContext
from tasks.steps.lyrics import film_lyrics


def run(given: Document, ctx: StepContext) -> Outcome:
    """Write the film of ``given["composition_id"]``, whose segments are all there."""
    with ctx.reading() as session:
        composition, song, heard = _rows(session, given["composition_id"])
    if composition.plan is None or composition.timeline is None:
        raise InvalidRecord("the video has no plan yet")
    spec = SegmentSpec.from_json(composition.plan["spec"])
    timeline = Timeline.from_json(composition.timeline)
    keys = [SegmentPlan.from_json(plan).content_key(spec) for plan in composition.plan["segments"]]
    request = VideoRequest.from_json(composition.request)
    original, pcm = ctx.fetch(song.content_key), ctx.fetch(heard.sound_key)
    copied = is_copied(request.audio, sound_header(original), timeline.window, original, pcm)
    tags = _tags(composition.plan, song, request, timeline, ctx)
    ingredients = {
        "segments": keys,
        "window": composition.timeline["window"],
        "sound": song.content_key if copied else heard.sound_key,
        "bitrate": None if copied else BITRATE,
        "tags": tags.to_json(),
    }
    subtitles = film_lyrics(composition) if composition.request.get("words") == Words.SOFT else None
    if subtitles is not None:
        ingredients["subtitles"] = subtitles.to_json()
    key = f"films/{content_hash(ingredients)}.mp4"
    if ctx.is_stored(key, "film"):
        return Done(key)
    sound = Sound(pcm=pcm, original=original if copied else None, window=timeline.window)
    path = ctx.scratch / "film.mp4"
    frames = assemble(
        [ctx.fetch(segment) for segment in keys],
        spec,
        sound,
        path,
        on_frame=lambda done: ctx.progress(float(Fraction(done, timeline.frames))),
        subtitles=subtitles,
        tags=tags,
    )
    if frames != timeline.frames:
        return Fail(f"the film has {frames} frames instead of {timeline.frames}", code="frames_missing")
    return Done(ctx.publish(path, key, "film"))


def _tags(plan: Document, song: Song, request: VideoRequest, timeline: Timeline, ctx: StepContext) -> FilmTags:
    """Name the film as the song, and divide it as the analysis that it was planned on."""
    key = plan.get("analysis_key")  # absent from plans of before there were chapters
    sections = Analysis.from_json(json.loads(bytes(ctx.shared(key)))).sections if key else ()
    return FilmTags(
        title=song.title,
        artist=song.artist,
        comment=None if request.limit_flashes else FLASHES_UNLIMITED,
        chapters=chapters_of(sections, timeline),
    )


def _rows(session: Session, composition_id: str) -> tuple[Composition, Song, AnalysisRow]:
    composition = session.get_one(Composition, composition_id)
    return (
        composition,
        session.get_one(Song, composition.song_id),
        session.get_one(AnalysisRow, composition.analysis_id),
    )
