"""Join the segments and the song's sound to the film."""

from __future__ import annotations

from fractions import Fraction

from sqlmodel import Session

from cluster.db.tables import AnalysisRow, Composition, Song
from tasks.domain.document import Document, content_hash
from tasks.domain.errors import InvalidRecord
from tasks.domain.request import Words
from tasks.domain.segment import SegmentPlan, SegmentSpec
from tasks.domain.timeline import Timeline
from tasks.media.mux import assemble
from tasks.media.probe import sound_header
from tasks.media.sound import BITRATE, Sound, is_copied
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
    original = ctx.fetch(song.content_key)
    header = sound_header(original)
    copied = is_copied(header, timeline.window)
    ingredients = {
        "segments": keys,
        "window": composition.timeline["window"],
        "sound": song.content_key if copied else heard.sound_key,
        "bitrate": None if copied else BITRATE,
    }
    subtitles = film_lyrics(composition) if composition.request.get("words") == Words.SOFT else None
    if subtitles is not None:
        ingredients["subtitles"] = subtitles.to_json()
    key = f"films/{content_hash(ingredients)}.mp4"
    if ctx.is_stored(key, "film"):
        return Done(key)
    sound = Sound(pcm=ctx.fetch(heard.sound_key), original=original if copied else None, window=timeline.window)
    path = ctx.scratch / "film.mp4"
    frames = assemble(
        [ctx.fetch(segment) for segment in keys],
        spec,
        sound,
        path,
        on_frame=lambda done: ctx.progress(float(Fraction(done, timeline.frames))),
        subtitles=subtitles,
    )
    if frames != timeline.frames:
        return Fail(f"the film has {frames} frames instead of {timeline.frames}", code="frames_missing")
    return Done(ctx.publish(path, key, "film"))


def _rows(session: Session, composition_id: str) -> tuple[Composition, Song, AnalysisRow]:
    composition = session.get_one(Composition, composition_id)
    return (
        composition,
        session.get_one(Song, composition.song_id),
        session.get_one(AnalysisRow, composition.analysis_id),
    )
